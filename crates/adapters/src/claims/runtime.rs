//! The port is synchronous and the servers' drivers are not.

use std::future::Future;

use upsweep_engine::ports::ClaimError;

use super::url::ServerUrl;

/// Runs `work` on a runtime of its own, on this thread.
pub(crate) fn block_on<T>(url: &ServerUrl, work: impl Future<Output = Result<T, ClaimError>>) -> Result<T, ClaimError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClaimError::Connect {
        database: url.masked(),
        cause: format!("cannot start a runtime: {error}"),
    })?;
    let done = runtime.block_on(work);
    // A name server that does not answer must not hold up who has stopped waiting for it.
    runtime.shutdown_background();
    done
}
