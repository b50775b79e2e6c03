//! What the ledger says that a plan must know.

use jiff::{SignedDuration, Timestamp};
use upsweep_plan::baseline::Baseline;
use upsweep_plan::guard::ClockReading;
use upsweep_plan::hold::Hold;
use upsweep_plan::lifecycle::State;

use crate::error::EngineError;
use crate::ports::{Ledger, Op};

/// How far back hidden files count against the guards' floor.
pub const FLOOR_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The states whose outcome is not known yet.
pub const PENDING: [State; 5] = State::PENDING;

/// What the ledger says that a plan must know.
#[derive(Debug, Default)]
pub struct Past {
    /// Operations whose files are hidden now.
    pub hidden: Vec<Op>,
    /// Files hidden in the last seven days.
    pub hidden_recently: u64,
    /// Operations whose outcome is not known yet.
    pub pending: u64,
    /// What people want kept.
    pub holds: Vec<Hold>,
    /// The last good survey.
    pub baseline: Option<Baseline>,
    /// The newest entry that was there before this run.
    pub last_entry: Option<Timestamp>,
    /// What the store's own clock said; only a run that may change the store asks it.
    pub store_clock: Option<ClockReading>,
}

impl Past {
    /// Whether nothing of the past matters for a plan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { hidden, hidden_recently, pending, holds, baseline, last_entry: _, store_clock: _ } = self;
        hidden.is_empty() && *hidden_recently == 0 && *pending == 0 && holds.is_empty() && baseline.is_none()
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`EngineError::Ledger`].
    pub fn read(ledger: &dyn Ledger, now: Timestamp) -> Result<Self, EngineError> {
        let since = now.checked_sub(FLOOR_WINDOW).unwrap_or(Timestamp::MIN);
        Ok(Self {
            hidden: ledger.ops_in(&[State::Quarantined])?,
            hidden_recently: ledger.hidden_since(since)?,
            pending: ledger.ops_in(&PENDING)?.len() as u64,
            holds: ledger.holds(now)?,
            baseline: ledger.baseline()?,
            last_entry: ledger.last_entry_at()?,
            store_clock: None,
        })
    }
}
