//! One run of the engine on behalf of somebody, from its order to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use upsweep_engine::ports::{Approval, Clock as _, Progress, RunKind, Stage, Stop};
use upsweep_engine::runs;
use upsweep_plan::plan::Plan;
use upsweep_plan::selection::Selection;

use super::events::{Events, What};
use crate::clock::SystemClock;
use crate::http::problem::Problem;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Task {
    /// Plan, guards, hide, purge what is due.
    Run(Selection),
    /// Carry out a plan.
    Apply(Box<Plan>),
    Purge,
    /// Bring these back, and hold them.
    Restore(runs::Selection),
    /// Bring back what is claimed again.
    RestoreClaimed,
    Recover,
    /// The same as [`Task::RestoreClaimed`], leaving no trace where there is nothing to do.
    Watch,
}

impl Task {
    pub(crate) fn kind(&self) -> RunKind {
        match self {
            Self::Run(_) => RunKind::Run,
            Self::Apply(_) => RunKind::Apply,
            Self::Purge => RunKind::Purge,
            Self::Restore(_) | Self::RestoreClaimed | Self::Watch => RunKind::Restore,
            Self::Recover => RunKind::Recover,
        }
    }
}

/// A task, and in whose name.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) task: Task,
    /// For the history and the audit trail.
    pub(crate) by: String,
    pub(crate) approval: Option<Approval>,
    /// The run's id, where it was told to somebody beforehand.
    pub(crate) run: Option<String>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Done, but for single files.
    Partial,
    Refused,
    Failed,
    Stopped,
}

impl Outcome {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Where a job stands.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// It does not hold the store yet.
    Beginning,
    Working,
    Ended(Ended),
}

/// The end of a job.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
    /// What it did, as the program's JSON report says; `Null` when it never began.
    pub(crate) summary: serde_json::Value,
    /// Why it did not do what it was asked, if so.
    pub(crate) problem: Option<Problem>,
}

/// A run in this process.
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: RunKind,
    pub(crate) is_watch: bool,
    /// As its record says it.
    pub(crate) by: String,
    pub(crate) started_at: Timestamp,
    pub(super) began: Instant,
    pub(crate) events: Events,
    phase: watch::Sender<Phase>,
    stop: CancellationToken,
    counter: Counter,
}

impl Job {
    pub(super) fn new(id: String, order: &Order, by: String, started_at: Timestamp, stop: CancellationToken) -> Self {
        Self {
            id,
            kind: order.task.kind(),
            is_watch: matches!(order.task, Task::Watch),
            by,
            started_at,
            began: Instant::now(),
            events: Events::default(),
            phase: watch::Sender::new(Phase::Beginning),
            stop,
            counter: Counter::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Asks it to stop where nothing is half done.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Returns when it holds the store, or has ended without.
    pub(crate) async fn settled(&self) -> Phase {
        self.wait_for(|phase| !matches!(phase, Phase::Beginning)).await
    }

    /// Returns when it has ended.
    pub(crate) async fn ended(&self) -> Phase {
        self.wait_for(|phase| matches!(phase, Phase::Ended(_))).await
    }

    async fn wait_for(&self, is_there: impl FnMut(&Phase) -> bool) -> Phase {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as the job, so waiting cannot fail.
        match phase.wait_for(is_there).await {
            Ok(phase) => phase.clone(),
            Err(_) => self.phase(),
        }
    }

    pub(super) fn end(&self, ended: Ended) {
        self.events.tell(ended.at, What::Ended { outcome: ended.outcome.word() });
        self.phase.send_replace(Phase::Ended(ended));
    }
}

impl Stop for Job {
    fn is_asked(&self) -> bool {
        self.stop.is_cancelled()
    }
}

/// How far the present stage has come.
#[derive(Default)]
struct Counter {
    done: AtomicU64,
    stage: Mutex<Option<(Stage, Option<u64>, Instant)>>,
}

/// Listeners hear of progress at most this often.
const TELL_EVERY: Duration = Duration::from_millis(250);

impl Progress for Job {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        self.phase.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Beginning);
            if begins {
                *phase = Phase::Working;
            }
            begins
        });
        self.counter.done.store(0, Ordering::Relaxed);
        *self.counter.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some((stage, total, Instant::now()));
        self.events.tell(SystemClock::new().now(), What::Stage { stage: word(stage), total });
    }

    fn advance(&self, steps: u64) {
        let done = self.counter.done.fetch_add(steps, Ordering::Relaxed) + steps;
        // Who does not get the lock is not needed: somebody tells just now.
        let Ok(mut stage) = self.counter.stage.try_lock() else { return };
        if let Some((stage, total, told)) = &mut *stage
            && told.elapsed() >= TELL_EVERY
        {
            *told = Instant::now();
            self.events.tell(SystemClock::new().now(), What::Progress { stage: word(*stage), done, total: *total });
        }
    }

    fn end(&self) {
        *self.counter.stage.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A stage's word in events.
fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Listing => "listing",
        Stage::Claims => "claims",
        Stage::Looking => "looking",
        Stage::Headers => "headers",
        Stage::Rechecking => "rechecking",
        Stage::Hiding => "hiding",
        Stage::Archiving => "archiving",
        Stage::Draining => "draining",
        Stage::Restoring => "restoring",
        Stage::Retrieving => "retrieving",
        Stage::Purging => "purging",
    }
}
