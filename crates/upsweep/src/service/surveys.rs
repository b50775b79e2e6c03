//! One survey for many: whoever asks while one is made, or soon after, shares it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use upsweep_engine::ports::Silent;
use upsweep_plan::plan::Plan;
use upsweep_plan::selection::Selection;

use super::Service;
use crate::config::Config;
use crate::http::problem::Problem;
use crate::preview;
use crate::wire::{self, Need};

/// The newest survey.
#[derive(Default)]
pub(crate) struct Surveys {
    /// Held by who makes one, to its end, even when nobody waits for it any more.
    turn: Arc<tokio::sync::Mutex<()>>,
    newest: Mutex<Option<Made>>,
    /// Held by who does something as large that is shared with nobody: one after the other, and without delay to surveys.
    apart: Arc<tokio::sync::Mutex<()>>,
    /// Counts what may have changed the store since.
    changes: AtomicU64,
}

#[derive(Clone)]
struct Made {
    outcome: Result<Arc<Plan>, Problem>,
    done: Instant,
    changes: u64,
}

impl Surveys {
    /// Something changed the store: the newest survey answers for nobody any more.
    pub(crate) fn invalidate(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Another number than before: something may have changed the store.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The newest survey that succeeded, however old it is.
    pub(crate) fn newest(&self) -> Option<Arc<Plan>> {
        self.kept().and_then(|made| made.outcome.ok())
    }

    fn kept(&self) -> Option<Made> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One that is good enough for who asked at `asked`: made since then, or young and a success.
    fn shared(&self, asked: Instant, max_age: Duration) -> Option<Result<Arc<Plan>, Problem>> {
        let made = self.kept().filter(|made| made.changes == self.changes())?;
        let is_young = made.outcome.is_ok() && made.done.elapsed() < max_age;
        (is_young || made.done >= asked).then_some(made.outcome)
    }
}

impl Service {
    /// What a run would do now, as a plan that nobody may apply without asking again; at most `status_max_age_secs`
    /// old.
    ///
    /// # Errors
    /// A problem when no survey could be made.
    pub(crate) async fn survey(self: &Arc<Self>) -> Result<Arc<Plan>, Problem> {
        self.survey_within(self.config.service.status_max_age).await
    }

    /// What a run limited to `selection` would do now, as of no earlier than somebody asked.
    ///
    /// # Errors
    /// A problem when no survey could be made.
    pub(crate) async fn plan_for(self: &Arc<Self>, selection: Selection) -> Result<Arc<Plan>, Problem> {
        if selection.is_everything() {
            return self.survey_within(Duration::ZERO).await;
        }
        self.apart(|service| plan(&Config { selection, ..service.config.clone() })).await
    }

    /// Does what takes as much as a survey and is shared with nobody, one at a time. Once it has begun it goes on to its
    /// end, and so long the next one waits, even when its caller does not.
    ///
    /// # Errors
    /// What `work` says; [`Code::Internal`](crate::http::problem::Code::Internal) when it panicked.
    pub(crate) async fn apart<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<R, Problem> + Send + 'static,
    ) -> Result<R, Problem> {
        let turn = Arc::clone(&self.surveys.apart).lock_owned().await;
        self.blocking(move |service| {
            let _turn = turn;
            work(service)
        })
        .await
    }

    async fn survey_within(self: &Arc<Self>, max_age: Duration) -> Result<Arc<Plan>, Problem> {
        self.shared(max_age, plan).await
    }

    async fn shared(
        self: &Arc<Self>,
        max_age: Duration,
        make: impl FnOnce(&Config) -> Result<Arc<Plan>, Problem> + Send + 'static,
    ) -> Result<Arc<Plan>, Problem> {
        let asked = Instant::now();
        if let Some(shared) = self.surveys.shared(asked, max_age) {
            return shared;
        }
        let turn = Arc::clone(&self.surveys.turn).lock_owned().await;
        if let Some(shared) = self.surveys.shared(asked, max_age) {
            return shared;
        }
        self.blocking(move |service| {
            // Who asked may be gone by the end; whoever comes next shares what was made.
            let _turn = turn;
            // Read before the survey: what changes meanwhile makes it old.
            let changes = service.surveys.changes();
            let outcome = make(&service.config);
            let made = Made { outcome: outcome.clone(), done: Instant::now(), changes };
            *service.surveys.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
            outcome
        })
        .await
    }
}

fn plan(config: &Config) -> Result<Arc<Plan>, Problem> {
    let made = wire::with_world(config, Need::Claims, &Silent, |world| preview::make(world, false));
    made.map(|(plan, _)| Arc::new(plan)).map_err(|error| Problem::of_error(&error))
}

#[cfg(test)]
#[path = "surveys_tests.rs"]
mod tests;
