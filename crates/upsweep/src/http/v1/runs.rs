//! Runs: started, watched, asked to stop, undone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use upsweep_engine::ports::{OpFilter, OpId, RunFilter, RunRecord};
use upsweep_engine::runs::Selection as Asked;
use upsweep_plan::audit::NewRecord;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::input::{Asking, Body, Id, Limit, NoQuery, Page, Query, Repeatable, is_id};
use super::plans::{IdPath, Selection};
use super::start::{self, Wish};
use super::text::{self, Time};
use super::view::{Approving, Item, Listed, Run, RunKind, RunState};
use crate::http::problem::{Code, Problem};
use crate::service::job::{Job, Phase, Task};
use crate::service::{self, Service};

/// A run that somebody wants.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum NewRun {
    /// Plan, check the guards, hide what is planned, and free what is due.
    Run(Box<RunWish>),
    /// Free what is due, and hide nothing.
    Purge(PurgeWish),
    /// Finish what an interrupted run left.
    Recover(PlainWish),
    /// Bring back what rows claim again.
    RestoreClaimed(PlainWish),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunWish {
    /// What the run is limited to.
    selection: Option<Selection>,
    /// Guards that an administrator overrules.
    approval: Option<Approving>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PurgeWish {
    /// Guards that an administrator overrules.
    pub(super) approval: Option<Approving>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainWish {}

impl ToSchema for NewRun {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        text::register::<Selection>(schemas);
        text::register::<Approving>(schemas);
    }
}

impl PartialSchema for NewRun {
    fn schema() -> RefOr<Schema> {
        let kind = |word| ("kind", text::word(word), true);
        let selection = ("selection", text::or_null(text::reference::<Selection>()), false);
        let approval = ("approval", text::or_null(text::reference::<Approving>()), false);
        let all = [
            vec![kind("run"), selection, approval.clone()],
            vec![kind("purge"), approval],
            vec![kind("recover")],
            vec![kind("restore_claimed")],
        ];
        let about = "A run that somebody wants. `run`: plan, check the guards, hide what is planned, and free what is \
                     due. `purge`: free what is due, and hide nothing. `recover`: finish what an interrupted run left. \
                     `restore_claimed`: bring back what rows claim again.";
        let one_of = OneOfBuilder::new().description(Some(about));
        all.into_iter().fold(one_of, |one_of, members| one_of.item(text::closed(members))).into()
    }
}

/// Start a run
///
/// Answers as soon as the run holds the store; look at its page, or listen to its events, for the rest. One run works
/// at a time: while one does, the answer is 409 with its `run_id`.
#[utoipa::path(post, path = "/runs", tag = "runs", params(Repeatable), request_body = NewRun, responses(
    (status = 202, description = "The run", body = Run, headers(
        ("Location" = String, description = "Where the run is"),
        ("Idempotency-Replayed" = Option<String>, description = "`true` where an equal request started it before")
    ))
))]
pub(super) async fn create_run(
    State(service): State<Arc<Service>>,
    asking: Asking,
    _: NoQuery,
    Body { value, raw }: Body<NewRun>,
) -> Result<Response, Problem> {
    let (task, approval) = match value {
        NewRun::Run(wish) => {
            let RunWish { selection, approval } = *wish;
            (Task::Run(selection.unwrap_or_default().checked()?), approval)
        }

        NewRun::Purge(PurgeWish { approval }) => (Task::Purge, approval),
        NewRun::Recover(PlainWish {}) => (Task::Recover, None),
        NewRun::RestoreClaimed(PlainWish {}) => (Task::RestoreClaimed, None),
    };
    let approval = asking.approval(approval)?;
    start::start(&service, &asking, Wish { task, approval, raw: &raw }).await
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Runs {
    /// Where the page begins: the `next_cursor` of the page before. Without one it is the first.
    #[serde(default)]
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z-]+$")]
    cursor: Option<String>,
    /// At most this many.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// Only runs of this kind.
    #[serde(default)]
    kind: Option<RunKind>,
    /// Only runs that began at this time or later.
    #[serde(default)]
    from: Option<Time>,
    /// Only runs that began before this time.
    #[serde(default)]
    until: Option<Time>,
}

/// List runs
///
/// The newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(Runs), responses(
    (status = 200, description = "The runs", body = Listed<Run>)
))]
pub(super) async fn list_runs(
    State(service): State<Arc<Service>>,
    Query(Runs { cursor, limit, kind, from, until }): Query<Runs>,
) -> Result<Json<Listed<Run>>, Problem> {
    if cursor.as_ref().is_some_and(|cursor| !is_id(cursor)) {
        return Err(Problem::new(Code::InvalidParameter, "the query: cursor: it is not the next_cursor of a page"));
    }
    let filter = RunFilter {
        kinds: kind.into_iter().map(Into::into).collect(),
        from: from.map(|time| time.0),
        until: until.map(|time| time.0),
    };
    let read = service.with_state(move |service::State { ledger, home, .. }| {
        let Some(ledger) = ledger else { return Ok((vec![], None)) };
        let working = home.holder()?.and_then(|holder| holder.run);
        Ok((ledger.runs_page(&filter, cursor.as_deref(), limit.0 + 1)?, working))
    });
    let (records, working) = read.await?;
    let view = |record: RunRecord| {
        let run = Run::of_record(&record, working.as_deref());
        match service.jobs.get(&record.id) {
            Some(job) if is_its(&job, &run) => run.with_job(&job),
            _ => run,
        }
        .in_list()
    };
    Ok(Json(Listed::of(records, limit.0, |record| record.id.clone(), view)))
}

