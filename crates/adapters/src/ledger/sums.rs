//! What all runs together did: the same sums in every ledger.

use jiff::Timestamp;
use upsweep_engine::ports::{Amount, RunOutcome, Totals};
use upsweep_plan::lifecycle::State;

/// The states whose files count as lying in the quarantine: those that a run is copying lie there as well.
pub(super) const LYING: [State; 2] = [State::Quarantined, State::Archiving];

/// Adds, and stays at the highest number there is.
pub(super) fn add(sum: &mut Amount, more: Amount) {
    let Amount { files, bytes } = more;
    sum.files = sum.files.saturating_add(files);
    sum.bytes = sum.bytes.saturating_add(bytes);
}

pub(super) fn add_run(totals: &mut Totals, ended_at: Timestamp, outcome: &RunOutcome) {
    let RunOutcome {
        plan: _,
        refused,
        overruled: _,
        hidden,
        copied,
        restored,
        purged,
        skipped: _,
        errors,
        failure,
        stopped,
    } = outcome;
    totals.runs += 1;
    add(&mut totals.hidden, *hidden);
    add(&mut totals.copied, *copied);
    add(&mut totals.restored, *restored);
    add(&mut totals.purged, *purged);
    totals.errors = totals.errors.saturating_add(*errors);
    totals.failures += u64::from(failure.is_some());
    totals.stopped += u64::from(*stopped);
    for code in refused {
        *totals.refusals.entry(*code).or_default() += 1;
    }
    if failure.is_none() && refused.is_empty() && *errors == 0 {
        totals.last_success = totals.last_success.max(Some(ended_at));
    }
}
