//! What was asked of a run, and what it did.

use jiff::Timestamp;
use upsweep_plan::guard::{Code, Refusal};
use upsweep_plan::hold::Hold;
use upsweep_plan::plan::Plan;

use crate::apply::Applied;
use crate::archive::Archived;
use crate::error::EngineError;
use crate::ports::{Amount, Approval, Holder, Marker, RunOutcome};
use crate::purge::Purged;
use crate::recover::Recovered;
use crate::restore::Restored;

/// Who asked for a run, and what they overruled.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who, for the lease and the history.
    pub holder: Holder,
    /// Guards to overrule.
    pub approval: Option<Approval>,
    /// The run's id, if it was given one beforehand.
    pub run: Option<String>,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// The run's id; `None` when nothing could be noted because the store is not bound.
    pub run: Option<String>,
    /// The plan it worked with.
    pub plan: Option<Plan>,
    /// The marker, if this run bound the store.
    pub bound: Option<Marker>,
    /// What an interrupted run had left.
    pub recovered: Recovered,
    /// Files in the quarantine of runs that the ledger does not know: it may be an old copy.
    pub strays: u64,
    /// Why nothing was hidden.
    pub refusals: Vec<Refusal>,
    /// The guards that objected to hiding and were overruled.
    pub overruled: Vec<Code>,
    /// What was hidden.
    pub applied: Applied,
    /// What was copied to the archive.
    pub archived: Archived,
    /// What was brought back.
    pub restored: Restored,
    /// The holds that were set for it.
    pub holds: Vec<Hold>,
    /// What was brought back from the archive.
    pub retrieved: Restored,
    /// What was freed.
    pub purged: Purged,
    /// Files still hidden when it ended.
    pub still_hidden: u64,
    /// Those among them that must be copied before they may be freed, and are not.
    pub copies_pending: Amount,
    /// Files this run hid that were hidden when it ended.
    pub own_hidden: u64,
    /// Files this run hid that a restore would bring back.
    pub undoable: u64,
    /// When the first of them may be freed.
    pub next_purge_at: Option<Timestamp>,
    /// Why it stopped early, after everything above had happened.
    pub failure: Option<EngineError>,
}

impl Report {
    /// Single files that failed.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let planned = self.plan.as_ref().map_or(0, |plan| plan.errors.len());
        (planned + self.applied.failed.len() + self.purged.failed.len()) as u64
            + self.archived.problems()
            + self.restored.problems()
            + self.retrieved.problems()
            + self.purged.restored.problems()
            + self.recovered.unknown
    }

    /// Whether a guard refused anything.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.refusals.is_empty() || !self.purged.refusals.is_empty()
    }

    /// Everything that was brought back, from wherever.
    #[must_use]
    pub fn back(&self) -> Amount {
        let all = [&self.restored, &self.retrieved, &self.archived.restored, &self.purged.restored];
        let (files, bytes) = (|r: &Restored| r.amount.files, |r: &Restored| r.amount.bytes);
        Amount { files: all.map(files).iter().sum(), bytes: all.map(bytes).iter().sum() }
    }

    /// The same as the history keeps it.
    pub(crate) fn outcome(&self) -> RunOutcome {
        RunOutcome {
            plan: self.plan.as_ref().map(|plan| plan.hash.clone()),
            refused: self.refusals.iter().chain(&self.purged.refusals).map(|r| r.code).collect(),
            overruled: self.overruled.clone(),
            hidden: self.applied.hidden,
            copied: self.archived.copied,
            restored: self.back(),
            purged: self.purged.amount,
            skipped: self.applied.skipped.len() as u64,
            errors: self.errors(),
            failure: self.failure.as_ref().map(ToString::to_string),
            stopped: matches!(self.failure, Some(EngineError::Stopped)),
        }
    }
}
