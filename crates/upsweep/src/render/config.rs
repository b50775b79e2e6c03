//! The settings for a person.

use comfy_table::{Table, presets};

use super::count;
use crate::cli::check::Findings;
use crate::config::Shown;
use crate::say::{complain, say};

pub(crate) fn print(settings: &[Shown]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["setting", "value", "from"]);
    for Shown { key, value, origin } in settings {
        table.add_row([key.as_str(), value.as_deref().unwrap_or("-"), origin]);
    }
    crate::say::say!("{}", table.trim_fmt());
}

/// What a check found: mistakes and warnings on standard error, everything else on standard output.
pub(crate) fn check(findings: &Findings) {
    let Findings { problems, warnings, in_order, offline } = findings;
    in_order.iter().for_each(|line| say!("{line}"));
    warnings.iter().for_each(|warning| complain!("warning: {warning}"));
    problems.iter().for_each(|problem| complain!("error: {problem}"));
    match (problems.len() as u64, offline) {
        (0, false) => say!("The configuration is fine."),
        (0, true) => say!("The configuration is fine; the upload directory and the databases were not looked at."),
        (mistakes, _) => complain!("{} in the configuration.", count(mistakes, "mistake")),
    }
}
