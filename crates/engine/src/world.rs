//! Everything a run works with.

use jiff::Timestamp;
use upsweep_plan::action::Action;
use upsweep_plan::policy::{Limits, Policy};

use crate::ports::{Archive, ClaimSource, Clock, Home, Ids, Progress, Store};

/// The ports and rules of one store's clean-up.
pub struct World<'a> {
    /// The files.
    pub store: &'a dyn Store,
    /// The rows that claim them.
    pub claims: &'a mut dyn ClaimSource,
    /// Upsweep's own state.
    pub home: &'a dyn Home,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Fresh names.
    pub ids: &'a dyn Ids,
    /// Who hears how far the work has come.
    pub progress: &'a dyn Progress,
    /// What may go.
    pub policy: &'a Policy,
    /// How much of it.
    pub limits: &'a Limits,
    /// Where copies are kept, if anywhere.
    pub archive: Option<&'a dyn Archive>,
    /// What becomes of files that are hidden from now on.
    pub action: Action,
    /// How long files stay hidden before they may be freed, in seconds.
    pub quarantine_secs: u64,
}

impl World<'_> {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// How many files share one durable journal write.
pub const BATCH_FILES: usize = 1_000;
