//! Signals: the first asks the service to end, and lets it finish what it is at; a second, later one ends it at once.

use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt as _};
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

    /// As they come, each as the code with which a process ends that it ended.
    pub(crate) fn codes(self) -> impl Stream<Item = i32> + Send {
        futures_util::stream::unfold(self, |mut signals| async move {
            let code = tokio::select! {
                _ = signals.term.recv() => BY_TERM,
                _ = signals.int.recv() => BY_INT,
            };
            Some((code, signals))
        })
    }
}

/// Cancels `shutdown` at the first of `codes`; at one that comes later it ends the process with it. What a crash leaves
/// behind, the next run finishes, so that is safe.
pub(crate) async fn obey(
    codes: impl Stream<Item = i32>,
    shutdown: CancellationToken,
    now: impl Fn() -> Instant,
    end: impl FnOnce(i32),
) {
    let mut codes = std::pin::pin!(codes);
    let Some(code) = codes.next().await else { return };
    tracing::info!(code, "asked to end: what is begun is finished; a second signal ends it at once");
    shutdown.cancel();
    let first = now();
    while let Some(code) = codes.next().await {
        if now().duration_since(first) >= ONE_WISH {
            tracing::warn!(code, "asked to end at once");
            return end(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What comes of these signals, each so many milliseconds after the first: whether the service was asked to end,
    /// and the code with which it was ended at once.
    async fn comes_of(signals: &[(u64, i32)]) -> (bool, Option<i32>) {
        let (start, passed, ended) = (Instant::now(), Cell::new(0), Cell::new(None));
        let shutdown = CancellationToken::new();
        let codes = futures_util::stream::iter(signals).map(|(millis, code)| {
            passed.set(*millis);
            *code
        });
        let now = || start + Duration::from_millis(passed.get());
        obey(codes, shutdown.clone(), now, |code| ended.set(Some(code))).await;
        (shutdown.is_cancelled(), ended.get())
    }

    #[tokio::test]
    async fn the_first_signal_asks_and_two_within_a_second_are_one_wish() {
        assert_eq!(comes_of(&[]).await, (false, None));
        assert_eq!(comes_of(&[(0, BY_TERM)]).await, (true, None));
        assert_eq!(comes_of(&[(0, BY_TERM), (1, BY_TERM), (999, BY_INT)]).await, (true, None));
    }

    #[tokio::test]
    async fn a_later_one_ends_it_at_once() {
        assert_eq!(comes_of(&[(0, BY_TERM), (1_000, BY_TERM)]).await, (true, Some(143)));
        assert_eq!(comes_of(&[(0, BY_INT), (5, BY_INT), (60_000, BY_INT)]).await, (true, Some(130)));
        assert_eq!(comes_of(&[(0, BY_INT), (1_001, BY_TERM), (2_000, BY_INT)]).await, (true, Some(143)));
    }
}
