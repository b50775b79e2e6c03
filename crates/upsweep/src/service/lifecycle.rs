//! A service's life: it answers, cleans up by itself, looks after what is hidden, and ends when it is asked to.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use upsweep_engine::logs;
use upsweep_plan::selection::Selection;

use super::Service;
use super::job::{Order, Outcome, Task};
use super::jobs::judge;
use super::schedule::{Timetable, host_zone};
use super::signals::Signals;
use super::slots::LedgerSlots;
use super::systemd;
use super::timer::{self, RealPace};
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
    tokio::spawn(Signals::listen()?.obey(service.shutdown.clone()));
    let alive = tokio::spawn(systemd::keep_alive());
    let gate = Arc::new(gate);
    let (answers, metrics) = (app::router(service, &gate), app::metrics(service));
    let ready = |listening: &Listening| {
        announce(service, listening, &timetable);
        service.work_by_itself(timetable.clone());
    };
    let served = server::serve(answers, metrics, &service.config().service, ready, service.shutdown.clone()).await;
    systemd::stopping("finishing what is in hand");
    service.wind_up().await;
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
    match (&schedule.cron, timetable.next_after(service.now())) {
        (Some(cron), Some(next)) => {
            let zone = timetable.zone_name();
            format!("cleans up: by schedule ({cron}, {zone}), next on {}", timetable.spelled(next))
        }
        (Some(cron), None) => format!("cleans up: by request only; the schedule {cron} never comes"),
        (None, _) => format!(
            "cleans up: by request only; UPSWEEP_SCHEDULE_ENABLED=true switches on every day at {:02}:00 (CLEANUP_SCHEDULE_HOUR)",
            schedule.hour
        ),
    }
}

impl Service {
    /// Starts everything that nobody has to ask for; it ends with the service.
    pub(crate) fn work_by_itself(self: &Arc<Self>, timetable: Timetable) {
        if self.config().service.cleanup_on_startup {
            let service = Arc::clone(self);
            tokio::spawn(async move {
                tell(&service.clean_up("the start-up clean-up").await, "the start-up clean-up failed");
            });
        }
        let service = Arc::clone(self);
        tokio::spawn(async move { service.keep_to(&timetable).await });
        let service = Arc::clone(self);
        tokio::spawn(async move { service.look_after_hidden().await });
    }

    async fn keep_to(self: Arc<Self>, timetable: &Timetable) {
        let config = self.config().clone();
        let slots = LedgerSlots::new(move || wire::with_home(&config, |store, home| wire::ledger_of(store, home)));
        let fire = |_: Timestamp| {
            let service = Arc::clone(&self);
            async move { service.clean_up("the schedule").await }
        };
        timer::run(timetable, &pace(), &slots, fire, self.shutdown.clone()).await;
    }

    async fn look_after_hidden(self: Arc<Self>) {
        let look = || {
            let service = Arc::clone(&self);
            async move { service.watch().await }
        };
        timer::watch(self.config().service.watch_every, &pace(), look, self.shutdown.clone()).await;
    }

    /// A whole clean-up in nobody's name. A refusal is told, and is no failure.
    pub(crate) async fn clean_up(self: &Arc<Self>, by: &str) -> anyhow::Result<()> {
        let order = || Order { task: Task::Run(Selection::default()), by: by.to_owned(), approval: None, run: None };
        let started = self.patiently(|| self.start(order())).await.map_err(|problem| words(&problem))?;
        let Some((report, _)) = started.brought().await? else { return Ok(()) };
        let run = report.run.as_deref().unwrap_or("without a number");
        match judge(&report) {
            (Outcome::Done, _) => tracing::info!(run, "clean-up done"),
            (Outcome::Partial, _) => tracing::warn!(run, errors = report.errors(), "clean-up done, but for some files"),
            (Outcome::Stopped, _) => tracing::info!(run, "clean-up stopped"),
            (Outcome::Refused | Outcome::Failed, problem) => {
                let problem = problem.map_or_else(String::new, |problem| problem.detail().to_owned());
                logs::failed(&problem, "the clean-up did not do what it should");
            }
        }
        Ok(())
    }

    /// Brings back what is claimed again. Who finds another at work leaves it to that one.
    async fn watch(self: &Arc<Self>) -> anyhow::Result<()> {
        let order =
            Order { task: Task::Watch, by: "the watch over hidden files".to_owned(), approval: None, run: None };
        let brought = match self.start(order).await {
            Ok(started) => started.brought().await,
            Err(problem) if problem.code() == Code::Busy => return Ok(()),
            Err(problem) => return Err(words(&problem)),
        };
        match brought {
            Err(error) if Problem::of_error(&error).code() == Code::Busy => Ok(()),
            Err(error) => Err(error),
            Ok(Some((report, _))) => {
                tracing::info!(restored = report.back().files, "hidden files were claimed again, and are back");
                Ok(())
            }
            Ok(None) => Ok(()),
        }
    }

    /// Tries again for some minutes while another works: a look at hidden files takes a moment, and must not cost a
    /// night's clean-up.
    async fn patiently<R, F>(&self, work: impl Fn() -> F) -> Result<R, Problem>
    where
        F: Future<Output = Result<R, Problem>>,
    {
        for _ in 0..PATIENCE {
            match work().await {
                Err(problem) if problem.code() == Code::Busy => {}
                done => return done,
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
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

fn words(problem: &Problem) -> anyhow::Error {
    anyhow::anyhow!("{}", problem.detail())
}

fn tell(outcome: &anyhow::Result<()>, what: &'static str) {
    if let Err(error) = outcome {
        logs::failed(&format_args!("{error:#}"), what);
    }
}
