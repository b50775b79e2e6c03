//! Everything a run works with.

use jiff::Timestamp;
use upsweep_plan::policy::{Limits, Policy};
use upsweep_plan::selection::Selection;

use crate::databases::Source;
use crate::error::EngineError;
use crate::ports::{Archive, Clock, Home, Ids, Progress, Stop, Store};

/// The ports and rules of one store's clean-up.
pub struct World<'a> {
    /// The files.
    pub store: &'a dyn Store,
    /// The databases whose rows claim them, the default one first. Never none.
    pub claims: Vec<Source<'a>>,
    /// Upsweep's own state.
    pub home: &'a dyn Home,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Fresh names.
    pub ids: &'a dyn Ids,
    /// Who hears how far the work has come.
    pub progress: &'a dyn Progress,
    /// Who may want the work to end early.
    pub stop: &'a dyn Stop,
    /// What may go.
    pub policy: &'a Policy,
    /// What a plan is limited to.
    pub selection: &'a Selection,
    /// How much of it.
    pub limits: &'a Limits,
    /// Where copies are kept, if anywhere.
    pub archive: Option<&'a dyn Archive>,
    /// How long files stay hidden before they may be freed, in seconds.
    pub quarantine_secs: u64,
    /// How many years records of the audit trail are kept.
    pub audit_years: u32,
}

impl World<'_> {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Goes on, unless somebody asked to stop. Called where nothing is half done.
    ///
    /// # Errors
    /// [`EngineError::Stopped`].
    pub(crate) fn go_on(&self) -> Result<(), EngineError> {
        go_on(self.stop)
    }
}

/// The same where only the one who may want to stop is at hand.
pub(crate) fn go_on(stop: &dyn Stop) -> Result<(), EngineError> {
    if stop.is_asked() { Err(EngineError::Stopped) } else { Ok(()) }
}

/// How many files share one durable journal write.
pub const BATCH_FILES: usize = 1_000;
