//! What a run did, for a person.

use upsweep_engine::recover::Recovered;
use upsweep_engine::runs::Report;
use upsweep_plan::verdict::Keep;

use super::summary::{Line, errors};
use super::{Invocation, REALLY_GO, count, hold, refusals, size, time};

/// `again` is the command that does the same once more, with everything it was given.
pub(crate) fn print(report: &Report, what: &str, again: &str, invocation: &Invocation) {
    if let Some(marker) = &report.bound {
        crate::say::say!(
            "This was the first run here: the store is bound now, as {}, to {}.",
            marker.store_id,
            marker.databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    print_recovered(&report.recovered, what);
    print_strays(report.strays, invocation);
    print_hidden(report, what, again, invocation);
    print_archived(report);
    print_restored(report, what, invocation);
    print_purged(report, what, invocation);
    print_errors(report);
    if report.still_hidden > 0 {
        let next = report.next_purge_at.map(|at| format!("; the first may be freed after {}", time(at)));
        crate::say::say!("In quarantine: {}{}.", count(report.still_hidden, "file"), next.unwrap_or_default());
    }
    if let (Some(run), "run" | "apply", 1..) = (&report.run, what, report.undoable) {
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
            "{}warning:{} the quarantine holds {} that this ledger does not know (was it restored from a backup?); bring back what it does not know with: {}",
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

fn print_hidden(report: &Report, what: &str, again: &str, invocation: &Invocation) {
    if !report.refusals.is_empty() {
        crate::say::say!("Refused, and nothing was hidden.");
        let removes = report.plan.as_ref().is_none_or(|plan| !plan.removals.is_empty());
        return refusals(&report.refusals, "refused", removes.then_some((REALLY_GO, again)), invocation);
    }
    print_overruled(report);
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
    // Whoever wonders why nothing goes should not have to make a plan to learn it.
    let held = report.plan.as_ref().map_or(0, |plan| plan.kept.of(Keep::Held));
    if held > 0 && what == "run" {
        crate::say::say!("Left in place: {}, held; see: {}", count(held, "file"), invocation.line("hold list"));
    }
}

/// Guards that would have refused, but for the caller's word.
pub(super) fn print_overruled(report: &Report) {
    let codes: Vec<String> = report.overruled.iter().map(ToString::to_string).collect();
    if !codes.is_empty() {
        crate::say::say!("Overruled, as it was asked for: {}.", codes.join(", "));
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
            "Not in the archive yet: {}; none is freed before it is copied. The next run tries again.",
            count(report.copies_pending.files, "hidden file")
        );
    }
}

fn print_restored(report: &Report, what: &str, invocation: &Invocation) {
    let written_to = " (somebody still wrote to them)";
    let all = [
        (&report.restored, ""),
        (&report.retrieved, ", from the archive"),
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
        for key in &restored.conflicts {
            crate::say::say!(
                "conflict: {key}: its place is taken by another file; both are kept. Move that file away and restore again"
            );
        }
    }
    if what == "restore" && report.back().files == 0 && report.errors() == 0 && report.failure.is_none() {
        crate::say::say!("Nothing of that was hidden, so nothing was brought back.");
    }
    if !report.holds.is_empty() {
        let files = count(report.holds.len() as u64, "file");
        crate::say::say!("A hold was set on {files}, so that the next run does not hide again what no row claims.");
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
    if purged.held > 0 {
        crate::say::say!(
            "Kept in quarantine: {}, held, like a missing one, or kept by the rules as they are now.",
            count(purged.held, "hidden file")
        );
    }
    if !purged.refusals.is_empty() {
        crate::say::say!("Refused to free {}; they stay hidden.", count(purged.refused, "hidden file"));
        refusals(&purged.refusals, "refused", Some((REALLY_GO, "purge")), invocation);
    }
}
