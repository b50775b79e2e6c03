//! A service's life: it answers, cleans up by itself, looks after what is hidden, and ends when it is asked to.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use upsweep_plan::selection::Selection;

use super::Service;
use super::job::{Order, Outcome, Task};
use super::jobs::judge;
use super::schedule::{Timetable, host_zone};
use super::signals::{self, Signals};
use super::slots::LedgerSlots;
use super::systemd;
use super::telling;
use super::timer::{self, Pace, RealPace};
use crate::clock::SystemClock;
use crate::config::LogFormat;
use crate::http::auth::Gate;
use crate::http::problem::{Code, Problem};
use crate::http::server::Listening;
use crate::http::{app, server};
use crate::{say, wire};

/// Answers until a signal asks it to end, and returns when nothing is left half done.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn serve(service: &Arc<Service>, gate: Gate) -> anyhow::Result<()> {
    let timetable = Timetable::new(&service.config().service.schedule, host_zone())?;
    let signals = Signals::listen()?.codes();
    tokio::spawn(signals::obey(signals, service.shutdown.clone(), Instant::now, |code| std::process::exit(code)));
    // One time for everything that is not a run, from the moment it is asked to end.
    let shutdown = service.shutdown.clone();
    let grace = tokio::spawn(async move {
        shutdown.cancelled().await;
        tokio::time::sleep(server::GRACE).await;
    });
    let alive = tokio::spawn(systemd::keep_alive());
    let gate = Arc::new(gate);
    let (answers, metrics) = (app::router(service, &gate), app::metrics(service));
    let ready = |listening: &Listening| {
        announce(service, listening, &timetable);
        service.work_by_itself(timetable.clone());
    };
    let served = server::serve(answers, metrics, &service.config().service, ready, service.shutdown.clone()).await;
    systemd::stopping("finishing what is in hand");
    service.wind_up(async { drop(grace.await) }).await;
    alive.abort();
    served
}

fn announce(service: &Service, listening: &Listening, timetable: &Timetable) {
    let url = listening.url();
    systemd::ready(&format!("answers on {url}"));
    let by_itself = by_itself(service, timetable);
    let metrics = listening.metrics.map(|address| format!("metrics without a token: http://{address}/metrics"));
    if service.config().log_format == LogFormat::Json {
        tracing::info!(%url, metrics = metrics.as_deref(), "listening; {by_itself}");
        return;
    }
    say::complain!("listening on {url}");
    say::complain!("{by_itself}");
    metrics.iter().for_each(|metrics| say::complain!("{metrics}"));
}

/// When it cleans up, or how to have it do so.
fn by_itself(service: &Service, timetable: &Timetable) -> String {
    let schedule = &service.config().service.schedule;
    let first = if service.config().service.cleanup_on_startup { "once now, then " } else { "" };
    match (&schedule.cron, timetable.next_after(service.now())) {
        (Some(cron), Some(next)) => {
            let zone = timetable.zone_name();
            format!("cleans up: {first}by schedule ({cron}, {zone}), next on {}", timetable.spelled(next))
        }
        (Some(cron), None) => format!("cleans up: {first}by request only; the schedule {cron} never comes"),
        (None, _) => format!(
            "cleans up: {first}by request only; UPSWEEP_SCHEDULE_ENABLED=true switches on every day at {:02}:00 (CLEANUP_SCHEDULE_HOUR)",
            schedule.hour
        ),
    }
}

impl Service {
    /// Starts everything that nobody has to ask for; it ends with the service.
    pub(crate) fn work_by_itself(self: &Arc<Self>, timetable: Timetable) {
        if self.config().service.cleanup_on_startup {
            let service = Arc::clone(self);
            tokio::spawn(async move { service.clean_up("the start-up clean-up", &pace()).await });
        }
        // Without an expression there is nothing to wait for, and nothing to ask the ledger.
        if self.config().service.schedule.cron.is_some() {
            let service = Arc::clone(self);
            tokio::spawn(async move { service.keep_to(&timetable).await });
        }
        let service = Arc::clone(self);
        tokio::spawn(async move { service.look_after_hidden().await });
    }

