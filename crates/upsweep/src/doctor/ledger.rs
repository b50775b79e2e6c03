//! Whether the ledger is the right one and whole, and what waits in it.

use upsweep_engine::adopt;
use upsweep_engine::binding;
use upsweep_engine::error::EngineError;
use upsweep_engine::planning::PENDING;
use upsweep_engine::ports::{Ledger, Marker};
use upsweep_plan::lifecycle::State;

use super::Check;
use crate::render::count;
use crate::wire::Parts;

pub(super) fn examine(parts: &Parts<'_>, checks: &mut Vec<Check>) {
    match parts.store.marker() {
        Ok(Some(marker)) => of_bound(parts, &marker, checks),
        Ok(None) => checks.push(Check::skipped("ledger", "the first run that changes something makes it")),
        Err(_) => checks.push(Check::skipped("ledger", "the marker does not say which it is")),
    }
}

fn of_bound(parts: &Parts<'_>, marker: &Marker, checks: &mut Vec<Check>) {
    let ledger = match binding::open_ledger(parts.store, parts.home, marker) {
        Ok(ledger) => ledger,
        Err(error) => {
            let next = match error {
                EngineError::LedgerMismatch { .. } => "restore it from a backup, or: upsweep adopt --reason \"…\"",
                _ => "mend the cause, or restore it from a backup",
            };
            return checks.push(Check::problem("ledger", error.to_string(), next));
        }
    };
    checks.push(match ledger.verify() {
        Ok(()) => Check::good("ledger", format!("{} is whole", parts.home.ledger_place().shown)),
        Err(error) => {
            Check::problem("ledger", error.to_string(), "restore it from a backup, or move it away and adopt")
        }
    });
    let waiting = [waiting(parts, &*ledger), strays(parts, &*ledger)];
    checks.extend(waiting.into_iter().map(|check| {
        check.unwrap_or_else(|error| Check::problem("hidden files", error.to_string(), "mend the cause"))
    }));
}

fn waiting(parts: &Parts<'_>, ledger: &dyn Ledger) -> Result<Check, EngineError> {
    const NAME: &str = "unfinished";
    let pending = ledger.ops_in(&PENDING)?.len() as u64;
    let conflicts = ledger.ops_in(&[State::Conflict])?.len() as u64;
    if let Some(holder) = parts.home.holder()? {
        return Ok(Check::note(NAME, format!("{holder} is at work")));
    }
    Ok(match (pending, conflicts) {
        (0, 0) => Check::good(NAME, "no run was interrupted, and no file is in conflict"),
        (0, _) => Check::warning(
            NAME,
            format!("{} could not be brought back: another file is in the place", count(conflicts, "file")),
            "see them with: upsweep status --hidden; move the other files away, then: upsweep restore --all",
        ),
        (_, _) => Check::warning(
            NAME,
            format!("{} of an interrupted run", count(pending, "operation")),
            "the next run finishes what is open; or now: upsweep recover",
        ),
    })
}

fn strays(parts: &Parts<'_>, ledger: &dyn Ledger) -> Result<Check, EngineError> {
    let strays = adopt::count_strays(parts.store, ledger)?;
    Ok(if strays == 0 {
        Check::good("hidden files", "the ledger knows every run that hid files")
    } else {
        Check::warning(
            "hidden files",
            format!(
                "the quarantine holds {} that this ledger does not know (was it restored from a backup?)",
                count(strays, "file")
            ),
            "bring back what it does not know with: upsweep adopt --reason \"…\"",
        )
    })
}
