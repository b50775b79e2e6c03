//! What a run did, for a person and as JSON.

use serde::Serialize;
use upsweep_engine::ports::Amount;
use upsweep_engine::recover::Recovered;
use upsweep_engine::restore::Restored;
use upsweep_engine::runs::Report;
use upsweep_plan::guard::Refusal;
use upsweep_plan::key::Key;

use super::{Invocation, count, refusals, size, time};

/// A report in the form scripts read.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    run: Option<String>,
    plan: Option<String>,
    store: Option<String>,
    bound_as: Option<String>,
    hidden: Amount,
    copied: Amount,
    restored: Amount,
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
    purge_undrained_files: u64,
    purge_uncopied_files: u64,
    copies_pending: Amount,
    recovered_operations: u64,
    still_hidden: u64,
    next_purge_at: Option<jiff::Timestamp>,
    failure: Option<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    file: Option<Key>,
    cause: String,
}

pub(crate) fn summary(report: &Report) -> Summary {
    let Report {
        run,
        plan,
        bound,
        recovered,
        refusals,
        overruled: _,
        applied,
        archived,
        restored: _,
        retrieved,
        purged,
        still_hidden,
        copies_pending,
        own_hidden: _,
        undoable: _,
        next_purge_at,
        failure,
    } = report;
    Summary {
        run: run.clone(),
        plan: plan.as_ref().map(|plan| plan.id.clone()),
        store: plan.as_ref().map(|plan| plan.store.address.clone()),
        bound_as: bound.as_ref().map(|marker| marker.store_id.clone()),
        hidden: applied.hidden,
        copied: archived.copied,
        restored: report.back(),
        retrieved: retrieved.amount,
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
        purge_undrained_files: purged.undrained,
        purge_uncopied_files: purged.uncopied,
        copies_pending: *copies_pending,
        recovered_operations: recovered.total(),
        still_hidden: *still_hidden,
        next_purge_at: *next_purge_at,
        failure: failure.as_ref().map(ToString::to_string),
    }
}

/// Whatever brought files back in this run.
fn everything_brought_back(report: &Report) -> [&Restored; 4] {
    [&report.restored, &report.retrieved, &report.archived.restored, &report.purged.restored]
}

fn errors(report: &Report) -> Vec<Line> {
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

pub(crate) fn print(report: &Report, what: &str, invocation: &Invocation) {
    if let Some(marker) = &report.bound {
        crate::say::say!(
            "This was the first run here: the store is bound now, as {}, to {}.",
            marker.store_id,
            marker.databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    print_recovered(&report.recovered, what);
    print_hidden(report, what, invocation);
    print_archived(report);
    print_restored(report, what);
    print_purged(report, what, invocation);
    for Line { file, cause } in errors(report) {
        match file {
            Some(key) => crate::say::say!("error: {key}: {cause}"),
            None => crate::say::say!("error: {cause}"),
        }
    }
    if report.errors() > 0 {
        crate::say::say!("{}; everything else was done.", count(report.errors(), "problem"));
    }
    if report.still_hidden > 0 {
        let next = report.next_purge_at.map(|at| format!("; the first may be freed after {}", time(at)));
        crate::say::say!("In quarantine: {}{}.", count(report.still_hidden, "file"), next.unwrap_or_default());
    }
    if let (Some(run), "run" | "apply", 1..) = (&report.run, what, report.undoable) {
        crate::say::say!("Undo: {}", invocation.line(&format!("restore --run {run}")));
    }
    if let Some(failure) = &report.failure {
        crate::say::complain!(
            "{}error:{} stopped early: {failure}",
            anstyle::AnsiColor::Red.render_fg(),
            anstyle::Reset.render()
        );
    }
}

fn print_recovered(recovered: &Recovered, what: &str) {
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
        let yet = if report.own_hidden > 0 { ", not freed yet" } else { "" };
        crate::say::say!(
            "Hid {}, {}: out of the upload directory{yet}.",
            count(hidden.files, "file"),
            size(hidden.bytes)
        );
    }
    for (key, why) in &report.applied.skipped {
        crate::say::say!("left alone: {key}: {}", why.words());
    }
}

fn print_archived(report: &Report) {
    let copied = report.archived.copied;
    if copied.files > 0 {
        crate::say::say!(
            "Copied {}, {}, to the archive; each copy was read back and compared.",
            count(copied.files, "hidden file"),
            size(copied.bytes)
        );
    }
    if report.copies_pending.files > 0 {
        crate::say::say!(
            "Not in the archive yet: {}; nothing of them is freed before. The next run tries again.",
            count(report.copies_pending.files, "hidden file")
        );
    }
}

fn print_restored(report: &Report, what: &str) {
    let written_to = " (somebody still wrote to them)";
    let all = [
        (&report.restored, ""),
        (&report.retrieved, " from the archive"),
        (&report.archived.restored, written_to),
        (&report.purged.restored, written_to),
    ];
    for (restored, why) in all {
        if restored.amount.files > 0 {
            crate::say::say!(
                "Brought back {}, {}{why}.",
                count(restored.amount.files, "file"),
                size(restored.amount.bytes)
            );
        }
        if what == "restore" && restored.amount.files > 0 {
            crate::say::say!("The next run hides them again unless a row claims them by then.");
        }
        for key in &restored.conflicts {
            crate::say::say!(
                "conflict: {key}: its place is taken by another file; both are kept. Move that file away and restore again"
            );
        }
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
    if purged.other_names > 0 {
        crate::say::say!(
            "Of these, {} had other names (hard links): their bytes stay where those are.",
            purged.other_names
        );
    }
    let held_back = purged.undrained + purged.uncopied + purged.refused;
    let idle = purged.amount.files == 0 && held_back == 0 && purged.grown.is_empty();
    if what == "purge" && idle && report.refusals.is_empty() && report.failure.is_none() {
        crate::say::say!("Nothing was due, so nothing was freed.");
    }
    if purged.undrained > 0 {
        crate::say::say!(
            "Not freed yet: {}; transactions that were open when they were hidden may still be. The next run or purge frees them.",
            count(purged.undrained, "hidden file")
        );
    }
    if !purged.refusals.is_empty() {
        crate::say::say!("Refused to free {}; they stay hidden.", count(purged.refused, "hidden file"));
        refusals(&purged.refusals, "refused", "purge", invocation);
    }
}