    async fn keep_to(self: Arc<Self>, timetable: &Timetable) {
        let config = self.config().clone();
        let slots = LedgerSlots::new(move || wire::with_home(&config, |store, home| wire::ledger_of(store, home)));
        let fire = |_: Timestamp| {
            let service = Arc::clone(&self);
            async move {
                service.clean_up("the schedule", &pace()).await;
                Ok(())
            }
        };
        timer::run(timetable, &pace(), &slots, fire, self.shutdown.clone()).await;
    }

    async fn look_after_hidden(self: Arc<Self>) {
        let is_away = Arc::new(AtomicBool::new(false));
        let look = || {
            let (service, is_away) = (Arc::clone(&self), Arc::clone(&is_away));
            async move {
                service.watch(&is_away).await;
                Ok(())
            }
        };
        timer::watch(self.config().service.watch_every, &pace(), look, self.shutdown.clone()).await;
    }

    /// A whole clean-up in nobody's name. What came of it is told to the log.
    pub(crate) async fn clean_up<P: Pace>(self: &Arc<Self>, by: &str, pace: &P) {
        let order = || Order { task: Task::Run(Selection::default()), by: by.to_owned(), approval: None, run: None };
        let brought = self.patiently(pace, || async {
            let brought = self.start(order()).await?.brought().await;
            brought.map_err(|error| Problem::of_error(&error))
        });
        match brought.await {
            Ok(Some((report, unknown))) => {
                let run = report.run.as_deref();
                let number = run.unwrap_or("without a number");
                match judge(&report, &unknown) {
                    (Outcome::Stopped, _) => tracing::info!(run = number, "clean-up stopped"),
                    (_, Some(problem)) => {
                        telling::problem(&problem, (run, by), "the clean-up did not do what it should");
                    }
                    (Outcome::Partial, None) => {
                        tracing::warn!(run = number, errors = report.errors(), "clean-up done, but for some files");
                    }
                    (_, None) => tracing::info!(run = number, "clean-up done"),
                }
            }
            Ok(None) => {}
            Err(_) if self.shutdown.is_cancelled() => {
                tracing::info!("the service ends before the clean-up could begin")
            }
            Err(problem) => telling::problem(&problem, (None, by), "the clean-up could not be done"),
        }
    }

    /// Brings back what is claimed again. Who finds another at work leaves it to that one. `is_away`: the store was not
    /// there the last time, which is told once.
    async fn watch(self: &Arc<Self>, is_away: &AtomicBool) {
        let order =
            Order { task: Task::Watch, by: "the watch over hidden files".to_owned(), approval: None, run: None };
        let brought = match self.start(order).await {
            Ok(started) => started.brought().await.map_err(|error| Problem::of_error(&error)),
            Err(problem) => Err(problem),
        };
        let was_away = is_away.swap(
            matches!(&brought, Err(problem) if problem.code() == Code::StoreUnavailable),
            std::sync::atomic::Ordering::Relaxed,
        );
        match brought {
            Ok(Some((report, _))) => {
                tracing::info!(restored = report.back().files, "hidden files were claimed again, and are back");
            }
            Ok(None) => {}
            Err(problem) => match problem.code() {
                Code::Busy | Code::ShuttingDown => {}
                Code::StoreUnavailable if was_away => {}
                _ => telling::warning(
                    &problem,
                    (None, "the watch"),
                    "cannot look whether hidden files are claimed again",
                ),
            },
        }
    }

    /// Tries again for some minutes while another works, here or elsewhere: a look at hidden files takes a moment, and
    /// must not cost a night's clean-up.
    async fn patiently<R, F, P: Pace>(&self, pace: &P, work: impl Fn() -> F) -> Result<R, Problem>
    where
        F: Future<Output = Result<R, Problem>>,
    {
        for _ in 0..PATIENCE {
            match work().await {
                Err(problem) if problem.code() == Code::Busy => {}
                done => return done,
            }
            tokio::select! {
                () = pace.pause(PAUSE) => {}
                () = self.shutdown.cancelled() => break,
            }
        }
        work().await
    }
}

const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_secs(15);

fn pace() -> RealPace {
    RealPace(Arc::new(SystemClock::new()))
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
