//! The part of a ledger that a service needs between its calls: plans that wait for somebody, requests that may be
//! repeated, the times of its schedule; and its pages and sums.

use jiff::Timestamp;
use upsweep_plan::lifecycle::State;

use super::{KeptPlan, LedgerError, Op, PlanApproval, PlanHead, RunKind, RunRecord};
use crate::ports::OpId;

/// At most this many plans are kept; of more the oldest goes.
pub const PLANS_MAX: usize = 50;

/// For how long a repeated request is recognised.
pub const REPEATABLE_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What a service keeps. Whatever a method changed is durable when it returns.
pub trait Errands {
    /// Keeps a plan until it expires, in the place of one with its id. Other plans that have expired by
    /// `plan.created_at` go, and beyond [`PLANS_MAX`] those that were kept first.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn keep_plan(&mut self, plan: &KeptPlan) -> Result<(), LedgerError>;

    /// A plan that was kept, whether or not it has expired since. One in the form of another version is none.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::Damaged`] when it cannot be read.
    fn kept_plan(&self, id: &str) -> Result<Option<KeptPlan>, LedgerError>;

    /// The heads of all plans that are kept, the last one kept first. Those in the form of another version are left
    /// out.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn plan_heads(&self) -> Result<Vec<PlanHead>, LedgerError>;

    /// Drops a plan, and notes in the audit trail who did; whether there was one.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn drop_plan(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool, LedgerError>;

    /// Notes, in the audit trail as well, that a human approved what the guards refuse in a kept plan; whether there
    /// is such a plan, and it is the one that was approved. A later approval replaces an earlier one. Both stay in the
    /// trail.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn approve_plan(&mut self, id: &str, approval: &PlanApproval) -> Result<bool, LedgerError>;

    /// Claims a request's key for the run that it is about to start, unless it was claimed within
    /// [`REPEATABLE_FOR`] before `request.at`, or later. Of two that claim at once, one gets [`Claimed::New`]; a
    /// claim that was not new changes nothing.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn claim_request(&mut self, request: &RepeatableRequest) -> Result<Claimed, LedgerError>;

    /// Claims a time of the schedule; `false` when it, or a later one, was claimed before. Of two that claim at once,
    /// one gets `true`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn claim_slot(&mut self, slot: Timestamp) -> Result<bool, LedgerError>;

    /// The newest time of the schedule that was claimed.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn last_slot(&self) -> Result<Option<Timestamp>, LedgerError>;
}

/// Pages and sums of what a ledger holds, so that nobody reads all of it to show a little.
pub trait Pages {
    /// Runs, the newest first, those that began before the run `before` (in the order of their beginning, then of
    /// their ids); at most `limit`. Before a run that is not there, nothing began: the page is empty, and who wants
    /// to tell that from the end asks for the run itself. `before` need not fit the filter.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn runs_page(&self, filter: &RunFilter, before: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, LedgerError>;

    /// Operations by number, those after `after`, which need not be there; at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn ops_page(&self, filter: &OpFilter, after: Option<OpId>, limit: usize) -> Result<Vec<Op>, LedgerError>;

    /// What all runs together did.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn totals(&self) -> Result<Totals, LedgerError>;
}

/// A request that its sender may repeat without its being carried out twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatableRequest {
    /// The sender's key for it, together with the sender.
    pub key: String,
    /// A hash of what was asked.
    pub fingerprint: String,
    /// The run that it starts.
    pub run: String,
    /// Now.
    pub at: Timestamp,
}

/// What became of a claim on a request's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody used it yet.
    New,
    /// The same was asked before: this run was started for it.
    Before {
        /// The run.
        run: String,
    },
    /// Something else was asked with this key.
    ForOther,
}

/// Which runs a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Kinds; empty means all.
    pub kinds: Vec<RunKind>,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun before this time.
    pub until: Option<Timestamp>,
}

/// Which operations a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpFilter {
    /// Of this run only.
    pub run: Option<String>,
    /// In these states; empty means all.
    pub states: Vec<State>,
}

/// What all runs together did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs that ended.
    pub runs: u64,
    /// Files hidden.
    pub hidden: super::Amount,
    /// Files freed for good.
    pub purged: super::Amount,
    /// Files brought back.
    pub restored: super::Amount,
    /// Files copied to the archive.
    pub copied: super::Amount,
    /// Single files that failed.
    pub errors: u64,
    /// Runs that stopped early, for whatever reason.
    pub failures: u64,
    /// Those among them that somebody asked to stop.
    pub stopped: u64,
    /// How often each guard refused.
    pub refusals: std::collections::BTreeMap<upsweep_plan::guard::Code, u64>,
    /// When the last run ended that neither failed nor was refused, and had no errors.
    pub last_success: Option<Timestamp>,
    /// Files in the quarantine now, with those that a run is copying to the archive.
    pub quarantined: super::Amount,
}
