//! The part of a ledger that is its audit trail.

use std::ops::ControlFlow;

use jiff::Timestamp;
use upsweep_plan::audit::{Checkpoint, Finding, NewRecord, Start, Summary};

use super::LedgerError;

/// The audit trail. A ledger writes it by itself, in the same transaction as what it tells: runs that begin and end,
/// whatever happened to an object, holds. What else is worth a record comes by [`AuditTrail::note_audit`].
pub trait AuditTrail {
    /// Says who writes from now on, for records that belong to no run; a run that begins brings its own.
    fn set_actor(&mut self, actor: &str);

    /// Adds a record, durably.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn note_audit(&mut self, what: NewRecord, at: Timestamp) -> Result<(), LedgerError>;

    /// What the oldest record that is still here continues: the ledger's own beginning, or the last one pruned.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn audit_start(&self) -> Result<Start, LedgerError>;

    /// The state of the trail now; `None` before its first record.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn audit_head(&self) -> Result<Option<Checkpoint>, LedgerError>;

    /// Gives the lines of the records from `seq` on, oldest first, as they are stored and of one moment, until the
    /// sink has enough.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn audit_from(&self, seq: u64, sink: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), LedgerError>;

    /// Checks the whole chain; `checkpoint` is one that was kept elsewhere.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be read at all; what is wrong with it is in the inner result.
    fn verify_audit(&self, checkpoint: Option<Checkpoint>) -> Result<Result<Summary, Finding>, LedgerError>;

    /// Drops the oldest records, up to the first one of `before` or later and never the newest, and gives their
    /// number. What is left still verifies. A record tells of it.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn prune_audit(&mut self, before: Timestamp, at: Timestamp) -> Result<u64, LedgerError>;
}
