//! The part of a ledger that keeps holds.

use jiff::Timestamp;
use upsweep_plan::hold::{Hold, HoldTarget};

use super::LedgerError;

/// Holds: what people want kept. Whatever a method changed is durable, and in the audit trail, when it returns.
pub trait Holds {
    /// Sets holds, all or none, and numbers them.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn add_holds(&mut self, holds: &[NewHold]) -> Result<Vec<Hold>, LedgerError>;

    /// Ends holds, whether or not their time is over, and says what became of each, in the order given.
    ///
    /// # Errors
    /// [`LedgerError`]; then none was released. That there is nothing to release is an outcome, not an error.
    fn release_holds(&mut self, ids: &[u64], by: &str, why: &str, at: Timestamp) -> Result<Vec<Release>, LedgerError>;

    /// The holds that hold at `now`, by number.
    ///
    /// # Errors
    /// [`LedgerError`]; then nobody knows what is held, and nothing may be hidden or freed.
    fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, LedgerError>;
}

/// A hold to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// What it keeps.
    pub target: HoldTarget,
    /// Who sets it, and where.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// Now.
    pub since: Timestamp,
    /// The moment it ends by itself; `None` until somebody releases it.
    pub until: Option<Timestamp>,
}

impl NewHold {
    /// The hold, once it has a number. Its times are cut to microseconds, as ledgers keep them.
    #[must_use]
    pub fn numbered(self, id: u64) -> Hold {
        let Self { target, by, why, since, until } = self;
        let cut = |at: Timestamp| Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let (since, until) = (cut(since), until.map(cut));
        Hold { id, target, by, why, since, until }
    }
}

/// What became of the wish to release a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// It is released.
    Released(Hold),
    /// There never was a hold with this number.
    Unknown,
    /// Somebody released it before.
    Already {
        /// Who, and where.
        by: String,
        /// When.
        at: Timestamp,
    },
}
