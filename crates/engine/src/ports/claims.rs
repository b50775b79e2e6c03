//! The port to an application's database.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use upsweep_plan::claim::ClaimRule;
pub use upsweep_plan::plan::DatabaseIdentity;

/// A database that holds claims. Upsweep only ever reads it.
pub trait ClaimSource: Send {
    /// Streams every row of every rule, in any order, out of **one** read-only snapshot.
    ///
    /// `sink` is called with the rule's index and the cells of [`ClaimRule::columns`] in that order. The
    /// cells are the columns' values as exact text: the bytes of a string, decimal digits of an integer,
    /// the canonical form of a UUID, ISO 8601 in UTC for a point in time (zone-less ones as they are).
    ///
    /// Returning `Ok` promises that the snapshot was read to its end: nothing was hidden by row-level
    /// security, cut by a limit, or skipped. Anything less is an error.
    ///
    /// # Errors
    /// [`ClaimError`]; rows already given to `sink` must then not be used to condemn anything.
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError>;

    /// Does what [`Self::read`] does before it reads the first row: connects, and looks for every rule's table and
    /// columns. The snapshot counts no rows.
    ///
    /// # Errors
    /// [`ClaimError`], for the first rule that could not be read.
    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError>;

    /// Which database this is.
    ///
    /// # Errors
    /// [`ClaimError`] when it cannot be reached or does not say.
    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError>;

    /// Where the database's transactions stand now: recorded after hiding, compared before purging.
    ///
    /// # Errors
    /// [`ClaimError`] when it cannot be reached.
    fn horizon(&mut self) -> Result<Horizon, ClaimError>;
}

/// Receives `(index of the rule, cells)` for each row.
pub type RowSink<'a> = dyn FnMut(usize, &[Option<&[u8]>]) + 'a;

/// What a snapshot said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which database was read.
    pub identity: DatabaseIdentity,
    /// Rows per rule.
    pub rows: Vec<u64>,
    /// Whether the server replays another one's changes, and so may lag behind it.
    pub is_replica: bool,
    /// Whether the role could change the tables it reads; `None` where the database has no roles.
    pub role_can_write: Option<bool>,
    /// The database's clock when the snapshot was taken.
    pub clock: Option<Timestamp>,
    /// The zone of its own local times, as it calls it; `None` where it has none.
    pub time_zone: Option<String>,
    /// Where its transactions stood.
    pub horizon: Horizon,
    /// The files the database itself is made of, as device and inode: wherever they lie, they are no uploads.
    pub own_files: Vec<(u64, u64)>,
}

/// How far a database's transactions have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// PostgreSQL's own count. Every transaction below `xmin` has ended, and every one that had begun to write
    /// is below `next`: those open now have ended once a later `xmin` reaches this `next`.
    Transactions {
        /// The oldest transaction still open.
        xmin: u64,
        /// One past the newest transaction that has begun to write.
        next: u64,
    },
    /// The database does not say: only time drains it.
    Clock,
}

/// Why claims could not be read. Every message names the object and the next step.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Not a database URL we know, or one with a mistake in it.
    #[error("{0}")]
    Url(String),
    /// The database could not be reached or refused us.
    #[error("cannot reach the database {database}: {cause}")]
    Connect {
        /// The database as configured, without its password.
        database: String,
        /// What the driver said.
        cause: String,
    },
    /// The zone of the databases' times is not known here.
    #[error("db_timezone: {0}")]
    Zone(String),
    /// A rule asks for something that is not there.
    #[error("claim rule '{rule}': {problem}")]
    Rule {
        /// The rule's name.
        rule: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A column's values have no exact text.
    #[error("claim rule '{rule}': column '{column}' is of type {kind}, which has no exact text form; {advice}")]
    Unrenderable {
        /// The rule's name.
        rule: String,
        /// The column.
        column: String,
        /// Its type, as the database calls it.
        kind: String,
        /// What to write in the query instead.
        advice: String,
    },
    /// Two configured databases are the same one.
    #[error(
        "the databases '{first}' and '{second}' are one and the same ({identity}): keep one of them, and let the claim rules of the other name it"
    )]
    Twice {
        /// The name it has first.
        first: String,
        /// The other name.
        second: String,
        /// What it says it is.
        identity: String,
    },
    /// The snapshot ended early, or may not show every row.
    #[error("reading claims from {database} did not complete: {cause}")]
    Incomplete {
        /// The database as configured, without its password.
        database: String,
        /// What the driver said.
        cause: String,
    },
}
