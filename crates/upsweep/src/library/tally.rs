//! From a plan, or from a run and its operations, to what the classic answer says of it.

use std::collections::BTreeSet;

use upsweep_engine::ports::{Approval, Op};
use upsweep_engine::runs::Report;
use upsweep_plan::action::Action;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;
use upsweep_plan::verdict::Reason;

use super::result::{CleanupResult, NAMES_MAX, Objection, megabytes};
use crate::render::summary::{self, Line};

/// Counts files one by one.
#[derive(Default)]
struct Tally {
    result: CleanupResult,
    sessions: BTreeSet<String>,
    bytes: u64,
    /// Those of them that are not freed.
    pending_bytes: u64,
}

impl Tally {
    fn add(&mut self, key: &Key, reason: &Reason, bytes: u64, lies_hidden: bool) {
        let Self { result, sessions, bytes: sum, pending_bytes } = self;
        *sum += bytes;
        *pending_bytes += if lies_hidden { bytes } else { 0 };
        let (names, count) = match reason {
            Reason::Orphan { .. } => (&mut result.orphaned_files_deleted, &mut result.orphaned_files_count),
            Reason::FailedSession { owners, .. } => {
                sessions.extend(owners.iter().cloned());
                (&mut result.failed_session_files_deleted, &mut result.failed_session_files_count)
            }
            Reason::Expired { .. } => (&mut result.expired_files_deleted, &mut result.expired_files_count),
        };
        *count += 1;
        list(names, key, &mut result.truncated);
    }

    fn restored(&mut self, key: &Key) {
        self.result.restored_files_count += 1;
        list(&mut self.result.restored_files, key, &mut self.result.truncated);
    }

    fn error(&mut self, words: String) {
        self.result.error_count += 1;
        push(&mut self.result.errors, words, &mut self.result.truncated);
    }

    fn done(self) -> CleanupResult {
        let Self { mut result, sessions, bytes, pending_bytes } = self;
        result.failed_sessions_count = sessions.len() as u64;
        for session in sessions {
            push(&mut result.failed_sessions_cleaned, session, &mut result.truncated);
        }
        result.total_space_freed_mb = megabytes(bytes);
        result.space_pending_purge_mb = megabytes(pending_bytes);
        result
    }
}

fn list(names: &mut Vec<String>, key: &Key, truncated: &mut bool) {
    // Callers compare names with their own: only what is no text needs escapes.
    let shown = std::str::from_utf8(key.as_bytes()).map_or_else(|_| key.to_string(), str::to_owned);
    push(names, shown, truncated);
}

fn push(list: &mut Vec<String>, item: String, truncated: &mut bool) {
    if list.len() < NAMES_MAX {
        list.push(item);
    } else {
        *truncated = true;
    }
}

/// An answer about nothing, for `action`.
pub(crate) fn empty(action: Action, dry_run: bool) -> CleanupResult {
    CleanupResult { action: action.name().to_owned(), dry_run, ..CleanupResult::default() }
}

/// What carrying out a plan would do; guards that `approval` overrules would not refuse.
pub(crate) fn of_plan(plan: &Plan, approval: Option<&Approval>) -> CleanupResult {
    let action = plan.policy.action;
    let mut tally = Tally { result: empty(action, true), ..Tally::default() };
    for removal in &plan.removals {
        tally.add(&removal.key, &removal.reason, removal.facts.size_bytes, !action.frees_at_once());
    }
    plan.restores.iter().for_each(|key| tally.restored(key));
    plan.errors.iter().for_each(|cause| tally.error(cause.clone()));
    let is_overruled = |code| approval.is_some_and(|approval| approval.codes.contains(&code));
    let open = plan.refusals.iter().filter(|refusal| !is_overruled(refusal.code));
    CleanupResult {
        would_refuse: open.map(Objection::from).collect(),
        surveyed_at: Some(plan.created_at),
        warnings: plan.incomplete.iter().map(|why| format!("the survey is incomplete: {why}")).collect(),
        ..tally.done()
    }
}

/// What a run did: `ops` are its operations as the ledger has them now.
pub(crate) fn of_run(report: &Report, action: Action, ops: &[Op]) -> CleanupResult {
    let mut tally = Tally { result: empty(action, false), ..Tally::default() };
    let mut own_freed = (0, 0);
    for op in ops.iter().filter(|op| is_away(op.state)) {
        if op.state == State::Purged {
            own_freed = (own_freed.0 + 1, own_freed.1 + freed_bytes(op));
        }
        let lies_hidden = !matches!(op.state, State::Purged | State::Retrieving | State::Lost);
        tally.add(&op.key, &op.reason, op.facts.size_bytes, lies_hidden);
    }
    for restored in summary::everything_brought_back(report) {
        restored.back.iter().for_each(|key| tally.restored(key));
        let taken = |key| format!("{key}: its place is taken by another file, so it stays hidden; decide which it is");
        restored.conflicts.iter().for_each(|key| tally.error(taken(key)));
    }
    for Line { file, cause } in summary::errors(report) {
        tally.error(file.map_or_else(|| cause.clone(), |file| format!("{file}: {cause}")));
    }
    for _ in 0..report.recovered.unknown {
        tally.error("an interrupted run left a file of which nobody knows where it is; see: upsweep doctor".to_owned());
    }
    CleanupResult {
        files_freed_by_purge: report.purged.amount.files.saturating_sub(own_freed.0),
        space_freed_by_purge_mb: megabytes(report.purged.amount.bytes.saturating_sub(own_freed.1)),
        next_purge_at: report.next_purge_at,
        run_id: report.run.clone(),
        surveyed_at: report.plan.as_ref().map(|plan| plan.created_at),
        warnings: warnings(report),
        ..tally.done()
    }
}

/// Whether an operation's file is gone from the upload directory.
fn is_away(state: State) -> bool {
    match state {
        State::Quarantined | State::Archiving | State::Purging | State::Purged | State::Retrieving => true,
        // Brought back, but for another that took its place; and taken out of the quarantine by somebody else.
        State::Conflict | State::Lost => true,
        State::Planned | State::Quarantining | State::Restoring | State::Restored => false,
        State::Superseded | State::Vanished | State::LeftAlone => false,
    }
}

/// The bytes that freeing it gave back: none, while it has other names.
fn freed_bytes(op: &Op) -> u64 {
    let links = op.hidden_facts.map_or(op.facts.links, |facts| facts.links);
    if links > 1 { 0 } else { op.facts.size_bytes }
}

fn warnings(report: &Report) -> Vec<String> {
    let Report { bound, strays, applied, purged, copies_pending, .. } = report;
    let mut warnings = Vec::new();
    if let Some(marker) = bound {
        warnings.push(format!("this was the first run here: the store is bound now, as {}", marker.store_id));
    }
    for refusal in &purged.refusals {
        let (files, code) = (purged.refused, refusal.code);
        let words = format!("{}; next: {}", refusal.saw, refusal.next);
        warnings.push(format!("hidden files of earlier runs were not freed ({files} of them): {code}: {words}"));
    }
    if *strays > 0 {
        warnings.push(format!(
            "the quarantine holds files of runs that the ledger does not know ({strays}); bring them back with: upsweep adopt --reason \"…\""
        ));
    }
    if !applied.skipped.is_empty() {
        let skipped = applied.skipped.len();
        warnings.push(format!("left where they are, because something had changed since the survey: {skipped}"));
    }
    if copies_pending.files > 0 {
        warnings.push(format!(
            "hidden files wait for their copy in the archive and are not freed before: {}",
            copies_pending.files
        ));
    }
    warnings
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
