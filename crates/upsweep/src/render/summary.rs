//! What a run did, as JSON for scripts.

use serde::Serialize;
use upsweep_engine::ports::{Amount, DatabaseIdentity};
use upsweep_engine::recover::Recovered;
use upsweep_engine::restore::Restored;
use upsweep_engine::runs::Report;
use upsweep_plan::guard::{Code, Refusal};
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Key;

/// What was brought back by hand, and which names nobody knows.
#[derive(Debug, Serialize)]
pub(crate) struct ByHand {
    #[serde(flatten)]
    summary: Summary,
    unknown: Vec<Key>,
}

pub(crate) fn by_hand(report: &Report, unknown: &[Key]) -> ByHand {
    ByHand { summary: summary(report), unknown: unknown.to_vec() }
}

/// A report in the form scripts read.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    run: Option<String>,
    plan: Option<String>,
    store: Option<String>,
    bound_as: Option<String>,
    /// The databases it was bound to with that.
    bound_to: Vec<DatabaseIdentity>,
    /// The guards that objected to hiding and were overruled.
    overruled: Vec<Code>,
    hidden: Amount,
    copied: Amount,
    restored: Amount,
    holds: Vec<Hold>,
    /// How much of that came from the archive.
    retrieved: Amount,
    purged: Amount,
    purged_files_with_other_names: u64,
    skipped: Vec<Line>,
    errors: Vec<Line>,
    error_count: u64,
    conflicts: Vec<Key>,
    refusals: Vec<Refusal>,
    purge_refusals: Vec<Refusal>,
    purge_refused_files: u64,
    purge_held_files: u64,
    purge_undrained_files: u64,
    purge_uncopied_files: u64,
    copies_pending: Amount,
    recovered_operations: u64,
    recovered: Recovered,
    stray_hidden_files: u64,
    still_hidden: u64,
    next_purge_at: Option<jiff::Timestamp>,
    /// Files of this run that `upsweep restore --run` would bring back.
    undoable_files: u64,
    failure: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) file: Option<Key>,
    pub(crate) cause: String,
}

pub(crate) fn summary(report: &Report) -> Summary {
    let Report {
        run,
        plan,
        bound,
        recovered,
        strays,
        refusals,
        overruled,
        applied,
        archived,
        restored: _,
        retrieved,
        holds,
        purged,
        still_hidden,
        copies_pending,
        own_hidden: _,
        undoable,
        next_purge_at,
        failure,
    } = report;
    Summary {
        run: run.clone(),
        plan: plan.as_ref().map(|plan| plan.id.clone()),
        store: plan.as_ref().map(|plan| plan.store.address.clone()),
        bound_as: bound.as_ref().map(|marker| marker.store_id.clone()),
        bound_to: bound.as_ref().map(|marker| marker.databases.clone()).unwrap_or_default(),
        overruled: overruled.clone(),
        hidden: applied.hidden,
        copied: archived.copied,
        restored: report.back(),
        retrieved: retrieved.amount,
        holds: holds.clone(),
        purged: purged.amount,
        purged_files_with_other_names: purged.other_names,
        skipped: applied
            .skipped
            .iter()
            .map(|(key, why)| Line { file: Some(key.clone()), cause: why.words().to_owned() })
            .collect(),
        errors: errors(report),
        error_count: report.errors(),
        conflicts: everything_brought_back(report).into_iter().flat_map(|r| r.conflicts.clone()).collect(),
        refusals: refusals.clone(),
        purge_refusals: purged.refusals.clone(),
        purge_refused_files: purged.refused,
        purge_held_files: purged.held,
        purge_undrained_files: purged.undrained,
        purge_uncopied_files: purged.uncopied,
        copies_pending: *copies_pending,
        recovered_operations: recovered.total(),
        recovered: *recovered,
        stray_hidden_files: *strays,
        still_hidden: *still_hidden,
        next_purge_at: *next_purge_at,
        undoable_files: *undoable,
        failure: failure.as_ref().map(ToString::to_string),
    }
}

/// Whatever brought files back in this run.
pub(crate) fn everything_brought_back(report: &Report) -> [&Restored; 4] {
    [&report.restored, &report.retrieved, &report.archived.restored, &report.purged.restored]
}

pub(crate) fn errors(report: &Report) -> Vec<Line> {
    let back = everything_brought_back(report);
    let failed = [&report.applied.failed, &report.archived.failed, &report.purged.failed];
    let failed = failed.into_iter().chain(back.map(|restored| &restored.failed));
    let lost = back.into_iter().flat_map(|restored| &restored.lost);
    let planned = report.plan.iter().flat_map(|plan| &plan.errors);
    planned
        .chain(&report.archived.unavailable)
        .map(|cause| Line { file: None, cause: cause.clone() })
        .chain(failed.flatten().map(|(key, cause)| Line { file: Some(key.clone()), cause: cause.clone() }))
        .chain(lost.map(|key| Line {
            file: Some(key.clone()),
            cause: "somebody else took it out of the quarantine".to_owned(),
        }))
        .collect()
}
