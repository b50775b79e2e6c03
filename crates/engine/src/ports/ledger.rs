//! The port to Upsweep's own state.

mod audit;
mod errands;
mod holds;
mod memories;
mod plans;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{CopyState, Event, IllegalTransition, Life, State};
use upsweep_plan::listing::FileFacts;
use upsweep_plan::verdict::Reason;

use super::{CopyRecord, Horizon, OpId, Place};

pub use audit::*;
pub use errands::*;
pub use holds::*;
pub use memories::*;
pub use plans::*;

/// Runs, operations and the journal; beside them holds, memories, the audit trail, and what a service keeps. Whatever a method changed is
/// durable when it returns.
pub trait Ledger: Holds + Memories + AuditTrail + Errands + Pages + Send {
    /// Names this ledger.
    fn id(&self) -> &str;

    /// The store it belongs to, if that was ever noted: no other store may use it.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn store_id(&self) -> Result<Option<String>, LedgerError>;

    /// Notes which store it belongs to from now on.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn belong_to(&mut self, store_id: &str) -> Result<(), LedgerError>;

    /// Notes that a run begins.
    ///
    /// # Errors
    /// [`LedgerError`], also when there is a run with this id: then nothing is noted.
    fn begin_run(&mut self, run: &RunRecord) -> Result<(), LedgerError>;

    /// Notes how a run ended.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn end_run(&mut self, id: &str, ended_at: Timestamp, outcome: &RunOutcome) -> Result<(), LedgerError>;

    /// Notes new operations with their intent to hide, all or none, and numbers them.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn intend(&mut self, run: &str, ops: &[NewOp], at: Timestamp) -> Result<Vec<OpId>, LedgerError>;

    /// Notes what happened to operations, all or none. Each transition is checked by the lifecycle.
    ///
    /// # Errors
    /// [`LedgerError::Illegal`] for a transition that must not happen; then nothing is noted.
    fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), LedgerError>;

    /// Notes where the databases' transactions stood after these operations' files were hidden.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn set_horizons(&mut self, ops: &[OpId], horizons: &[Horizon]) -> Result<(), LedgerError>;

    /// The operations in any of these states, by number.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn ops_in(&self, states: &[State]) -> Result<Vec<Op>, LedgerError>;

    /// The operations of one run, by number.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn ops_of(&self, run: &str) -> Result<Vec<Op>, LedgerError>;

    /// Every operation on this name, by number.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn ops_of_key(&self, key: &Key) -> Result<Vec<Op>, LedgerError>;

    /// The newest time anywhere in the runs and the journal, but for what was [forgiven](Ledger::forgive_clock);
    /// `None` when there is nothing.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn last_entry_at(&self) -> Result<Option<Timestamp>, LedgerError>;

    /// A human said that the clock is right now, at `at`: times later than that, which were written with a wrong one,
    /// no longer count as the newest.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn forgive_clock(&mut self, at: Timestamp) -> Result<(), LedgerError>;

    /// How many files were hidden at or after `since`, whatever became of them.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn hidden_since(&self, since: Timestamp) -> Result<u64, LedgerError>;

    /// The newest runs first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, LedgerError>;

    /// One run.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError>;

    /// Replays the whole journal through the lifecycle and compares the result with what is stored.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] names the first operation that does not fit.
    fn verify_journal(&self) -> Result<(), LedgerError>;

    /// The same, and the chain of the audit trail.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] names the first operation or record that does not fit.
    fn verify(&self) -> Result<(), LedgerError>;
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Names it.
    pub id: String,
    /// What it was asked to do.
    pub kind: RunKind,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it works, or when it was killed.
    pub ended_at: Option<Timestamp>,
    /// Who ran it, and where.
    pub by: String,
    /// Guards a human overruled for it.
    pub approval: Option<Approval>,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
}

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Plan, hide, and purge what is due.
    Run,
    /// Carry out a saved plan.
    Apply,
    /// Purge what is due.
    Purge,
    /// Bring files back.
    Restore,
    /// Finish what an interrupted run left.
    Recover,
    /// Bind the store to another database.
    Rebind,
    /// Give the store another ledger, and bring back what that one does not know.
    Adopt,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Run, Self::Apply, Self::Purge, Self::Restore, Self::Recover, Self::Rebind, Self::Adopt];

    /// The word for reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Apply => "apply",
            Self::Purge => "purge",
            Self::Restore => "restore",
            Self::Recover => "recover",
            Self::Rebind => "rebind",
            Self::Adopt => "adopt",
        }
    }
}

