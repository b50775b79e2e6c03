//! How a request starts a run, once: a repetition of it finds the run that the first one started.

use std::sync::Arc;

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use upsweep_engine::ports::{Approval, Claimed, RepeatableRequest};

use super::input::Asking;
use super::runs;
use super::view::Run;
use crate::http::problem::{Code, Problem};
use crate::service::Service;
use crate::service::job::{Ended, Job, Order, Phase, Task};
use crate::wire;

/// Tells that an answer is that of an earlier, equal request.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A run that somebody wants.
pub(crate) struct Wish<'a> {
    pub(crate) task: Task,
    pub(crate) approval: Option<Approval>,
    /// The body of the request.
    pub(crate) raw: &'a [u8],
}

/// Starts it, and answers as soon as it holds the store or cannot have it.
pub(crate) async fn start(service: &Arc<Service>, asking: &Asking, wish: Wish<'_>) -> Result<Response, Problem> {
    let run = wire::fresh_id(service.now());
    let Some(key) = &asking.key else {
        let job = begin(service, asking, wish, run).await?;
        return accepted(service, &job.id, false).await;
    };
    let _turn = service.repeats.turn.lock().await;
    let request = RepeatableRequest {
        key: format!("{}\n{key}", asking.caller.subject),
        fingerprint: blake3::hash(&[asking.path.as_bytes(), b"\n", wish.raw].concat()).to_hex().to_string(),
        run: run.clone(),
        at: service.now(),
    };
    let run = match service.claim_request(request).await? {
        Claimed::New => run,
        Claimed::Before { run } if has_begun(service, &run).await? => {
            return accepted(service, &run, true).await;
        }
        Claimed::Before { run } => return begin_again(service, asking, wish, run).await,
        Claimed::ForOther => {
            let detail = "this Idempotency-Key was used for another request; use a new one for a new request";
            return Err(Problem::new(Code::KeyReused, detail));
        }
    };
    let job = begin(service, asking, wish, run).await?;
    accepted(service, &job.id, false).await
}

/// Begins a run that could not begin when it was asked for. Who repeats the request to another process may be faster:
/// then that run is the answer.
async fn begin_again(
    service: &Arc<Service>,
    asking: &Asking,
    wish: Wish<'_>,
    run: String,
) -> Result<Response, Problem> {
    match begin(service, asking, wish, run.clone()).await {
        Ok(job) => accepted(service, &job.id, false).await,
        Err(problem) => match runs::record(service, &run).await? {
            Some(_) => accepted(service, &run, true).await,
            None => Err(problem),
        },
    }
}

async fn begin(service: &Arc<Service>, asking: &Asking, wish: Wish<'_>, run: String) -> Result<Arc<Job>, Problem> {
    let Wish { task, approval, raw: _ } = wish;
    match &task {
        Task::Run(_) | Task::Apply(_) | Task::Purge | Task::RestoreClaimed | Task::Watch => {
            service.databases_answer().await?;
        }
        // These must be possible when the database is gone.
        Task::Restore(_) | Task::Recover => {}
    }
    let order = Order { task, by: asking.by(), approval, run: Some(run) };
    let job = service.start(order).await?.job;
    service.settle_shelf_after(&job);
    // A run that ended without a trace in the history has nothing to look at later: its end is the answer.
    match job.settled().await {
        Phase::Ended(ended) if is_traceless(&ended) => ended.problem.map_or(Ok(job), Err),
        Phase::Beginning | Phase::Working | Phase::Ended(_) => Ok(job),
    }
}

/// Whether a run ended before it could be noted in the history.
pub(super) fn is_traceless(ended: &Ended) -> bool {
    ended.summary.get("run").is_none_or(serde_json::Value::is_null)
}

/// Whether a run that was asked for has begun; one that could not may be asked for again.
async fn has_begun(service: &Arc<Service>, run: &str) -> Result<bool, Problem> {
    if runs::record(service, run).await?.is_some() {
        return Ok(true);
    }
    let phase = service.jobs.get(run).map(|job| job.phase());
    Ok(match phase {
        Some(Phase::Ended(ended)) => !is_traceless(&ended),
        Some(Phase::Beginning | Phase::Working) => true,
        None => false,
    })
}

async fn accepted(service: &Arc<Service>, id: &str, is_replayed: bool) -> Result<Response, Problem> {
    let run = match runs::find(service, id).await? {
        Some(run) => run,
        None => return Err(Problem::new(Code::Internal, format!("run {id} left no trace; the log says more"))),
    };
    let mut response = (StatusCode::ACCEPTED, located(&format!("/api/v1/runs/{id}")), Json::<Run>(run)).into_response();
    if is_replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Where the new thing is.
pub(crate) fn located(place: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Ids are plain ASCII.
    if let Ok(place) = HeaderValue::from_str(place) {
        headers.insert(LOCATION, place);
    }
    headers
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
