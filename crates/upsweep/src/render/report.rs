//! What a run did, for a person and as JSON.

use serde::Serialize;
use upsweep_engine::ports::Amount;
use upsweep_engine::recover::Recovered;
use upsweep_engine::runs::Report;
use upsweep_plan::guard::Refusal;
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Key;

use super::{Invocation, count, hold, refusals, size, time};

/// A report in the form scripts read.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    run: Option<String>,
    plan: Option<String>,
    store: Option<String>,
    bound_as: Option<String>,
    hidden: Amount,
    restored: Amount,
    holds: Vec<Hold>,
    purged: Amount,
    skipped: Vec<Line>,
    errors: Vec<Line>,
    error_count: u64,
    conflicts: Vec<Key>,
    refusals: Vec<Refusal>,
    purge_refusals: Vec<Refusal>,
    purge_refused_files: u64,
    purge_undrained_files: u64,
    recovered_operations: u64,
    stray_hidden_files: u64,
    still_hidden: u64,
    next_purge_at: Option<jiff::Timestamp>,
    failure: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) file: Option<Key>,
    pub(super) cause: String,
}

pub(crate) fn summary(report: &Report) -> Summary {
    let Report {
        run,
        plan,
        bound,
        recovered,
        strays,
        refusals,
        overruled: _,
        applied,
        restored,
        holds,
        purged,
        still_hidden,
        next_purge_at,
        failure,
    } = report;
    Summary {
        run: run.clone(),
        plan: plan.as_ref().map(|plan| plan.id.clone()),
        store: plan.as_ref().map(|plan| plan.store.address.clone()),
        bound_as: bound.as_ref().map(|marker| marker.store_id.clone()),
        hidden: applied.hidden,
        restored: Amount {
            files: restored.amount.files + purged.restored.amount.files,
            bytes: restored.amount.bytes + purged.restored.amount.bytes,
        },
        holds: holds.clone(),
        purged: purged.amount,
        skipped: applied
            .skipped
            .iter()
            .map(|(key, why)| Line { file: Some(key.clone()), cause: why.words().to_owned() })
            .collect(),
        errors: errors(report),
        error_count: report.errors(),
        conflicts: restored.conflicts.iter().chain(&purged.restored.conflicts).cloned().collect(),
        refusals: refusals.clone(),
        purge_refusals: purged.refusals.clone(),
        purge_refused_files: purged.refused,
        purge_undrained_files: purged.undrained,
        recovered_operations: recovered.total(),
        stray_hidden_files: *strays,
        still_hidden: *still_hidden,
        next_purge_at: *next_purge_at,
        failure: failure.as_ref().map(ToString::to_string),
    }
}

pub(super) fn errors(report: &Report) -> Vec<Line> {
    let failed =
        [&report.applied.failed, &report.purged.failed, &report.restored.failed, &report.purged.restored.failed];
    let lost = report.restored.lost.iter().chain(&report.purged.restored.lost);
    let planned = report.plan.iter().flat_map(|plan| &plan.errors);
    planned
        .map(|cause| Line { file: None, cause: cause.clone() })
        .chain(failed.into_iter().flatten().map(|(key, cause)| Line { file: Some(key.clone()), cause: cause.clone() }))
        .chain(lost.map(|key| Line {
            file: Some(key.clone()),
            cause: "somebody else took it out of the quarantine".to_owned(),
        }))
        .collect()
}

