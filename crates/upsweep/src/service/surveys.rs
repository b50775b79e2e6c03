//! One survey for many: whoever asks while one is made, or soon after, shares it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use upsweep_engine::ports::Silent;
use upsweep_plan::plan::Plan;

use super::Service;
use crate::http::problem::Problem;
use crate::preview;
use crate::wire::{self, Need};

/// The newest survey.
#[derive(Default)]
pub(crate) struct Surveys {
    /// Held by who makes one.
    turn: tokio::sync::Mutex<()>,
    newest: Mutex<Option<Made>>,
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

    /// The newest survey that succeeded, however old it is.
    pub(crate) fn newest(&self) -> Option<Arc<Plan>> {
        self.kept().and_then(|made| made.outcome.ok())
    }

    fn kept(&self) -> Option<Made> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One that is good enough for who asked at `asked`: made since then, or young and a success.
    fn shared(&self, asked: Instant, max_age: Duration) -> Option<Result<Arc<Plan>, Problem>> {
        let made = self.kept().filter(|made| made.changes == self.changes.load(Ordering::Relaxed))?;
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
        let (asked, max_age) = (Instant::now(), self.config.service.status_max_age);
        if let Some(shared) = self.surveys.shared(asked, max_age) {
            return shared;
        }
        let _turn = self.surveys.turn.lock().await;
        if let Some(shared) = self.surveys.shared(asked, max_age) {
            return shared;
        }
        // Read before the survey: what changes meanwhile makes it old.
        let changes = self.surveys.changes.load(Ordering::Relaxed);
        let outcome = self.blocking(|service| {
            let made = wire::with_world(&service.config, Need::Claims, &Silent, |world| preview::make(world, false));
            made.map(|(plan, _)| Arc::new(plan)).map_err(|error| Problem::of_error(&error))
        });
        let outcome = outcome.await;
        let made = Made { outcome: outcome.clone(), done: Instant::now(), changes };
        *self.surveys.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        outcome
    }
}
