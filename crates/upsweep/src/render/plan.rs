//! A plan for a person. Nothing here suggests that something happened.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use upsweep_engine::planning::Past;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::{Removal, totals};

use super::{Invocation, age, count, duration, refusals, size};
use crate::config::Config;

/// How many files are listed unless all are asked for.
const LISTED_MAX: usize = 25;

pub(crate) fn print(
    plan: &Plan,
    past: &Past,
    config: &Config,
    all: bool,
    saved: Option<&Path>,
    invocation: &Invocation,
) {
    let bound = if plan.store.id.is_some() { "" } else { " (not bound yet)" };
    anstream::println!("Plan {} for {}{bound}. Nothing was changed.\n", plan.id, plan.store.address);
    if !plan.removals.is_empty() {
        table(plan, all);
    }
    print_removals(plan);
    print_kept(plan);
    print_notes(plan, past);
    if !plan.refusals.is_empty() {
        anstream::println!();
        let command = saved.map_or_else(|| "run".to_owned(), |path| format!("apply {}", path.display()));
        refusals(&plan.refusals, "would refuse", &command, invocation);
    }
    print_next(plan, config, saved, invocation);
}

fn table(plan: &Plan, all: bool) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["why", "age", "size", "sound", "file"]);
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let shown = if all { plan.removals.len() } else { plan.removals.len().min(LISTED_MAX) };
    for removal in &plan.removals[..shown] {
        let Removal { key, reason, facts } = removal;
        let sound = plan.audio.get(&key.to_string()).map_or_else(String::new, |audio| match audio.duration_secs {
            Some(secs) => format!("{} {}", audio.format, duration(secs)),
            None => audio.format.clone(),
        });
        let age = age(reason.counted_from(), plan.created_at);
        table.add_row([reason.word().to_owned(), age, size(facts.size_bytes), sound, key.to_string()]);
    }
    anstream::println!("{}", table.trim_fmt());
    let rest = plan.removals.len() - shown;
    if rest > 0 {
        anstream::println!("  … and {}; see all with --all, --csv or --json", count(rest as u64, "more file"));
    }
    anstream::println!();
}

fn print_removals(plan: &Plan) {
    if !plan.incomplete.is_empty() {
        anstream::println!("The survey did not complete, so nothing would be removed:");
        for reason in &plan.incomplete {
            anstream::println!("  {reason}");
        }
        return;
    }
    if plan.removals.is_empty() {
        anstream::println!("Nothing to remove among {}.", count(plan.survey.files, "file"));
        return;
    }
    let totals = totals(&plan.removals);
    let part = |word: &str| {
        totals.get(word).map(|(files, bytes)| match word {
            "orphan" => format!("{} ({})", count(*files, "orphan"), size(*bytes)),
            _ => format!("{} of failed sessions ({})", count(*files, "file"), size(*bytes)),
        })
    };
    let parts: Vec<String> = ["orphan", "failed session"].into_iter().filter_map(part).collect();
    anstream::println!(
        "Would remove {} of {}, {} in all: {}.",
        plan.removals.len(),
        count(plan.survey.files, "file"),
        size(plan.removal_bytes()),
        parts.join(", ")
    );
    let secs: f64 = plan.audio.values().filter_map(|audio| audio.duration_secs).sum();
    if !plan.audio.is_empty() {
        let measured = match plan.audio.len() {
            n if n == plan.removals.len() => String::new(),
            n => format!(" (measured in {n} of {})", plan.removals.len()),
        };
        anstream::println!("They hold {} of audio{measured}.", hours(secs));
    }
}

fn hours(secs: f64) -> String {
    match secs {
        ..60.0 => format!("{secs:.0} seconds"),
        60.0..3_600.0 => format!("{:.0} minutes", secs / 60.0),
        _ => format!("{:.1} hours", secs / 3_600.0),
    }
}

fn print_kept(plan: &Plan) {
    let kept = &plan.kept;
    let reasons: Vec<String> = [
        (kept.claimed, "claimed"),
        (kept.nearly_claimed, "nearly claimed"),
        (kept.too_young, "too young"),
        (kept.failed_recently, "of sessions that failed recently"),
        (kept.unreadable, "that could not be looked at"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, words)| format!("{number} {words}"))
    .collect();
    if !reasons.is_empty() {
        anstream::println!("Would keep {}: {}.", kept.total(), reasons.join(", "));
    }
}

fn print_notes(plan: &Plan, past: &Past) {
    let survey = &plan.survey;
    let claims = &survey.claims;
    if claims.missing > 0 {
        let shown: Vec<String> = claims.missing_examples.iter().take(3).map(ToString::to_string).collect();
        let more = if claims.missing > shown.len() as u64 { ", …" } else { "" };
        let verb = if claims.missing == 1 { "is" } else { "are" };
        anstream::println!(
            "Missing: {} that live rows claim {verb} not there: {}{more}.",
            count(claims.missing, "file"),
            shown.join(", ")
        );
    }
    if claims.unaddressable > 0 {
        anstream::println!(
            "Not a file of this store, so left alone: {} in the database:",
            count(claims.unaddressable, "name")
        );
        for example in claims.unaddressable_examples.iter().take(3) {
            let owner = if example.owner.is_empty() { String::new() } else { format!(" (row {})", example.owner) };
            anstream::println!("  '{}'{owner}: {}", example.value, example.why);
        }
    }
    if claims.failed_without_time > 0 {
        anstream::println!(
            "Kept for want of a time: {} without a readable date.",
            count(claims.failed_without_time, "failed row")
        );
    }
    if survey.folders_not_entered > 0 {
        anstream::println!(
            "Not looked into: {} ({}); recursive = true looks below the top level.",
            count(survey.folders_not_entered, "folder"),
            survey.folder_examples.join(", ")
        );
    }
    if !plan.restores.is_empty() {
        anstream::println!("Would bring back {}: claimed again.", count(plan.restores.len() as u64, "hidden file"));
    }
    if past.pending > 0 {
        anstream::println!(
            "Recovery pending: an interrupted run left {} open; the next run finishes them.",
            count(past.pending, "operation")
        );
    }
    if survey.role_can_write == Some(true) {
        anstream::println!("The database role could change what it reads; a role that may only SELECT is enough.");
    }
    for error in &plan.errors {
        anstream::println!("error: {error}");
    }
}

fn print_next(plan: &Plan, config: &Config, saved: Option<&Path>, invocation: &Invocation) {
    if plan.removals.is_empty() || !plan.refusals.is_empty() {
        return;
    }
    let command = match saved {
        Some(path) => format!("apply {}", path.display()),
        None => "run".to_owned(),
    };
    let days = count(u64::from(config.quarantine_days), "day");
    anstream::println!("\nNext: {}", invocation.line(&command));
    let undo = invocation.line("restore --all");
    anstream::println!("      would hide these files; for {days} they could be brought back with: {undo}");
}
