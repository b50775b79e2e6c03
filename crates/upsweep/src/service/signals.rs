//! Signals: the first asks the service to end, and lets it finish what it is at; the second ends it at once.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What ends a service: systemd and containers send SIGTERM, a person at a terminal presses Ctrl-C.
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

/// Signals within this time are one wish: a terminal and whatever wraps the program may send it twice.
const ONE_WISH: Duration = Duration::from_secs(1);

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
        let first = Instant::now();
        let mut code = self.next().await;
        while first.elapsed() < ONE_WISH {
            code = self.next().await;
        }
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    /// The part of the test below that runs as a process of its own, to be ended.
    #[tokio::test]
    #[ignore = "part of another test"]
    async fn as_a_service() {
        let signals = Signals::listen().unwrap();
        let shutdown = CancellationToken::new();
        // On a line of its own, whatever the harness has begun to write.
        println!("\nlistening");
        let told = async {
            shutdown.cancelled().await;
            println!("\nfinishing");
        };
        tokio::join!(signals.obey(shutdown.clone()), told);
    }

    fn ended_by(first: Signal, second: Signal) -> Option<i32> {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--exact", "service::signals::tests::as_a_service"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "listening"));
        kill_process(pid, first).unwrap();
        assert!(lines.any(|line| line == "finishing"), "the first signal lets it finish");
        kill_process(pid, second).unwrap();
        child.wait().unwrap().code()
    }

    #[test]
    fn the_first_signal_asks_and_the_second_ends() {
        assert_eq!(ended_by(Signal::TERM, Signal::TERM), Some(143));
        assert_eq!(ended_by(Signal::INT, Signal::INT), Some(130));
        assert_eq!(ended_by(Signal::INT, Signal::TERM), Some(143));
    }
}
