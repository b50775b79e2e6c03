//! A run: the ledger's record of it, and, while this process carries it out, how far it has come.

use serde::{Deserialize, Serialize};
use upsweep_engine::ports::{self, RunOutcome, RunRecord};
use utoipa::ToSchema;

use super::super::text::Time;
use super::{Amount, Approval, words};
use crate::http::problem::Problem;
use crate::service::events::What;
use crate::service::job::{Job, Phase};

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunKind {
    Run,
    Apply,
    Purge,
    Restore,
    Recover,
    Rebind,
    Adopt,
}

impl From<ports::RunKind> for RunKind {
    fn from(kind: ports::RunKind) -> Self {
        match kind {
            ports::RunKind::Run => Self::Run,
            ports::RunKind::Apply => Self::Apply,
            ports::RunKind::Purge => Self::Purge,
            ports::RunKind::Restore => Self::Restore,
            ports::RunKind::Recover => Self::Recover,
            ports::RunKind::Rebind => Self::Rebind,
            ports::RunKind::Adopt => Self::Adopt,
        }
    }
}

impl From<RunKind> for ports::RunKind {
    fn from(kind: RunKind) -> Self {
        match kind {
            RunKind::Run => Self::Run,
            RunKind::Apply => Self::Apply,
            RunKind::Purge => Self::Purge,
            RunKind::Restore => Self::Restore,
            RunKind::Recover => Self::Recover,
            RunKind::Rebind => Self::Rebind,
            RunKind::Adopt => Self::Adopt,
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunState {
    Running,
    Ended,
    /// Its process ended before it did; the next run finishes what it left.
    Interrupted,
}

/// A run.
#[derive(Serialize, ToSchema)]
pub(crate) struct Run {
    id: String,
    kind: RunKind,
    pub(crate) state: RunState,
    started_at: Time,
    ended_at: Option<Time>,
    /// Who asked for it, by which request.
    by: String,
    /// What they overruled.
    approval: Option<Approval>,
    /// How it ended.
    outcome: Option<RunEnd>,
    /// Whether this process carries it out, or did so not long ago.
    is_here: bool,
    /// How far it has come.
    stage: Option<RunStage>,
    /// What it did.
    result: Option<RunResult>,
    /// Why it did not do what it was asked.
    problem: Option<RunProblem>,
    /// Everything it reported, as `upsweep run --json` prints it; as long as this process remembers it, and not in
    /// lists.
    #[schema(value_type = Option<Object>)]
    report: Option<serde_json::Value>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunEnd {
    Done,
    /// Done, but for single files.
    Partial,
    /// A guard refused.
    Refused,
    Failed,
    /// Somebody asked it to stop.
    Stopped,
}

/// How far a run has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunStage {
    stage: String,
    done: u64,
    total: Option<u64>,
}

/// What a run did.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunResult {
    /// The hash of the plan it carried out.
    plan: Option<String>,
    /// Guards that refused.
    refused: Vec<String>,
    /// Guards that were overruled.
    overruled: Vec<String>,
    hidden: Amount,
    copied: Amount,
    restored: Amount,
    purged: Amount,
    /// Files that were planned and not touched, because something had changed.
    skipped: u64,
    /// Single files that failed.
    errors: u64,
    /// Why it stopped early.
    failure: Option<String>,
}

/// Why a run did not do what it was asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunProblem {
    /// One of the codes of problems.
    code: String,
    detail: String,
}

impl From<&Problem> for RunProblem {
    fn from(problem: &Problem) -> Self {
        Self { code: problem.code().word().to_owned(), detail: problem.detail().to_owned() }
    }
}

impl From<&RunOutcome> for RunResult {
    fn from(outcome: &RunOutcome) -> Self {
        Self {
            plan: outcome.plan.clone(),
            refused: words(&outcome.refused),
            overruled: words(&outcome.overruled),
            hidden: outcome.hidden.into(),
            copied: outcome.copied.into(),
            restored: outcome.restored.into(),
            purged: outcome.purged.into(),
            skipped: outcome.skipped,
            errors: outcome.errors,
            failure: outcome.failure.clone(),
        }
    }
}

/// How a run ended, by its record.
pub(crate) fn ended_word(outcome: &RunOutcome) -> RunEnd {
    match outcome {
        RunOutcome { stopped: true, .. } => RunEnd::Stopped,
        RunOutcome { failure: Some(_), .. } => RunEnd::Failed,
        RunOutcome { refused, .. } if !refused.is_empty() => RunEnd::Refused,
        RunOutcome { errors: 1.., .. } => RunEnd::Partial,
        _ => RunEnd::Done,
    }
}

impl RunEnd {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    fn of_word(word: &str) -> Self {
        let all = [Self::Done, Self::Partial, Self::Refused, Self::Stopped];
        all.into_iter().find(|end| end.word() == word).unwrap_or(Self::Failed)
    }
}

impl Run {
    /// By its record; `working` is the run that holds the store now, wherever.
    pub(crate) fn of_record(record: &RunRecord, working: Option<&str>) -> Self {
        let RunRecord { id, kind, started_at, ended_at, by, approval, outcome } = record;
        let state = match ended_at {
            Some(_) => RunState::Ended,
            None if working == Some(id.as_str()) => RunState::Running,
            None => RunState::Interrupted,
        };
        Self {
            id: id.clone(),
            kind: (*kind).into(),
            state,
            started_at: (*started_at).into(),
            ended_at: ended_at.map(Time),
            by: by.clone(),
            approval: approval.as_ref().map(Into::into),
            outcome: outcome.as_ref().map(ended_word),
            is_here: false,
            stage: None,
            result: outcome.as_ref().map(Into::into),
            problem: None,
            report: None,
        }
    }

