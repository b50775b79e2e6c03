//! What people and scripts see.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod csv;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod hold;
mod invocation;
mod notes;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod summary;

use std::io::Write;

pub(crate) use invocation::{Invocation, quoted};

use anyhow::Context;
use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;
use upsweep_plan::guard::Refusal;

/// Writes a value as JSON to standard output.
pub(crate) fn print_json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written =
        serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from).and_then(|()| out.write_all(b"\n"));
    unless_closed(written)
}

/// A reader that has seen enough (as `head` has) is no error.
pub(crate) fn unless_closed(written: std::io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Somebody's words as they may be shown on a terminal: what would move the cursor, or begin a line, is spelled out.
pub(crate) fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// `12.3 KiB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// `3 d 4 h`, `5 h`, `12 min`.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = (now.as_second() - since.as_second()) / 60;
    match minutes {
        ..0 => "in the future".to_owned(),
        0..60 => format!("{minutes} min"),
        60..1_440 => format!("{} h", minutes / 60),
        _ => match (minutes / 1_440, minutes / 60 % 24) {
            (days @ ..10, hours @ 1..) => format!("{days} d {hours} h"),
            (days, _) => format!("{days} d"),
        },
    }
}

/// `0:07`, `1:02:03`.
pub(crate) fn duration(millis: u64) -> String {
    let secs = (millis + 500) / 1_000;
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, minutes, secs) => format!("{minutes}:{secs:02}"),
        (hours, minutes, secs) => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

/// A time to the second, in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    upsweep_plan::moment::spelled(at)
}

/// Guards' objections, each with cause and next step. Where a human may overrule them all, `overrule` says in which
/// case, and by which command.
pub(crate) fn refusals(list: &[Refusal], verb: &str, overrule: Option<(&str, &str)>, invocation: &Invocation) {
    for Refusal { code, saw, likely, next } in list {
        let next = invocation.in_text(next);
        crate::say::say!("{}{code} {verb}:{} {saw}.", anstyle::AnsiColor::Yellow.render_fg(), anstyle::Reset.render());
        crate::say::say!("     likely: {likely}");
        crate::say::say!("     next:   {next}");
    }
    let may_be_overruled = !list.is_empty() && list.iter().all(|refusal| refusal.code.is_approvable());
    if let Some((case, command)) = overrule.filter(|_| may_be_overruled) {
        let codes: Vec<String> = list.iter().map(|refusal| refusal.code.to_string()).collect();
        let command = invocation.line(&format!("{command} --allow {} --reason \"…\"", codes.join(",")));
        crate::say::say!("{case}: {command}");
    }
}

/// The case in which guards that judge removals may be overruled.
pub(crate) const REALLY_GO: &str = "If these files may really go";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-10T12:00:00Z");
        assert_eq!(age(at("2026-11-10T11:18:00Z"), now), "42 min");
        assert_eq!(age(at("2026-11-10T02:00:00Z"), now), "10 h");
        assert_eq!(age(at("2026-11-07T08:00:00Z"), now), "3 d 4 h");
        assert_eq!(age(at("2026-01-01T00:00:00Z"), now), "313 d");
        assert_eq!(age(at("2027-01-01T00:00:00Z"), now), "in the future");
        assert_eq!(duration(6_600), "0:07");
        assert_eq!(duration(3_723_000), "1:02:03");
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(size(12_595), "12.3 KiB");
    }

    #[test]
    fn nobodys_words_move_the_cursor_or_begin_a_line() {
        assert_eq!(one_line("a \u{1b}[31mred\nfake line\u{9b}x"), "a \\u{1b}[31mred\\nfake line\\u{9b}x");
        assert_eq!(one_line("grün, 'quoted'"), "grün, 'quoted'");
    }
}
