//! Exit codes: what a script can tell from them is documented in `docs/exit-codes.md`.

use std::process::ExitCode;

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::LeaseError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; nothing left to say.
    Done = 0,
    /// It could not be done.
    Error = 1,
    /// With `--detailed-exitcode`: done, and the plan would remove something.
    ChangesPending = 2,
    /// Done, but single files failed.
    Partial = 3,
    /// A guard refused.
    Refused = 10,
    /// Another run works on the store.
    Locked = 11,
    /// The command line makes no sense.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command line that makes no sense, although its form is right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The code for an error that ended a command.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<UsageError>() {
        return Exit::Usage;
    }
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::Refused(_)) => Exit::Refused,
        Some(EngineError::Lease(LeaseError::Held(_))) => Exit::Locked,
        _ => Exit::Error,
    }
}