    /// Of a job that left no record.
    pub(crate) fn of_job(job: &Job) -> Self {
        let run = Self {
            id: job.id.clone(),
            kind: job.kind.into(),
            state: RunState::Running,
            started_at: job.started_at.into(),
            ended_at: None,
            by: job.by.clone(),
            approval: None,
            outcome: None,
            is_here: false,
            stage: None,
            result: None,
            problem: None,
            report: None,
        };
        run.with_job(job)
    }

    /// With what this process knows of it. When it was begun stays what was said before there was a record.
    pub(crate) fn with_job(mut self, job: &Job) -> Self {
        self.is_here = true;
        self.started_at = job.started_at.into();
        match job.phase() {
            Phase::Beginning | Phase::Working => {
                self.state = RunState::Running;
                self.stage = stage(job);
            }
            Phase::Ended(ended) => {
                self.state = RunState::Ended;
                // What never began says nothing about the run that another process carried out under this id.
                if self.outcome.is_some() && ended.summary.is_null() {
                    return self;
                }
                self.ended_at = self.ended_at.or(Some(ended.at.into()));
                self.outcome = Some(RunEnd::of_word(ended.outcome.word()));
                self.problem = ended.problem.as_ref().map(Into::into);
                self.report = Some(ended.summary).filter(|summary| !summary.is_null());
            }
        }
        self
    }

    /// As lists show it.
    pub(crate) fn in_list(mut self) -> Self {
        self.report = None;
        self
    }
}

fn stage(job: &Job) -> Option<RunStage> {
    match job.events.newest()?.what {
        What::Stage { stage, total } => Some(RunStage { stage: stage.to_owned(), done: 0, total }),
        What::Progress { stage, done, total } => Some(RunStage { stage: stage.to_owned(), done, total }),
        What::Ended { .. } => None,
    }
}

impl Run {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How it ended, as a word of events.
    pub(crate) fn end_word(&self) -> &'static str {
        match (self.state, self.outcome) {
            (_, Some(end)) => end.word(),
            (RunState::Interrupted, None) => "interrupted",
            (RunState::Ended | RunState::Running, None) => RunEnd::Done.word(),
        }
    }

    pub(crate) fn ended_at_or(&self, now: jiff::Timestamp) -> jiff::Timestamp {
        self.ended_at.map_or(now, |at| at.0)
    }
}
