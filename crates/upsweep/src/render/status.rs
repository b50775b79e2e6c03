//! The state of a store for a person.

use comfy_table::{Table, presets};
use upsweep_engine::ports::Op;

use super::{Invocation, REALLY_GO, count, refusals, size, time};
use crate::cli::status::{Potential, Status};

pub(crate) fn print(status: &Status, invocation: &Invocation) {
    let Status {
        store,
        marker,
        once_bound_as,
        working,
        hidden,
        next_purge_at,
        copies_pending,
        conflicts,
        hidden_files,
        recovery_pending,
        last_run,
        potential,
        survey_error,
    } = status;
    match (marker, once_bound_as) {
        (marker, Some(id)) => {
            let now = marker.as_ref().map_or("there is no marker now", |_| "another store stands in its place");
            crate::say::say!("Store {store} was bound as {id}, but {now}.");
        }
        (Some(marker), None) => {
            crate::say::say!("Store {store}, bound as {} since {}.", marker.store_id, time(marker.bound_at));
        }
        (None, None) => crate::say::say!("Store {store}, not bound: nothing was ever removed from it."),
    }
    if let Some(holder) = working {
        crate::say::say!("At work: {holder}.");
    }
    if *recovery_pending > 0 {
        crate::say::say!(
            "Recovery pending: {} of an interrupted run; the next run finishes what is open.",
            count(*recovery_pending, "operation")
        );
    }
    if let Some(run) = last_run {
        crate::say::say!("Last: {} {} at {}.", run.kind.word(), run.id, time(run.started_at));
    }
    if marker.is_none() && once_bound_as.is_some() {
        crate::say::say!("In quarantine: unknown, as its ledger is not there.");
        return end(potential.as_ref(), survey_error.as_deref(), invocation);
    }
    let next = next_purge_at.map(|at| format!("; the first may be freed after {}", time(at))).unwrap_or_default();
    crate::say::say!("In quarantine: {}, {}{next}.", count(hidden.files, "file"), size(hidden.bytes));
    if copies_pending.files > 0 {
        crate::say::say!(
            "Not in the archive yet: {}, {}; none is freed before it is copied, by the next run, apply or purge.",
            count(copies_pending.files, "hidden file"),
            size(copies_pending.bytes)
        );
    }
    if *conflicts > 0 {
        let list = invocation.line("status --hidden");
        let list = if hidden_files.is_none() { format!("; see: {list}") } else { String::new() };
        crate::say::say!("In conflict: {} with another file in the place{list}", count(*conflicts, "hidden file"));
    }
    if let Some(ops) = hidden_files.as_ref().filter(|ops| !ops.is_empty()) {
        list(ops);
    }
    end(potential.as_ref(), survey_error.as_deref(), invocation);
}

fn end(potential: Option<&Potential>, survey_error: Option<&str>, invocation: &Invocation) {
    if let Some(error) = survey_error {
        let error = invocation.in_text(error);
        crate::say::complain!("error: what a run would do now is unknown: {error}");
    }
    if let Some(potential) = potential {
        print_potential(potential, invocation);
    }
}

fn print_potential(potential: &Potential, invocation: &Invocation) {
    let Potential { files, explained_files, removals, restores, missing, would_refuse, incomplete, surveyed_at } =
        potential;
    if incomplete.is_empty() {
        crate::say::say!(
            "Now: {} of {} explained; {} ({}) would be removed, {restores} brought back; {missing} missing (surveyed {}).",
            explained_files,
            count(*files, "file"),
            count(removals.files, "file"),
            size(removals.bytes),
            time(*surveyed_at)
        );
    } else {
        crate::say::say!("Now: unknown, as the survey did not complete (at {}).", time(*surveyed_at));
    }
    let overrule = (removals.files > 0).then_some((REALLY_GO, "run"));
    refusals(would_refuse, "would refuse", overrule, invocation);
}

fn list(ops: &[Op]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["state", "why", "hidden", "kept until", "then", "copy", "size", "file"]);
    for op in ops {
        let at = |at: Option<jiff::Timestamp>| at.map_or_else(|| "-".to_owned(), time);
        table.add_row([
            op.state.name().to_owned(),
            op.reason.word().to_owned(),
            at(op.hidden_at),
            at(op.quarantined_until()),
            op.action.name().to_owned(),
            op.copy.as_ref().map_or("-", |copy| copy.file.as_str()).to_owned(),
            size(op.facts.size_bytes),
            op.key.to_string(),
        ]);
    }
    crate::say::say!("{}", table.trim_fmt());
}
