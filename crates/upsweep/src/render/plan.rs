//! A plan for a person. Nothing here suggests that something happened.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use upsweep_engine::planning::Past;
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::{Removal, Total};
use upsweep_plan::verdict::{Keep, Reason};

use super::invocation::quoted;
use super::{Invocation, REALLY_GO, age, count, duration, notes, refusals, size};
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
    let bound = match (&plan.store.id, plan.refusals.iter().any(|refusal| refusal.code == Code::G002)) {
        (Some(_), _) => "",
        (None, false) => " (not bound yet)",
        (None, true) => " (without its marker)",
    };
    crate::say::say!("Plan {} for {}{bound}. Nothing was changed.\n", plan.id, plan.store.address);
    if !plan.removals.is_empty() {
        table(plan, all);
    }
    print_removals(plan);
    print_kept(plan);
    notes::print(plan, past);
    // A saved plan has its selection in it.
    let command = match saved {
        Some(path) => format!("apply {}", quoted(&path.display().to_string())),
        None => invocation.selecting("run"),
    };
    if !plan.refusals.is_empty() {
        crate::say::say!("");
        let overrule = (!plan.removals.is_empty()).then_some((REALLY_GO, command.as_str()));
        refusals(&plan.refusals, "would refuse", overrule, invocation);
    }
    print_next(plan, config, &command, invocation);
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
        let Removal { key, reason, age_secs: _, facts } = removal;
        let sound = plan.audio.get(&key.to_string()).map_or_else(String::new, |audio| match audio.duration_millis {
            Some(millis) => format!("{} {}", audio.format, duration(millis)),
            None => audio.format.clone(),
        });
        let age = age(reason.counted_from(), plan.created_at);
        table.add_row([reason.word().to_owned(), age, size(facts.size_bytes), sound, key.to_string()]);
    }
    crate::say::say!("{}", table.trim_fmt());
    let rest = plan.removals.len() - shown;
    if rest > 0 {
        crate::say::say!("  … and {}; see all with --all, --csv or --json", count(rest as u64, "more file"));
    }
    crate::say::say!("");
}

fn print_removals(plan: &Plan) {
    if !plan.incomplete.is_empty() {
        crate::say::say!("The survey did not complete, so nothing would be removed:");
        for reason in &plan.incomplete {
            crate::say::say!("  {reason}");
        }
        return;
    }
    if plan.removals.is_empty() {
        crate::say::say!("Nothing to remove among {}.", count(plan.survey.files, "file"));
        return;
    }
    let part = |word: &str| {
        plan.totals.get(word).map(|Total { files, bytes }| match word {
            "orphan" => format!("{} ({})", count(*files, "orphan"), size(*bytes)),
            "expired" => format!("{} of expired rows ({})", count(*files, "file"), size(*bytes)),
            _ => format!("{} of failed sessions ({})", count(*files, "file"), size(*bytes)),
        })
    };
    let parts: Vec<String> = Reason::KINDS.into_iter().filter_map(part).collect();
    crate::say::say!(
        "Would remove {} of {}, {} in all: {}.",
        plan.removals.len(),
        count(plan.survey.files, "file"),
        size(plan.removal_bytes()),
        parts.join(", ")
    );
    if !plan.audio.is_empty() {
        let measured = match plan.audio.len() {
            n if n == plan.removals.len() => String::new(),
            n => format!(" (measured in {n} of {})", plan.removals.len()),
        };
        crate::say::say!("They hold {} of audio{measured}.", hours(plan.audio_millis));
    }
}

fn hours(millis: u64) -> String {
    let secs = millis.div_ceil(1_000);
    match secs {
        ..60 => count(secs, "second"),
        60..3_600 => count(secs / 60, "minute"),
        _ => format!("{}.{} hours", secs / 3_600, secs % 3_600 / 360),
    }
}

fn print_kept(plan: &Plan) {
    let kept = &plan.kept;
    let said = |keep: Keep| (kept.of(keep) > 0).then(|| format!("{} {}", kept.of(keep), keep.words()));
    let reasons: Vec<String> = Keep::ALL.into_iter().filter_map(said).collect();
    if !reasons.is_empty() {
        crate::say::say!("Would keep {}: {}.", kept.total(), reasons.join(", "));
    }
}

fn print_next(plan: &Plan, config: &Config, command: &str, invocation: &Invocation) {
    if plan.removals.is_empty() || !plan.refusals.is_empty() {
        return;
    }
    crate::say::say!("\nNext: {}", invocation.line(command));
    for line in what_would_follow(config, &invocation.line("restore --all")) {
        crate::say::say!("      {line}");
    }
}

/// What the next command would do with the planned files, by the action.
fn what_would_follow(config: &Config, undo: &str) -> Vec<String> {
    let archive = config.archive.as_ref().map(|archive| archive.dir.display().to_string()).unwrap_or_default();
    let days = count(u64::from(config.quarantine_days), "day");
    match config.policy.action {
        Action::Quarantine => {
            vec![format!("would hide these files; for {days} they could be brought back with: {undo}")]
        }
        Action::Archive => vec![
            format!(
                "would hide these files and copy them to {archive}; for {days} they could be brought back with: {undo}"
            ),
            "after that they would be freed here, and could be brought back from their copies".to_owned(),
        ],
        Action::Delete { backup: false } => vec![
            "would hide these files, wait for open transactions, read the rows again, and delete them for good:"
                .to_owned(),
            "nothing could bring them back after that".to_owned(),
        ],
        Action::Delete { backup: true } => vec![
            format!("would hide these files, copy them to {archive}, wait for open transactions, read the rows"),
            "again, and delete them for good here; they could be brought back from their copies".to_owned(),
        ],
    }
}