pub(crate) fn print(report: &Report, what: &str, invocation: &Invocation) {
    if let Some(marker) = &report.bound {
        crate::say::say!(
            "This was the first run here: the store is bound now, as {}, to {}.",
            marker.store_id,
            marker.databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    print_recovered(&report.recovered, what);
    print_strays(report.strays, invocation);
    print_hidden(report, what, invocation);
    print_restored(report, invocation);
    print_purged(report, what, invocation);
    print_errors(report);
    if report.still_hidden > 0 {
        let next = report.next_purge_at.map(|at| format!("; the first may be freed after {}", time(at)));
        crate::say::say!("In quarantine: {}{}.", count(report.still_hidden, "file"), next.unwrap_or_default());
    }
    if let (Some(run), "run" | "apply", 1..) = (&report.run, what, report.applied.hidden.files) {
        crate::say::say!("Undo: {}", invocation.line(&format!("restore --run {run}")));
    }
    print_failure(report);
}

pub(super) fn print_errors(report: &Report) {
    for Line { file, cause } in errors(report) {
        match file {
            Some(key) => crate::say::say!("error: {key}: {cause}"),
            None => crate::say::say!("error: {cause}"),
        }
    }
    if report.errors() > 0 {
        crate::say::say!("{}; everything else was done.", count(report.errors(), "problem"));
    }
}

pub(super) fn print_failure(report: &Report) {
    if let Some(failure) = &report.failure {
        crate::say::complain!(
            "{}error:{} stopped early: {failure}",
            anstyle::AnsiColor::Red.render_fg(),
            anstyle::Reset.render()
        );
    }
}

fn print_strays(strays: u64, invocation: &Invocation) {
    if strays > 0 {
        crate::say::complain!(
            "{}warning:{} the quarantine holds {} that this ledger does not know (was it restored from a backup?); bring them back with: {}",
            anstyle::AnsiColor::Yellow.render_fg(),
            anstyle::Reset.render(),
            count(strays, "file"),
            invocation.line("adopt --reason \"…\"")
        );
    }
}

pub(super) fn print_recovered(recovered: &Recovered, what: &str) {
    let total = recovered.total();
    if total == 0 {
        if what == "recover" {
            crate::say::say!("No run was interrupted; there was nothing to finish.");
        }
        return;
    }
    let Recovered { hidden, in_place, purged, gone, conflicts, unknown } = recovered;
    let parts: Vec<String> = [
        (hidden, "hidden"),
        (in_place, "in place"),
        (purged, "freed"),
        (gone, "gone"),
        (conflicts, "in conflict"),
        (unknown, "still unknown"),
    ]
    .into_iter()
    .filter(|(number, _)| **number > 0)
    .map(|(number, words)| format!("{number} {words}"))
    .collect();
    crate::say::say!(
        "Finished what an interrupted run had left: {} ({}).",
        count(total, "operation"),
        parts.join(", ")
    );
}

fn print_hidden(report: &Report, what: &str, invocation: &Invocation) {
    if !report.refusals.is_empty() {
        crate::say::say!("Refused, and nothing was hidden.");
        return refusals(&report.refusals, "refused", what, invocation);
    }
    if !matches!(what, "run" | "apply") {
        return;
    }
    let hidden = report.applied.hidden;
    if hidden.files == 0 {
        crate::say::say!("Nothing was hidden.");
    } else {
        crate::say::say!(
            "Hid {}, {}: out of the upload directory, not freed yet.",
            count(hidden.files, "file"),
            size(hidden.bytes)
        );
    }
    for (key, why) in &report.applied.skipped {
        crate::say::say!("left alone: {key}: {}", why.words());
    }
}

fn print_restored(report: &Report, invocation: &Invocation) {
    for (restored, why) in [(&report.restored, ""), (&report.purged.restored, " (somebody still wrote to them)")] {
        if restored.amount.files > 0 {
            crate::say::say!(
                "Brought back {}, {}{why}.",
                count(restored.amount.files, "file"),
                size(restored.amount.bytes)
            );
        }
        for key in &restored.conflicts {
            crate::say::say!(
                "conflict: {key}: its place is taken by another file; both are kept. Move that file away and restore again"
            );
        }
    }
    if !report.holds.is_empty() {
        let files = count(report.holds.len() as u64, "file");
        crate::say::say!("A hold was set on {files}, so that the next run does not hide what no row claims again.");
        hold::release(&report.holds, invocation);
    }
}

fn print_purged(report: &Report, what: &str, invocation: &Invocation) {
    let purged = &report.purged;
    if purged.amount.files > 0 {
        crate::say::say!(
            "Freed {}, {}, for good.",
            count(purged.amount.files, "hidden file"),
            size(purged.amount.bytes)
        );
    }
    let idle = purged.amount.files == 0 && purged.undrained == 0 && purged.refused == 0 && purged.grown.is_empty();
    if what == "purge" && idle && report.refusals.is_empty() && report.failure.is_none() {
        crate::say::say!("Nothing was due, so nothing was freed.");
    }
    if purged.undrained > 0 {
        crate::say::say!(
            "Not freed yet: {}; transactions that were open when they were hidden may still be.",
            count(purged.undrained, "hidden file")
        );
    }
    if !purged.refusals.is_empty() {
        crate::say::say!("Refused to free {}; they stay hidden.", count(purged.refused, "hidden file"));
        refusals(&purged.refusals, "refused", "purge", invocation);
    }
}
