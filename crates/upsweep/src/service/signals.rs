//! Signals: the first asks the service to end, and lets it finish what it is at; the second ends it at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What ends a service: systemd and containers send SIGTERM, a person at a terminal presses Ctrl-C.
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

/// How a process ends that a signal ended: 128 and the signal's number, as shells say it.
const BY_TERM: i32 = 128 + 15;
const BY_INT: i32 = 128 + 2;

impl Signals {
    /// From here on these signals do not end the process any more by themselves.
    ///
    /// # Errors
    /// When the system does not let it listen for them.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// Cancels `shutdown` at the first signal; at the second it ends the process. What a crash leaves behind, the next
    /// run finishes, so that is safe.
    pub(crate) async fn obey(mut self, shutdown: CancellationToken) {
        let code = self.next().await;
        tracing::info!(code, "asked to end: what is begun is finished; a second signal ends it at once");
        shutdown.cancel();
        let code = self.next().await;
        tracing::warn!(code, "asked to end at once");
        std::process::exit(code);
    }

    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.term.recv() => BY_TERM,
            _ = self.int.recv() => BY_INT,
        }
    }
}
