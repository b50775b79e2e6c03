//! The doctor: looks at everything a clean-up rests on, and changes nothing but a scratch folder of its own.
//!
//! Every check stands alone: what cannot be looked at is one line, and the rest goes on.

mod binding;
mod clocks;
mod database;
mod disk;
mod elsewhere;
mod ledger;
mod mounts;
mod rights;
mod settings;
mod zone;

use serde::Serialize;

use crate::config::Config;
use crate::{secrets, wire};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should be.
    Good,
    /// It could not be looked at, because something else is missing.
    Skipped,
    /// Worth knowing; nothing has to be done.
    Note,
    /// It works, and something should be done about it.
    Warning,
    /// It does not work, or not safely.
    Problem,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Skipped => "skipped",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: &'static str,
    /// How it stands.
    pub(crate) status: Status,
    /// What was seen.
    pub(crate) saw: String,
    /// What to do about it.
    pub(crate) next: Option<String>,
}

impl Check {
    fn good(name: &'static str, saw: impl Into<String>) -> Self {
        Self { name, status: Status::Good, saw: saw.into(), next: None }
    }

    fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, status: Status::Skipped, saw: why.into(), next: None }
    }

    fn note(name: &'static str, saw: impl Into<String>) -> Self {
        Self { name, status: Status::Note, saw: saw.into(), next: None }
    }

    fn warning(name: &'static str, saw: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, saw: saw.into(), next: Some(next.into()) }
    }

    fn problem(name: &'static str, saw: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, status: Status::Problem, saw: saw.into(), next: Some(next.into()) }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Looks at everything.
pub(crate) fn examine(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    wire::with_parts(config, |parts| match parts {
        Ok(parts) => {
            rights::examine(&parts, &mut checks);
            mounts::examine(&parts, &mut checks);
            disk::examine(&parts, &mut checks);
            elsewhere::examine(&parts, config, &mut checks);
            binding::examine(&parts, config, &mut checks);
            ledger::examine(&parts, &mut checks);
            let reads = database::examine(config, Some(&parts), &mut checks);
            clocks::examine(&parts, &reads, &mut checks);
            zone::examine(config, &reads, &mut checks);
        }
        Err(error) => {
            checks.push(Check::problem("store", format!("{error:#}"), "mend this first; most of the rest needs it"));
            checks.push(Check::skipped("disk", "there is no directory to look at"));
            checks.push(Check::skipped("binding", "there is no directory to look at"));
            checks.push(Check::skipped("ledger", "there is no directory to look at"));
            database::examine(config, None, &mut checks);
        }
    });
    settings::examine(config, &mut checks);
    for check in &mut checks {
        check.saw = secrets::masked(&check.saw);
    }
    checks
}
