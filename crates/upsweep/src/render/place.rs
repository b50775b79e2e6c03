//! What binding anew and adopting a ledger did, for a person and as JSON.

use serde::Serialize;
use upsweep_engine::adopt::Adopted;
use upsweep_engine::ports::{Amount, DatabaseIdentity};
use upsweep_engine::rebind::Rebound;
use upsweep_engine::recover::Recovered;
use upsweep_engine::runs::Report;
use upsweep_plan::guard::{Code, Refusal};
use upsweep_plan::key::Key;

use super::report::{print_errors, print_failure, print_recovered};
use super::summary::{Line, errors};
use super::{Invocation, count, refusals, size};

/// A new binding in the form scripts read.
#[derive(Debug, Serialize)]
pub(crate) struct ReboundSummary<'a> {
    run: Option<&'a str>,
    from: Option<&'a [DatabaseIdentity]>,
    to: Option<&'a [DatabaseIdentity]>,
    files: u64,
    explained_files: u64,
    missing: u64,
    would_remove: u64,
    would_restore: u64,
    refusals: &'a [Refusal],
    overruled: &'a [Code],
    recovered: Recovered,
    stray_hidden_files: u64,
    still_hidden: u64,
    failure: Option<String>,
}

pub(crate) fn rebound<'a>(report: &'a Report, rebound: Option<&'a Rebound>) -> ReboundSummary<'a> {
    let survey = report.plan.as_ref().map(|plan| &plan.survey);
    ReboundSummary {
        run: report.run.as_deref(),
        from: rebound.map(|rebound| rebound.from.as_slice()),
        to: rebound.map(|rebound| rebound.to.as_slice()),
        files: survey.map_or(0, |survey| survey.files),
        explained_files: survey.map_or(0, |survey| survey.explained_files),
        missing: survey.map_or(0, |survey| survey.claims.missing),
        would_remove: report.plan.as_ref().map_or(0, |plan| plan.removals.len() as u64),
        would_restore: report.plan.as_ref().map_or(0, |plan| plan.restores.len() as u64),
        refusals: &report.refusals,
        overruled: &report.overruled,
        recovered: report.recovered,
        stray_hidden_files: report.strays,
        still_hidden: report.still_hidden,
        failure: report.failure.as_ref().map(ToString::to_string),
    }
}

pub(crate) fn print_rebound(report: &Report, rebound: Option<&Rebound>, invocation: &Invocation) {
    print_recovered(&report.recovered, "rebind");
    if let Some(plan) = report.plan.as_ref().filter(|plan| plan.incomplete.is_empty()) {
        crate::say::say!(
            "This database explains {} of {}; {} missing.",
            plan.survey.explained_files,
            count(plan.survey.files, "file"),
            plan.survey.claims.missing
        );
        crate::say::say!(
            "A run would hide {} and bring {} back.",
            count(plan.removals.len() as u64, "file"),
            plan.restores.len()
        );
    }
    if !report.refusals.is_empty() {
        crate::say::say!("Refused; the store is bound as it was.");
        let overrule = Some(("If this is the right database all the same", "rebind"));
        refusals(&report.refusals, "refused", overrule, invocation);
    }
    let list =
        |databases: &[DatabaseIdentity]| databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match rebound {
        Some(Rebound { from, to }) if from == to => {
            crate::say::say!("The store was bound to {} already, and still is.", list(to));
        }
        Some(Rebound { from, to }) => {
            crate::say::say!("The store is bound to {} now; before, it was bound to {}.", list(to), list(from));
            crate::say::say!("Look at what it makes of it: {}", invocation.line("plan"));
        }
        None => {}
    }
    print_failure(report);
}

/// An adopted ledger in the form scripts read.
#[derive(Debug, Serialize)]
pub(crate) struct AdoptedSummary<'a> {
    run: Option<&'a str>,
    ledger: Option<&'a str>,
    replaced: Option<&'a str>,
    restored: Amount,
    conflicts: &'a [Key],
    nameless: Vec<String>,
    gone: u64,
    errors: Vec<Line>,
    error_count: u64,
    recovered: Recovered,
    still_hidden: u64,
    failure: Option<String>,
}

pub(crate) fn adopted<'a>(report: &'a Report, adopted: &'a Adopted) -> AdoptedSummary<'a> {
    let Adopted { ledger, replaced, gone, nameless } = adopted;
    AdoptedSummary {
        run: report.run.as_deref(),
        ledger: ledger.as_deref(),
        replaced: replaced.as_deref(),
        restored: report.restored.amount,
        conflicts: &report.restored.conflicts,
        nameless: nameless.iter().map(|place| format!("{}/{}", place.run, place.op)).collect(),
        gone: *gone,
        errors: errors(report),
        error_count: report.errors(),
        recovered: report.recovered,
        still_hidden: report.still_hidden,
        failure: report.failure.as_ref().map(ToString::to_string),
    }
}

pub(crate) fn print_adopted(report: &Report, adopted: &Adopted, invocation: &Invocation) {
    let Adopted { ledger, replaced, gone, nameless } = adopted;
    print_recovered(&report.recovered, "adopt");
    let back = report.restored.amount;
    match back.files {
        0 => crate::say::say!("No hidden file had to be brought back."),
        files => crate::say::say!(
            "Brought back {}, {}, unknown to this ledger; the next run judges again what came back.",
            count(files, "file"),
            size(back.bytes)
        ),
    }
    for key in &report.restored.conflicts {
        crate::say::say!(
            "conflict: {key}: its place is taken by another file; both are kept. Move that file away and adopt again"
        );
    }
    for place in nameless {
        crate::say::say!(
            "unknown: {}/{} in the quarantine: its MANIFEST does not tell its name; it stays there",
            place.run,
            place.op
        );
    }
    if *gone > 0 {
        crate::say::say!(
            "Not there any more: {} that this ledger took for hidden; freed or brought back after it was copied.",
            count(*gone, "file")
        );
    }
    print_errors(report);
    match (ledger, replaced) {
        (Some(ledger), Some(replaced)) => {
            crate::say::say!("The store has ledger {ledger} now; before, it had {replaced}.");
        }
        (Some(ledger), None) => crate::say::say!("The store keeps its ledger {ledger}."),
        (None, _) => {}
    }
    if report.still_hidden > 0 {
        crate::say::say!("In quarantine: {}.", count(report.still_hidden, "file"));
    }
    if ledger.is_some() {
        crate::say::say!("Next: {}", invocation.line("plan"));
    }
    print_failure(report);
}
