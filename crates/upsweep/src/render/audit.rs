//! What a check of the audit trail found, for a person.

use upsweep_plan::audit::{Checkpoint, Summary};

use super::{Invocation, count, time};

/// The chain is whole, as far as anybody can tell.
pub(crate) fn whole(what: &str, summary: &Summary, kept: Option<&Checkpoint>, invocation: &Invocation) {
    let Summary { ledger, records, first, last_seq, last_hash: _, last_at } = summary;
    match (first, last_at) {
        (Some((first, from)), Some(to)) => crate::say::say!(
            "The audit trail of {what} is whole: {}, {first} to {last_seq}, from {} to {}.",
            count(*records, "record"),
            time(*from),
            time(*to)
        ),
        _ => crate::say::say!("The audit trail of {what} is whole: it has no records."),
    }
    crate::say::say!("It is the trail of ledger {ledger}.");
    if let Some((first @ 2.., _)) = first {
        crate::say::say!(
            "Records before {first} are not in it: they were pruned for their age, or left out by --since."
        );
    }
    match kept {
        Some(Checkpoint { ledger: _, seq, hash: _, at }) => crate::say::say!(
            "It agrees with the checkpoint that was kept: nothing up to record {seq} of {} was altered or cut.",
            time(*at)
        ),
        None => {
            crate::say::say!(
                "No checkpoint that was kept elsewhere was given: a tail that was cut off, or a trail that was written anew as a whole, cannot be noticed."
            );
            let command = invocation.line("audit checkpoint --out FILE");
            crate::say::say!("Keep one elsewhere from now on ({command}), and check with --checkpoint FILE.");
        }
    }
}
