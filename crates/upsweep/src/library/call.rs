//! One call of the classic contract: what is asked, and the way from there to its answer.

use std::sync::Arc;

use jiff::Timestamp;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Approval, KeptPlan, Op};
use upsweep_engine::runs::Report;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;
use upsweep_plan::selection::Selection;

use super::result::{CleanupResult, Hidden, Objection, megabytes};
use super::tally;
use crate::http::problem::{Code, Problem};
use crate::service::job::{Order, Task};
use crate::service::{Service, State as Opened};

/// Which files a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Orphans,
    FailedSessions,
    Everything,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) dry_run: bool,
    /// Orphans by their last modification, what a session claims by when the session counts from.
    pub(crate) after: Option<Timestamp>,
    pub(crate) before: Option<Timestamp>,
    /// The guards that are overruled.
    pub(crate) approval: Option<Approval>,
    /// In whose name.
    pub(crate) by: String,
}

impl Call {
    fn selection(&self) -> Selection {
        let only = match self.kind {
            Kind::Orphans => vec!["orphan".to_owned()],
            Kind::FailedSessions => vec!["failed_session".to_owned()],
            Kind::Everything => vec![],
        };
        Selection { only, dated_after: self.after, dated_before: self.before, ..Selection::default() }
    }

    /// Does what is asked, and goes on to the end even when nobody waits for the answer any more.
    ///
    /// # Errors
    /// A problem when a guard refuses, when another run works, or when it could not be done.
    pub(crate) async fn carry_out(self, service: &Arc<Service>) -> Result<CleanupResult, Problem> {
        let working = Arc::clone(service);
        service
            .to_the_end(async move { if self.dry_run { self.look(&working).await } else { self.run(&working).await } })
            .await
    }

    async fn look(&self, service: &Arc<Service>) -> Result<CleanupResult, Problem> {
        match service.plan_for(self.selection()).await {
            Ok(plan) => Ok(tally::of_plan(&plan, self.approval.as_ref())),
            Err(problem) => without_store(service, problem, true),
        }
    }

    async fn run(self, service: &Arc<Service>) -> Result<CleanupResult, Problem> {
        let task = Task::Run(self.selection());
        let order = Order { task, by: self.by.clone(), approval: self.approval, run: None };
        match service.start(order).await?.brought().await {
            Ok(Some((report, _))) => tell(service, self.by, report).await,
            Ok(None) => Err(Problem::new(Code::Internal, "the run ended without a report; the log says more")),
            Err(error) => without_store(service, Problem::of_error(&error), false),
        }
    }
}

/// What the status says: what a run would do now, of the newest survey.
///
/// # Errors
/// A problem when no survey could be made.
pub(crate) async fn status(service: &Arc<Service>) -> Result<CleanupResult, Problem> {
    match service.survey().await {
        Ok(plan) => Ok(status_of(service, &plan).await),
        Err(problem) => without_store(service, problem, true),
    }
}

/// The status of a survey that was made.
pub(crate) async fn status_of(service: &Arc<Service>, plan: &Arc<Plan>) -> CleanupResult {
    let asked = service.with_state(|Opened { ledger, .. }| {
        let Some(ledger) = ledger else { return Ok(None) };
        Ok(Some(ledger.ops_in(&[State::Quarantined, State::Archiving])?))
    });
    // The survey is worth telling even where what is hidden cannot be told.
    let hidden: Option<Vec<Op>> = asked.await.unwrap_or_default();
    let bytes = |ops: &Vec<Op>| ops.iter().map(|op| op.facts.size_bytes).sum();
    CleanupResult {
        next_purge_at: hidden.iter().flatten().filter_map(Op::quarantined_until).min(),
        hidden: hidden.map(|ops| Hidden { files: ops.len() as u64, mb: megabytes(bytes(&ops)) }),
        ..tally::of_plan(plan, None)
    }
}

/// What is said where there is no upload directory: the classic service saw no files there, and that is no error
/// before the first upload. Where there once was one, a guard objects, which ends a real run and is told by others.
pub(crate) fn without_store(service: &Service, problem: Problem, dry_run: bool) -> Result<CleanupResult, Problem> {
    let config = service.config();
    let empty = tally::empty(config.policy.action, dry_run);
    let is_missing = matches!(config.upload_dir.try_exists(), Ok(false));
    match problem.code() {
        Code::StoreUnavailable if is_missing => {
            Ok(CleanupResult { warnings: vec![problem.detail().to_owned()], ..empty })
        }
        Code::Refused if dry_run => {
            let would_refuse = problem.refusals().iter().map(Objection::from).collect();
            Ok(CleanupResult { would_refuse, ..empty })
        }
        _ => Err(problem),
    }
}

/// What a run did, as its ledger has it, or why it did not do what it was asked.
async fn tell(service: &Arc<Service>, by: String, mut report: Report) -> Result<CleanupResult, Problem> {
    let ops = operations(service, report.run.clone()).await?;
    let result = tally::of_run(&report, service.config().policy.action, &ops);
    let problem = match &report.failure {
        Some(EngineError::Stopped) if service.shutdown.is_cancelled() => {
            let detail = "the service is shutting down, and the run stopped where nothing was half done; ask again";
            Problem::new(Code::ShuttingDown, detail)
        }
        Some(error) => Problem::of_engine(error),
        None if !report.refusals.is_empty() => {
            let refused = Problem::refused(&report.refusals);
            match report.plan.take() {
                Some(plan) => kept(service, refused, KeptPlan { plan, by, approval: None }).await,
                None => refused,
            }
        }
        None => return Ok(result),
    };
    // Bringing back and freeing go on where hiding is refused, and come before what fails later.
    Err(problem.with("run_id", &report.run).with("result", result))
}

async fn operations(service: &Arc<Service>, run: Option<String>) -> Result<Vec<Op>, Problem> {
    let Some(run) = run else { return Ok(vec![]) };
    let asked = run.clone();
    let read = service.with_state(move |Opened { ledger, .. }| match ledger {
        Some(ledger) => Ok(ledger.ops_of(&asked)?),
        None => Ok(vec![]),
    });
    read.await.map_err(|problem| {
        let cause = problem.detail();
        let detail = format!("run {run} has ended, but what it did could not be read ({cause}); see: upsweep history");
        Problem::new(Code::Internal, detail).with("run_id", run)
    })
}

/// Keeps a refused plan, so that somebody can look at it and approve it.
async fn kept(service: &Arc<Service>, refused: Problem, plan: KeptPlan) -> Problem {
    let id = plan.plan.id.clone();
    match service.keep_plan(plan).await {
        Ok(()) => refused.with("plan_id", id),
        Err(problem) => {
            tracing::warn!(cause = problem.detail(), "a refused plan could not be kept");
            refused
        }
    }
}
