//! The loops that wait: for the next time of the timetable, and for the next look at what is hidden. Both sleep in
//! short slices, since a wall clock is set anew and a machine is suspended; and nothing that fails ends them.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use upsweep_engine::ports::Clock;

use super::schedule::{Due, Timetable};
use super::slots::Slots;
use super::telling;
use crate::http::problem::Problem;

/// The time, and how it passes.
pub(crate) trait Pace: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Returns after about this long.
    fn pause(&self, span: Duration) -> impl Future<Output = ()> + Send;
}

/// As it passes for everybody.
pub(crate) struct RealPace(pub(crate) Arc<dyn Clock>);

impl Pace for RealPace {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// At most this long nobody looks at the clock.
const SLICE: SignedDuration = SignedDuration::from_mins(1);

/// Calls `fire` for each time of the timetable, and waits for it; until `shutdown`. A time that comes while `fire` is
/// at work is passed over.
pub(crate) async fn run<P, S, F, Fut>(timetable: &Timetable, pace: &P, slots: &S, fire: F, shutdown: CancellationToken)
where
    P: Pace,
    S: Slots,
    F: Fn(Timestamp) -> Fut,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let Some(mut done) = begin(pace, slots, &shutdown).await else { return };
    while !shutdown.is_cancelled() {
        let now = pace.now();
        match timetable.due(done, now) {
            Due::Never => return,
            Due::Wait { until } => nap(pace, until.duration_since(now), &shutdown).await,
            Due::Pass { newest, count } => {
                tracing::warn!(count, newest = %newest, "clean-ups were due while the service was not there to run them, and are skipped");
                note(slots, newest).await;
                done = newest;
            }
            Due::Run { slot, passed } => match slots.claim(slot).await {
                Err(error) => {
                    // The time stays due for a while.
                    telling::warning(
                        &Problem::of_error(&error),
                        (None, "the schedule"),
                        "cannot note that the scheduled clean-up begins; it is tried again",
                    );
                    nap(pace, SLICE, &shutdown).await;
                }
                Ok(false) => {
                    tracing::info!(%slot, "another service has taken on the scheduled clean-up");
                    done = slot;
                }
                Ok(true) => {
                    tracing::info!(%slot, passed, "the scheduled clean-up begins");
                    tell(outcome(fire(slot)).await, "the scheduled clean-up failed");
                    // The first run of all makes the ledger: only now can it be noted there.
                    note(slots, slot).await;
                    done = pass_over(timetable, pace, slots, slot).await;
                }
            },
        }
    }
}

/// The time up to which all is dealt with; `None` when the service ends before that can be told.
async fn begin<P: Pace, S: Slots>(pace: &P, slots: &S, shutdown: &CancellationToken) -> Option<Timestamp> {
    let started = pace.now();
    let mut told = None;
    while !shutdown.is_cancelled() {
        match slots.last().await {
            Ok(last) => {
                let last = last.unwrap_or(started);
                if last > started {
                    tracing::warn!(%last, "a scheduled clean-up was begun at a time that is yet to come: look at the clock");
                }
                return Some(last);
            }
            Err(error) => {
                // The same cause is told once, not each minute.
                let cause = Some(format!("{error:#}"));
                if cause != told {
                    let what = "cannot tell which scheduled clean-up was the last; it is tried again";
                    telling::warning(&Problem::of_error(&error), (None, "the schedule"), what);
                    told = cause;
                }
            }
        }
        nap(pace, SLICE, shutdown).await;
    }
    None
}

/// What came while the clean-up was at work does not come any more.
async fn pass_over<P: Pace, S: Slots>(timetable: &Timetable, pace: &P, slots: &S, slot: Timestamp) -> Timestamp {
    let Some((newest, count)) = timetable.passed(slot, pace.now()) else { return slot };
    tracing::warn!(count, newest = %newest, "clean-ups were due while one was at work, and are skipped");
    note(slots, newest).await;
    newest
}

/// A time that was passed over is claimed too, so that nobody makes up for it.
async fn note<S: Slots>(slots: &S, passed: Timestamp) {
    if let Err(error) = slots.claim(passed).await {
        telling::warning(
            &Problem::of_error(&error),
            (None, "the schedule"),
            "cannot note that a scheduled clean-up was skipped",
        );
    }
}

/// Calls `look` every so often, and waits for it; until `shutdown`.
pub(crate) async fn watch<P, F, Fut>(every: Duration, pace: &P, look: F, shutdown: CancellationToken)
where
    P: Pace,
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
    let mut last = pace.now();
    while !shutdown.is_cancelled() {
        let passed = pace.now().duration_since(last);
        // A clock that was set back would otherwise silence it for as long.
        if passed >= every || passed.is_negative() {
            tell(outcome(look()).await, "cannot look whether hidden files are claimed again");
            last = pace.now();
        } else {
            nap(pace, every - passed, &shutdown).await;
        }
    }
}

/// What came of it; a panic is a failure like any other, and ends neither loop.
async fn outcome(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    tokio::spawn(work).await?
}

fn tell(outcome: anyhow::Result<()>, what: &'static str) {
    if let Err(error) = outcome {
        telling::problem(&Problem::of_error(&error), (None, "a task of the service"), what);
    }
}

/// Waits a slice, or less.
async fn nap<P: Pace>(pace: &P, span: SignedDuration, shutdown: &CancellationToken) {
    let span = span.min(SLICE).unsigned_abs();
    tokio::select! {
        () = pace.pause(span) => {}
        () = shutdown.cancelled() => {}
    }
}

#[cfg(test)]
#[path = "timer_tests.rs"]
mod tests;
