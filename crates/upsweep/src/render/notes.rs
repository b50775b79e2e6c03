//! What a person should know about a plan beside what would go.

use upsweep_engine::planning::Past;
use upsweep_plan::key::Key;
use upsweep_plan::mend::{Mend, NearMiss};
use upsweep_plan::plan::Plan;

use super::count;

/// How many examples of anything are shown.
const SHOWN_MAX: usize = 3;

pub(crate) fn print(plan: &Plan, past: &Past) {
    let survey = &plan.survey;
    let claims = &survey.claims;
    missing(plan);
    relinkable(plan);
    if claims.unaddressable > 0 {
        crate::say::say!(
            "Not a file of this store, so left alone: {} in the database:",
            count(claims.unaddressable, "name")
        );
        for example in claims.unaddressable_examples.iter().take(3) {
            let owner = if example.owner.is_empty() { String::new() } else { format!(" (row {})", example.owner) };
            crate::say::say!("  '{}'{owner}: {}", example.value, example.why);
        }
    }
    if claims.ended_without_time > 0 {
        crate::say::say!(
            "Kept for want of a time: {} of failed or expiring rows without a readable date.",
            count(claims.ended_without_time, "claim")
        );
    }
    if survey.folders_not_entered > 0 {
        crate::say::say!(
            "Not looked into: {} ({}); recursive = true looks below the top level.",
            count(survey.folders_not_entered, "folder"),
            survey.folder_examples.join(", ")
        );
    }
    if !plan.restores.is_empty() {
        crate::say::say!("Would bring back {}: claimed again.", count(plan.restores.len() as u64, "hidden file"));
    }
    if !plan.held.is_empty() {
        crate::say::say!(
            "Would stay hidden: {}, held, like a missing one, or kept by the rules as they are now.",
            count(plan.held.len() as u64, "file")
        );
    }
    if survey.excluded > 0 {
        crate::say::say!("Excluded by the configuration: {}.", count(survey.excluded, "file"));
    }
    let linked = plan.removals.iter().filter(|removal| removal.facts.links > 1).count() as u64;
    if linked > 0 {
        crate::say::say!("Would free nothing: {} with other names on this disk (hard links).", count(linked, "file"));
    }
    if past.pending > 0 {
        crate::say::say!(
            "Recovery pending: {} of an interrupted run; the next run finishes what is open.",
            count(past.pending, "operation")
        );
    }
    if survey.role_can_write == Some(true) {
        crate::say::say!("The database role could change what it reads; a role that may only SELECT is enough.");
    }
    for error in &plan.errors {
        crate::say::say!("error: {error}");
    }
}

fn missing(plan: &Plan) {
    let claims = &plan.survey.claims;
    if claims.missing == 0 {
        return;
    }
    let named = |key: &Key| match plan.near_misses.iter().find(|near| near.missing == *key) {
        Some(NearMiss { missing: _, file }) => format!("{key} (there is {file})"),
        None => key.to_string(),
    };
    let shown: Vec<String> = claims.missing_examples.iter().take(SHOWN_MAX).map(named).collect();
    let more = if claims.missing > shown.len() as u64 { ", …" } else { "" };
    let verb = if claims.missing == 1 { "is" } else { "are" };
    crate::say::say!(
        "Missing: {} that live rows claim {verb} not there: {}{more}.",
        count(claims.missing, "file"),
        shown.join(", ")
    );
}

fn relinkable(plan: &Plan) {
    if plan.relinks.is_empty() {
        return;
    }
    let files = count(plan.kept.relinkable, "file");
    crate::say::say!(
        "Perhaps no orphans, so kept: {files} like a missing one. A human may mend that, in {}:",
        plan.store.address
    );
    for Mend { file, relink, rename, sql } in plan.relinks.iter().take(SHOWN_MAX) {
        crate::say::say!("  {file} may be the missing {}: it {}", relink.claimed, relink.likeness.words());
        crate::say::say!("    rename the file:    {rename}");
        if let Some(sql) = sql {
            crate::say::say!("    or in the database: {sql}");
        }
    }
    if plan.relinks.len() > SHOWN_MAX {
        crate::say::say!("  … see all with --json");
    }
}
