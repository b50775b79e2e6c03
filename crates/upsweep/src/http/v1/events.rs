//! What a run tells while it works, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::input::{Id, Query};
use super::plans::IdPath;
use super::runs;
use super::text::{WHOLE_MAX, Whole};
use super::view::{Run, RunState};
use crate::http::problem::{Code, Problem};
use crate::service::Service;
use crate::service::events::{Event, What};
use crate::service::job::Job;

/// Proxies close what is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often the record of a run in another process is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// From where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The id of the last event that was seen, for whoever cannot send the header.
    #[serde(default)]
    last_event_id: Option<Whole>,
}

/// The header of who listens again, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "says what is read")]
pub(super) struct LastSeen {
    /// The id of the last event that was seen; browsers send it by themselves.
    #[param(rename = "Last-Event-ID", required = false)]
    last_event_id: Whole,
}

/// One event of the stream.
#[derive(Serialize, ToSchema)]
struct RunEvent {
    /// Counts from 1.
    id: String,
    event: RunEventName,
    /// A JSON object, in the form of the schema `Event`.
    data: String,
}

/// What an event tells of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "says what is sent")]
enum RunEventName {
    Stage,
    Progress,
    Ended,
}

/// Listen to a run
///
/// Events `stage`, `progress` and, at last, `ended`; the data of each is an object in the form of the schema
/// `Event`, whose `What` says what belongs to which. A comment is sent every 15 s, so that no proxy takes the silence for the end. Of a run in another
/// process only `ended` is told. 204 tells who asks again that there is nothing after what they saw.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs", params(IdPath, From, LastSeen), responses(
    (status = 200, description = "The events", body = RunEvent, content_type = "text/event-stream"),
    (status = 204, description = "The run has ended, and there is nothing after what was seen")
))]
pub(super) async fn listen_to_run(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Query(From { last_event_id }): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = match headers.get("last-event-id") {
        Some(value) => {
            let number = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let wrong = || Problem::new(Code::InvalidParameter, "Last-Event-ID must be the id of an event of this run");
            number.and_then(|text| text.parse().ok()).filter(|id| *id <= WHOLE_MAX).ok_or_else(wrong)?
        }
        None => last_event_id.map_or(0, |id| id.0),
    };
    if let Some(job) = service.jobs.get(&id) {
        let is_over =
            job.events.newest().is_some_and(|event| matches!(event.what, What::Ended { .. }) && event.id <= seen);
        return Ok(if is_over { StatusCode::NO_CONTENT.into_response() } else { answer(of_job(service, job, seen)) });
    }
    let Some(run) = runs::record(&service, &id).await? else { return Err(runs::not_found(&id)) };
    if seen > 0 && run.state != RunState::Running {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(answer(of_record(service, id, run)))
}

fn answer(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let sent = events.map(|event| Ok::<_, Infallible>(sent(&event)));
    let live = Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still there"));
    // A proxy that collects answers would keep the news until the end; this is how nginx is told not to.
    ([("x-accel-buffering", "no")], live).into_response()
}

fn sent(event: &Event) -> Sent {
    let name = match event.what {
        What::Stage { .. } => "stage",
        What::Progress { .. } => "progress",
        What::Ended { .. } => "ended",
    };
    let bare = Sent::default().id(event.id.to_string()).event(name);
    // An event is numbers and plain words: it is written without fail, and in one line.
    serde_json::to_string(event).map_or(bare.clone(), |data| bare.data(data))
}

struct Listening {
    service: Arc<Service>,
    job: Arc<Job>,
    newest: watch::Receiver<u64>,
    waiting: std::collections::VecDeque<Event>,
    seen: u64,
    is_over: bool,
}

fn of_job(service: Arc<Service>, job: Arc<Job>, seen: u64) -> impl Stream<Item = Event> + Send {
    // Before the first look, so that nothing in between goes by unnoticed.
    let newest = job.events.subscribe();
    let begin = Listening { service, job, newest, waiting: std::collections::VecDeque::new(), seen, is_over: false };
    stream::unfold(begin, |mut listening| async move {
        loop {
            if listening.is_over {
                return None;
            }
            if let Some(event) = listening.waiting.pop_front() {
                listening.seen = event.id;
                listening.is_over = matches!(event.what, What::Ended { .. });
                return Some((event, listening));
            }
            listening.newest.mark_unchanged();
            listening.waiting = listening.job.events.after(listening.seen).into();
            if !listening.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                () = listening.service.shutdown.cancelled() => return None,
                changed = listening.newest.changed() => changed.ok()?,
            }
        }
    })
}

/// Of a run that this process does not know: nothing is heard but its end.
fn of_record(service: Arc<Service>, id: String, run: Run) -> impl Stream<Item = Event> + Send {
    stream::unfold(Some((service, id, run)), |state| async move {
        let (service, id, mut run) = state?;
        while run.state == RunState::Running {
            tokio::select! {
                () = service.shutdown.cancelled() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            // What cannot be read now may be readable in a second; who gave up waiting ends this by going away.
            if let Ok(Some(newer)) = runs::record(&service, &id).await {
                run = newer;
            }
        }
        let ended = What::Ended { outcome: run.end_word() };
        Some((Event { id: 1, at: run.ended_at_or(service.now()), what: ended }, None))
    })
}
