//! Holds for a person.

use comfy_table::{Table, presets};
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Escaped;

use super::{Invocation, time};
use crate::cli::numbers;

pub(crate) fn print(holds: &[Hold]) {
    if holds.is_empty() {
        crate::say::say!("Nothing is held.");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["hold", "what", "since", "until", "by", "why"]);
    for Hold { id, target, by, why, since, until } in holds {
        table.add_row([
            id.to_string(),
            target.to_string(),
            time(*since),
            until.map_or_else(|| "it is released".to_owned(), time),
            Escaped(by.as_bytes()).to_string(),
            Escaped(why.as_bytes()).to_string(),
        ]);
    }
    crate::say::say!("{}", table.trim_fmt());
}

pub(crate) fn added(holds: &[Hold], invocation: &Invocation) {
    for Hold { id, target, by: _, why: _, since: _, until } in holds {
        let until = until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {}", time(until)));
        crate::say::say!("Hold {id} keeps {target} {until}.");
    }
    release(holds, invocation);
}

/// How to end these holds again.
pub(super) fn release(holds: &[Hold], invocation: &Invocation) {
    let ids = numbers::words(holds.iter().map(|hold| hold.id));
    let command = invocation.line(&format!("hold release {ids} --reason \"…\""));
    let which = if holds.len() == 1 { "it" } else { "them" };
    crate::say::say!("To end {which}: {command}");
}
