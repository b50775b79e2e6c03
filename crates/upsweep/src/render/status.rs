//! The state of a store for a person.

use super::{count, refusals, size, time};
use crate::cli::status::{Potential, Status};

pub(crate) fn print(status: &Status) {
    let Status { store, marker, working, hidden, next_purge_at, conflicts, recovery_pending, last_run, potential } =
        status;
    match marker {
        Some(marker) => {
            anstream::println!("Store {store}, bound as {} since {}.", marker.store_id, time(marker.bound_at))
        }
        None => anstream::println!("Store {store}, not bound: nothing was ever removed from it."),
    }
    if let Some(holder) = working {
        anstream::println!("At work: {holder}.");
    }
    if *recovery_pending > 0 {
        anstream::println!(
            "Recovery pending: {} of an interrupted run; the next run finishes them.",
            count(*recovery_pending, "operation")
        );
    }
    if let Some(run) = last_run {
        anstream::println!("Last: {} {} at {}.", run.kind.word(), run.id, time(run.started_at));
    }
    let next = next_purge_at.map(|at| format!("; the first may be freed after {}", time(at))).unwrap_or_default();
    anstream::println!("In quarantine: {}, {}{next}.", count(hidden.files, "file"), size(hidden.bytes));
    if *conflicts > 0 {
        anstream::println!("In conflict: {}, whose places are taken; see upsweep history.", count(*conflicts, "file"));
    }
    let Potential { files, explained_files, removals, restores, missing, would_refuse, surveyed_at } = potential;
    anstream::println!(
        "Now: {} of {} explained; {} ({}) would be removed, {restores} brought back; {missing} missing (surveyed {}).",
        explained_files,
        count(*files, "file"),
        count(removals.files, "file"),
        size(removals.bytes),
        time(*surveyed_at)
    );
    refusals(would_refuse, "would refuse");
}
