//! One job at a time in this process; the lease sees to it that it is one at a time on the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::Holder;
use upsweep_engine::runs::{self, Report, Request};
use upsweep_engine::world::World;
use upsweep_plan::key::Key;

use super::Service;
use super::job::{Ended, Job, Order, Outcome, Phase, Task};
use crate::config::Config;
use crate::http::problem::{Code, Problem};
use crate::render::summary;
use crate::wire::{self, Need};

/// So many jobs are remembered after they ended; the history knows all of them.
const REMEMBERED_MAX: usize = 50;

/// The job that works, and those that have.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    current: Option<Arc<Job>>,
    ended: VecDeque<Arc<Job>>,
}

/// What a job brought: the report, and the names that nobody knows where files were asked back. `None`: nothing to do.
pub(crate) type Brought = Result<Option<(Report, Vec<Key>)>, anyhow::Error>;

/// A job that was started.
pub(crate) struct Started {
    pub(crate) job: Arc<Job>,
    brought: oneshot::Receiver<Brought>,
}

impl Started {
    /// Waits for the end, and gives everything it brought.
    ///
    /// # Errors
    /// Why it could not even begin.
    pub(crate) async fn brought(self) -> Brought {
        match self.brought.await {
            Ok(brought) => brought,
            Err(_) => Err(anyhow::anyhow!("the run ended without an answer; the log says more")),
        }
    }
}

impl Jobs {
    /// The job with this id, if this process knows it.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Job>> {
        let entries = self.entries();
        entries.current.iter().chain(&entries.ended).find(|job| job.id == id).cloned()
    }

    /// The job that works now.
    pub(crate) fn current(&self) -> Option<Arc<Job>> {
        self.entries().current.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `job` the one that works, unless there is one.
    fn enter(&self, job: &Arc<Job>) -> Result<(), Arc<Job>> {
        let mut entries = self.entries();
        match &entries.current {
            Some(current) => Err(Arc::clone(current)),
            None => {
                entries.current = Some(Arc::clone(job));
                Ok(())
            }
        }
    }

    fn leave(&self, job: &Arc<Job>) {
        let mut entries = self.entries();
        entries.current = None;
        if !job.is_watch {
            entries.ended.push_front(Arc::clone(job));
            entries.ended.truncate(REMEMBERED_MAX);
        }
    }
}

impl Service {
    /// Starts a job, and returns at once. It goes on to its end, whether or not anybody waits for it.
    ///
    /// # Errors
    /// [`Code::Busy`] while another one works here; [`Code::ShuttingDown`].
    pub(crate) async fn start(self: &Arc<Self>, order: Order) -> Result<Started, Problem> {
        // Held until the work itself is tracked: who winds up sees the one or the other.
        let _begun = self.running.token();
        let now = self.now();
        let id = order.run.clone().unwrap_or_else(|| wire::fresh_id(now));
        let holder = holder(&order, &id);
        let job = Arc::new(Job::new(id, &order, holder.by(), now, self.shutdown.child_token()));
        loop {
            if self.shutdown.is_cancelled() {
                return Err(Problem::new(Code::ShuttingDown, "the service is shutting down; ask again in a moment"));
            }
            match self.jobs.enter(&job) {
                Ok(()) => break,
                // Looking after hidden files takes a moment and is nobody's wish: who wants something may wait for it.
                Err(current) if current.is_watch && !job.is_watch => drop(current.ended().await),
                // Another process may hold the store: then this one is no run, and nobody should wait for it.
                Err(current) => match current.settled().await {
                    Phase::Beginning | Phase::Working => return Err(Problem::busy(Some(&current.id))),
                    Phase::Ended(_) => {}
                },
            }
        }
        let (sender, brought) = oneshot::channel();
        let (service, working) = (Arc::clone(self), Arc::clone(&job));
        // Blocking work is never aborted; the tracker lets the process wait for it.
        drop(self.running.spawn_blocking(move || {
            let _leaving = Leaving { service: &service, job: &working };
            let brought = carry_out(&service.config, &working, order, holder);
            let ended = ended(&service, &brought);
            service.surveys.invalidate();
            // What did not get the store was no run.
            if !working.is_watch && matches!(working.phase(), Phase::Working) {
                service.metrics.run_took(working.kind, working.began.elapsed());
            }
            service.jobs.leave(&working);
            working.end(ended);
            // Nobody may be waiting any more.
            let _ = sender.send(brought);
        }));
        Ok(Started { job, brought })
    }
}

