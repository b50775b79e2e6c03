//! Small ports: time, names, the home of Upsweep's own state, progress.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError};

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// What another clock said, on the scale of this one: the same, but for tests that live on another day.
    fn of_another(&self, said: Timestamp) -> Timestamp {
        said
    }

    /// Returns when `span` has passed: [`Clock::now`] is then at least that much later.
    fn wait(&self, span: SignedDuration);
}

/// Makes names that were never used before.
pub trait Ids: Send + Sync {
    /// A fresh name that sorts by `now` and that a person can type.
    fn fresh(&self, now: Timestamp) -> String;
}

/// Where Upsweep keeps its own state about one store: the ledger, the lease, and, outside the store, a note
/// that it was bound, so that a store that vanished is missed.
pub trait Home: Send {
    /// Where the ledger is, or would be made.
    fn ledger_place(&self) -> LedgerPlace;

    /// The store's ledger; `None` when there is none yet.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be read.
    fn ledger(&self) -> Result<Option<Box<dyn Ledger>>, LedgerError>;

    /// The store's ledger, made if there is none yet.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be made.
    fn create_ledger(&self) -> Result<Box<dyn Ledger>, LedgerError>;

    /// Takes the lease: one run at a time works on a store. It ends when the value is dropped, or its process
    /// dies.
    ///
    /// # Errors
    /// [`LeaseError::Held`] when another has it.
    fn acquire(&self, holder: &Holder) -> Result<Box<dyn Lease>, LeaseError>;

    /// Who has the lease now, without taking it.
    ///
    /// # Errors
    /// [`LeaseError`] when that cannot be found out.
    fn holder(&self) -> Result<Option<Holder>, LeaseError>;

    /// What was noted, outside the store, when a store at this address was bound.
    ///
    /// # Errors
    /// A sentence for a human.
    fn noted(&self, address: &str) -> Result<Option<Noted>, String>;

    /// Notes outside the store, durably, that the store at this address is bound.
    ///
    /// # Errors
    /// A sentence for a human.
    fn note(&self, address: &str, store_id: &str) -> Result<(), String>;
}

/// Where a ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPlace {
    /// For a human.
    pub shown: String,
    /// Whether it is among the store's own things, where no other store's ledger can be.
    pub is_inside: bool,
}

/// A note about a bound store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The store's id.
    pub store_id: String,
    /// Where the note is, for a human.
    pub location: String,
}

/// A lease in hand: only who has one may change a store.
pub trait Lease: Send {}

/// Who has a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it is doing: the command.
    pub what: String,
    /// The user it runs as, with the number that the system vouches for.
    #[serde(default)]
    pub user: String,
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// The run's id, where it was known beforehand. A run takes it from what was asked of it.
    #[serde(default)]
    pub run: Option<String>,
}

impl Holder {
    /// Who this is, for the history and the audit trail.
    #[must_use]
    pub fn by(&self) -> String {
        let Self { what: _, user, pid, host, since: _, run: _ } = self;
        format!("{user}, process {pid} on {host}")
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, user: _, pid, host, since, run: _ } = self;
        write!(f, "'upsweep {what}' (process {pid} on {host}, since {})", upsweep_plan::moment::spelled(*since))
    }
}

/// Why the lease is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another has it.
    #[error("{} works on this store; wait until it is done, then try again", .0.as_ref().map_or("another upsweep".to_owned(), ToString::to_string))]
    Held(Option<Holder>),
    /// The lock itself could not be used.
    #[error("cannot lock {object}: {cause}")]
    Io {
        /// The lock.
        object: String,
        /// The system's word for it.
        cause: String,
    },
}

/// Hears how far the work has come.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` steps are expected, if that is known.
    fn begin(&self, stage: Stage, total: Option<u64>);
    /// `steps` more are done.
    fn advance(&self, steps: u64);
    /// The stage ends.
    fn end(&self);
}

/// The stages of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the names in the store.
    Listing,
    /// Reading the claims in the databases.
    Claims,
    /// Looking at candidates.
    Looking,
    /// Reading audio headers.
    Headers,
    /// Reading the claims once more.
    Rechecking,
    /// Moving files into the quarantine.
    Hiding,
    /// Copying hidden files to the archive.
    Archiving,
    /// Waiting for open transactions.
    Draining,
    /// Bringing files back.
    Restoring,
    /// Bringing files back from the archive.
    Retrieving,
    /// Freeing files.
    Purging,
}

/// Says whether the work should end early: at the next point where nothing is half done.
pub trait Stop: Send + Sync {
    /// Whether somebody asked for it. Who said yes once says it from then on.
    fn is_asked(&self) -> bool;
}

/// Work that nobody stops.
pub struct Unstoppable;

impl Stop for Unstoppable {
    fn is_asked(&self) -> bool {
        false
    }
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: Stage, _total: Option<u64>) {}
    fn advance(&self, _steps: u64) {}
    fn end(&self) {}
}