/// Guards that a human overruled, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which.
    pub codes: BTreeSet<Code>,
    /// Their words.
    pub reason: String,
    /// Who overruled them, where it is not the one who runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The hash of the plan it carried out, if it got so far.
    pub plan: Option<String>,
    /// Codes of the guards that refused, if any.
    pub refused: Vec<Code>,
    /// Codes of the guards that objected to hiding and were overruled: only these cover the purge as well.
    #[serde(default)]
    pub overruled: Vec<Code>,
    /// Files hidden, and their bytes.
    pub hidden: Amount,
    /// Files copied to the archive.
    #[serde(default)]
    pub copied: Amount,
    /// Files brought back.
    pub restored: Amount,
    /// Files freed for good.
    pub purged: Amount,
    /// Files that were planned but not touched, because something had changed.
    pub skipped: u64,
    /// Single files that failed.
    pub errors: u64,
    /// Why it stopped early, if it did.
    pub failure: Option<String>,
    /// Whether it stopped early because somebody asked it to.
    #[serde(default)]
    pub stopped: bool,
}

/// A number of files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Amount {
    /// One more file.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// A file about to be hidden.
#[derive(Clone, Debug)]
pub struct NewOp {
    /// Its name.
    pub key: Key,
    /// Why.
    pub reason: Reason,
    /// The file that is meant.
    pub facts: FileFacts,
    /// How long it must stay hidden before it may be freed, in seconds.
    pub quarantine_secs: u64,
    /// What becomes of it then.
    pub action: Action,
}

/// What happened to one operation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub op: OpId,
    /// What.
    pub event: Event,
    /// The hidden file's facts, with [`Event::Hidden`].
    pub hidden_facts: Option<FileFacts>,
    /// The verified copy, with [`Event::Copied`].
    pub copy: Option<CopyRecord>,
    /// What to tell a human, as the cause of a failure.
    pub note: Option<String>,
}

impl Entry {
    /// An entry with nothing to add.
    #[must_use]
    pub fn plain(op: OpId, event: Event) -> Self {
        Self { op, event, hidden_facts: None, copy: None, note: None }
    }
}

/// One object's operation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Its number.
    pub id: OpId,
    /// The run that planned it.
    pub run: String,
    /// The file's name.
    pub key: Key,
    /// Why it was removed.
    #[serde(flatten)]
    pub reason: Reason,
    /// The file as it was seen.
    pub facts: FileFacts,
    /// The file as it lies in the quarantine.
    pub hidden_facts: Option<FileFacts>,
    /// Where it stands.
    pub state: State,
    /// When it was hidden.
    pub hidden_at: Option<Timestamp>,
    /// How long it must stay hidden, in seconds.
    pub quarantine_secs: u64,
    /// What becomes of it then: as it was when it was hidden, whatever the configuration says now.
    pub action: Action,
    /// Its verified copy in the archive, once there is one.
    pub copy: Option<CopyRecord>,
    /// Where the databases' transactions stood after it was hidden; `None` until that was asked.
    pub horizons: Option<Vec<Horizon>>,
    /// What was last noted about it for a human.
    pub note: Option<String>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Op {
    /// Where its file is, or would be, in the quarantine.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { run: self.run.clone(), op: self.id }
    }

    /// Where it stands in full.
    #[must_use]
    pub fn life(&self) -> Life {
        Life { state: self.state, copy: copy_state(self.action, self.copy.is_some()) }
    }

    /// Whether it is hidden and must be copied before it may be freed.
    #[must_use]
    pub fn owes_copy(&self) -> bool {
        self.life() == Life { state: State::Quarantined, copy: CopyState::Owed }
    }

    /// When its quarantine ends; `None` while it is not hidden.
    #[must_use]
    pub fn quarantined_until(&self) -> Option<Timestamp> {
        let span = jiff::SignedDuration::from_secs(i64::try_from(self.quarantine_secs).unwrap_or(i64::MAX));
        self.hidden_at.and_then(|at| at.checked_add(span).ok())
    }
}

/// How far an operation with this action has come with its copy.
#[must_use]
pub fn copy_state(action: Action, has_copy: bool) -> CopyState {
    match (has_copy, action.needs_copy()) {
        (true, _) => CopyState::Kept,
        (false, true) => CopyState::Owed,
        (false, false) => CopyState::NotAsked,
    }
}

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The storage engine refused.
    #[error("the ledger {ledger}: {cause}")]
    Storage {
        /// Its path.
        ledger: String,
        /// The engine's words.
        cause: String,
    },
    /// A transition that must not happen.
    #[error("operation {op}: {cause}")]
    Illegal {
        /// Which operation.
        op: OpId,
        /// Why not.
        cause: IllegalTransition,
    },
    /// What is stored makes no sense.
    #[error(
        "the ledger {ledger} is damaged: {problem}; nothing was changed. Restore it from a backup, or move it away and run: upsweep adopt --reason \"…\", which brings every hidden file back"
    )]
    Damaged {
        /// Its path.
        ledger: String,
        /// What does not fit.
        problem: String,
    },
}