/// Clears the place of a job that panicked, so that the next one can begin.
struct Leaving<'a> {
    service: &'a Service,
    job: &'a Arc<Job>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !matches!(self.job.phase(), Phase::Ended(_)) {
            let problem = Problem::new(Code::Internal, "the run ended without an answer; the log says more");
            self.service.jobs.leave(self.job);
            let (at, summary) = (self.service.now(), serde_json::Value::Null);
            self.job.end(Ended { at, outcome: Outcome::Failed, summary, problem: Some(problem) });
        }
    }
}

/// Who holds the store for a run, as its lease and its record name them.
fn holder(order: &Order, run: &str) -> Holder {
    let holder = wire::holder("serve");
    Holder { user: format!("{}, served by {}", order.by, holder.user), run: Some(run.to_owned()), ..holder }
}

fn carry_out(config: &Config, job: &Job, order: Order, holder: Holder) -> Brought {
    let Order { task, by: _, approval, run: _ } = order;
    let request = Request { holder, approval, run: Some(job.id.clone()) };
    let selected;
    let (config, need) = match &task {
        Task::Run(selection) => {
            selected = Config { selection: selection.clone(), ..config.clone() };
            (&selected, Need::Claims)
        }
        Task::Restore(_) | Task::Recover => (config, Need::NoClaims),
        Task::Apply(_) | Task::Purge | Task::RestoreClaimed | Task::Watch => (config, Need::Claims),
    };
    wire::with_stoppable_world(config, need, (job, job), |world| Ok(work(world, task, &request)?))
}

fn work(world: &mut World<'_>, task: Task, request: &Request) -> Result<Option<(Report, Vec<Key>)>, EngineError> {
    let report = match task {
        Task::Run(_) => runs::run(world, request)?,
        Task::Apply(plan) => runs::apply_saved(world, *plan, request)?,
        Task::Purge => runs::purge_due(world, request)?,
        Task::Restore(selection) => return runs::restore_by_hand(world, &selection, request).map(Some),
        Task::RestoreClaimed => runs::restore_claimed(world, request)?,
        Task::Recover => runs::recover_now(world, request)?,
        Task::Watch => return Ok(runs::watch(world, request)?.map(|report| (report, vec![]))),
    };
    Ok(Some((report, vec![])))
}

fn ended(service: &Service, brought: &Brought) -> Ended {
    let at = service.now();
    match brought {
        Ok(None) => Ended { at, outcome: Outcome::Done, summary: serde_json::Value::Null, problem: None },
        Ok(Some((report, unknown))) => {
            let (outcome, problem) = judge(report, unknown);
            let summary = serde_json::to_value(summary::by_hand(report, unknown)).unwrap_or_default();
            Ended { at, outcome, summary, problem }
        }
        Err(error) => {
            let problem = Problem::of_error(error);
            let outcome = match problem.code() {
                Code::Refused => Outcome::Refused,
                _ if matches!(error.downcast_ref(), Some(EngineError::Stopped)) => Outcome::Stopped,
                _ => Outcome::Failed,
            };
            Ended { at, outcome, summary: serde_json::Value::Null, problem: Some(problem) }
        }
    }
}

/// What a report means: whether it did what it was asked, and why not. `unknown`: what was asked back and nobody knows.
pub(crate) fn judge(report: &Report, unknown: &[Key]) -> (Outcome, Option<Problem>) {
    match &report.failure {
        Some(error @ EngineError::Stopped) => (Outcome::Stopped, Some(Problem::of_engine(error))),
        Some(error) => (Outcome::Failed, Some(Problem::of_engine(error))),
        None if report.is_refused() => {
            let refusals: Vec<_> = report.refusals.iter().chain(&report.purged.refusals).cloned().collect();
            (Outcome::Refused, Some(Problem::refused(&refusals)))
        }
        None if report.errors() > 0 || !unknown.is_empty() => (Outcome::Partial, None),
        None => (Outcome::Done, None),
    }
}
