//! Why a whole run ended.

use upsweep_plan::guard::Refusal;
use upsweep_plan::plan::PlanError;

use crate::ports::{ClaimError, LeaseError, LedgerError, StoreError};

/// Why a whole run ended. Failures of single files are no errors: they are listed in the report.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database.
    #[error(transparent)]
    Claims(#[from] ClaimError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The lease.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The plan that was to be applied.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The notes kept outside the store.
    #[error("{0}")]
    Notes(String),
    /// The store is bound, but its ledger is gone or another's.
    #[error(
        "the store {address} belongs to ledger {expected}, but {found}; set UPSWEEP_LEDGER_URL to where it is, or restore it from a backup. If it is lost, this brings every hidden file back and begins anew: upsweep adopt --reason \"…\""
    )]
    LedgerMismatch {
        /// The store.
        address: String,
        /// The ledger named by its marker.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// The ledger at the configured place is another store's.
    #[error(
        "the ledger {ledger} belongs to store {store_id}; each store needs one of its own: set UPSWEEP_LEDGER_URL to another file, which is made if it does not exist. (If this is that store and its marker was lost, put .upsweep/store.json back from a backup.)"
    )]
    LedgerTaken {
        /// Where it is.
        ledger: String,
        /// Whose it is.
        store_id: String,
    },
    /// Files are hidden elsewhere than the configuration says.
    #[error(
        "hidden files of {address} ({files} of them) lie in {lies_in}, but are wanted in {wanted}; set UPSWEEP_QUARANTINE_DIR back, or bring them back first with: upsweep restore --all (upsweep purge frees those whose time is over)"
    )]
    QuarantineMoved {
        /// The store.
        address: String,
        /// How many.
        files: u64,
        /// Where they lie.
        lies_in: String,
        /// Where the configuration wants them.
        wanted: String,
    },
    /// A guard objects to working on this store at all.
    #[error("{}: {}; likely cause: {}; next: {}", .0.code, .0.saw, .0.likely, .0.next)]
    Refused(Box<Refusal>),
    /// Something needs a bound store.
    #[error("nothing was ever removed from {address} by upsweep, so there is nothing to {what}")]
    NotBound {
        /// The store.
        address: String,
        /// What was asked for.
        what: &'static str,
    },
    /// Something needs the ledger, and there is none yet.
    #[error(
        "the upload directory {address} is not bound yet, so there is no ledger {what}; the first run binds it: upsweep run (what it would hide: upsweep plan). A file that it hides comes back, and is held from then on, with: upsweep restore FILE"
    )]
    NoLedgerYet {
        /// The store.
        address: String,
        /// What the ledger was needed for.
        what: &'static str,
    },
    /// The audit trail was shortened while it was read.
    #[error("old records of the audit trail were pruned while it was read; run the command again")]
    PrunedMeanwhile,
    /// Another run bound the store meanwhile.
    #[error("another run bound the store {address} at this very moment; run the command again")]
    BoundMeanwhile {
        /// The store.
        address: String,
    },
    /// Somebody asked the run to stop.
    #[error("the run was asked to stop, and stopped where nothing was half done; the next run goes on from there")]
    Stopped,
    /// The run to restore is unknown.
    #[error("there is no run '{0}'; see: upsweep history")]
    NoSuchRun(String),
}
