//! What the doctor found, for a person: the good news first, what to do something about last.

use crate::doctor::{Check, Status};

use super::{Invocation, count};

pub(crate) fn print(checks: &[Check]) {
    let mut sorted: Vec<&Check> = checks.iter().collect();
    sorted.sort_by_key(|check| check.status);
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let invocation = Invocation::of_process();
    for Check { name, status, saw, next } in sorted {
        let (saw, next) = (invocation.in_text(saw), next.as_ref().map(|next| invocation.in_text(next)));
        let style = match status {
            Status::Good | Status::Skipped | Status::Note => anstyle::Style::new(),
            Status::Warning => anstyle::AnsiColor::Yellow.on_default(),
            Status::Problem => anstyle::AnsiColor::Red.on_default(),
        };
        let word = status.word();
        crate::say::say!("{}{word:<8}{} {name:<width$}  {saw}", style.render(), style.render_reset());
        if let Some(next) = next {
            crate::say::say!("{:>indent$}  next: {next}", "", indent = 8 + 1 + width);
        }
    }
    let number = |status: Status| checks.iter().filter(|check| check.status == status).count() as u64;
    let parts = [(Status::Problem, "problem"), (Status::Warning, "warning"), (Status::Note, "note")]
        .map(|(status, word)| count(number(status), word));
    crate::say::say!("{} looked at: {}.", count(checks.len() as u64, "thing"), parts.join(", "));
}