/// Show a run
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(IdPath), responses(
    (status = 200, description = "The run", body = Run)
))]
pub(super) async fn get_run(State(service): State<Arc<Service>>, Id(id): Id, _: NoQuery) -> Result<Json<Run>, Problem> {
    find(&service, &id).await?.map(Json).ok_or_else(|| not_found(&id))
}

/// A run, by the ledger and by what this process knows; `None` when neither knows it.
pub(super) async fn find(service: &Arc<Service>, id: &str) -> Result<Option<Run>, Problem> {
    let job = service.jobs.get(id);
    let record = record(service, id).await?;
    Ok(match (record, job) {
        (Some(run), Some(job)) if is_its(&job, &run) => Some(run.with_job(&job)),
        (Some(run), Some(_)) => Some(run),
        (Some(run), None) => Some(run),
        (None, job) => job.map(|job| Run::of_job(&job)),
    })
}

/// Whether a job is the run that the history knows by its id, and not an attempt to begin it that came too late.
fn is_its(job: &Job, run: &Run) -> bool {
    let left_no_trace = matches!(job.phase(), Phase::Ended(ended) if start::is_traceless(&ended));
    !left_no_trace || run.state == RunState::Interrupted
}

/// A run by its record.
pub(super) async fn record(service: &Arc<Service>, id: &str) -> Result<Option<Run>, Problem> {
    let id = id.to_owned();
    let read = service.with_state(move |service::State { ledger, home, .. }| {
        let Some(ledger) = ledger else { return Ok(None) };
        // The holder first: a run that ends in between has its end in the record then.
        let working = home.holder()?.and_then(|holder| holder.run);
        let Some(record) = ledger.run(&id)? else { return Ok(None) };
        Ok(Some(Run::of_record(&record, working.as_deref())))
    });
    read.await
}

/// List the files that a run hid
///
/// With what became of each since.
#[utoipa::path(get, path = "/runs/{id}/items", tag = "runs", params(IdPath, Page), responses(
    (status = 200, description = "The files, in the order in which they were hidden", body = Listed<Item>)
))]
pub(super) async fn list_run_items(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Query(page): Query<Page>,
) -> Result<Json<Listed<Item>>, Problem> {
    if find(&service, &id).await?.is_none() {
        return Err(not_found(&id));
    }
    items(&service, OpFilter { run: Some(id), states: vec![] }, page).await
}

/// A page of files that were hidden once.
pub(super) async fn items(
    service: &Arc<Service>,
    filter: OpFilter,
    Page { cursor, limit }: Page,
) -> Result<Json<Listed<Item>>, Problem> {
    let after = cursor.map(|cursor| OpId(cursor.0));
    let read = service.with_state(move |service::State { ledger, .. }| match ledger {
        Some(ledger) => Ok(ledger.ops_page(&filter, after, limit.0 + 1)?),
        None => Ok(vec![]),
    });
    Ok(Json(Listed::of(read.await?, limit.0, |op| op.id.to_string(), Into::into)))
}

/// Ask a run to stop
///
/// It stops where nothing is half done; the next run goes on from there.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(IdPath), responses(
    (status = 202, description = "The run, which was asked to stop", body = Run)
))]
pub(super) async fn cancel_run(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Id(id): Id,
    _: NoQuery,
) -> Result<Response, Problem> {
    let conflict = |detail: String| Problem::new(Code::Conflict, detail);
    let Some(job) = service.jobs.get(&id) else {
        let Some(run) = record(&service, &id).await? else { return Err(not_found(&id)) };
        return Err(match run.state {
            RunState::Running => conflict(format!("run {id} works in another process, and can only be stopped there")),
            RunState::Ended => conflict(format!("run {id} has ended already")),
            RunState::Interrupted => {
                conflict(format!("run {id} was interrupted; what it left is finished by a run of the kind recover"))
            }
        });
    };
    if let Phase::Ended(_) = job.phase() {
        return Err(conflict(format!("run {id} has ended already")));
    }
    job.ask_to_stop();
    let stop = NewRecord {
        run: Some(id.clone()),
        actor: asking.by(),
        event: "stop-asked".to_owned(),
        subject: Some(id.clone()),
        details: BTreeMap::new(),
    };
    note(&service, stop).await;
    match find(&service, &id).await? {
        Some(run) => Ok((StatusCode::ACCEPTED, Json(run)).into_response()),
        None => Err(not_found(&id)),
    }
}

/// Adds a record to the audit trail. What it tells of has happened, so a failure is told to the log alone.
async fn note(service: &Arc<Service>, record: NewRecord) {
    let at = service.now();
    let noted = service.with_state(move |service::State { ledger, .. }| match ledger {
        Some(ledger) => Ok(ledger.note_audit(record, at)?),
        None => Ok(()),
    });
    if let Err(problem) = noted.await {
        tracing::warn!(problem = problem.detail(), "could not note in the audit trail that a run was asked to stop");
    }
}

/// Bring back what a run hid
///
/// Starts a new run that brings the files back and holds them; what was freed since comes from the archive, where there
/// is a copy.
#[utoipa::path(post, path = "/runs/{id}/restore", tag = "runs", params(IdPath, Repeatable), responses(
    (status = 202, description = "The new run", body = Run, headers(
        ("Location" = String, description = "Where the new run is"),
        ("Idempotency-Replayed" = Option<String>, description = "`true` where an equal request started it before")
    ))
))]
pub(super) async fn restore_run(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Id(id): Id,
    _: NoQuery,
) -> Result<Response, Problem> {
    if find(&service, &id).await?.is_none() {
        return Err(not_found(&id));
    }
    let wish = Wish { task: Task::Restore(Asked::Run(id)), approval: None, raw: b"" };
    start::start(&service, &asking, wish).await
}

pub(super) fn not_found(id: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no run {id}; see: GET /api/v1/runs"))
}
