//! The audit trail: read, exported, verified. For administrators.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::Ledger;
use upsweep_engine::trail::{self, Part};
use upsweep_plan::audit;
use upsweep_plan::audit::export::{first_line, last_line};
use utoipa::{IntoParams, ToSchema};

use super::input::{NoQuery, Page, Query};
use super::text::Time;
use super::view::Listed;
use crate::http::auth::Caller;
use crate::http::problem::{Code, Problem};
use crate::service::{self, Service};

fn admin_only(caller: &Caller) -> Result<(), Problem> {
    if caller.is_admin() { Ok(()) } else { Err(Problem::not_permitted()) }
}

/// A record of the audit trail.
#[derive(Serialize, ToSchema)]
pub(super) struct Record {
    seq: u64,
    at: Time,
    /// The run that did it, if one did.
    run: Option<String>,
    /// Who, and by which request.
    actor: String,
    /// What happened.
    event: String,
    /// To what: a file's name with escapes, a run, the number of a hold.
    subject: Option<String>,
    details: BTreeMap<String, String>,
    /// The hash of the record before it.
    previous: String,
    hash: String,
}

impl From<audit::Record> for Record {
    fn from(record: audit::Record) -> Self {
        let audit::Record { seq, at, run, actor, event, subject, details, previous, hash } = record;
        Self { seq, at: at.into(), run, actor, event, subject, details, previous, hash }
    }
}

/// List the records
///
/// For administrators. The oldest first.
#[utoipa::path(get, path = "/audit/records", tag = "audit", params(Page), responses(
    (status = 200, description = "The records", body = Listed<Record>)
))]
pub(super) async fn list_audit_records(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(Page { cursor, limit }): Query<Page>,
) -> Result<Json<Listed<Record>>, Problem> {
    admin_only(&caller)?;
    let from = cursor.map_or(0, |cursor| cursor.0.saturating_add(1));
    let read = service.with_state(move |service::State { ledger, .. }| {
        let (mut found, mut altered) = (Vec::new(), None);
        let Some(ledger) = ledger else { return Ok(Ok(found)) };
        ledger.audit_from(from, &mut |line| match audit::Record::read(line) {
            Ok(record) if found.len() <= limit.0 => {
                found.push(record);
                ControlFlow::Continue(())
            }
            Ok(_) => ControlFlow::Break(()),
            Err(error) => {
                altered = Some(error.to_string());
                ControlFlow::Break(())
            }
        })?;
        Ok(altered.map_or(Ok(found), Err))
    });
    let found = read.await?.map_err(|cause| {
        let detail = format!("a record cannot be read, so it was altered ({cause}); see: GET /api/v1/audit/verify");
        Problem::new(Code::Internal, detail)
    })?;
    Ok(Json(Listed::of(found, limit.0, |record| record.seq.to_string(), Into::into)))
}

/// What is exported.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// Only records of this time or later.
    #[serde(default)]
    since: Option<Time>,
}

/// Export the trail
///
/// For administrators. Line by line, exactly as `upsweep audit export` writes it: `upsweep audit verify FILE` checks
/// the file anywhere. What was cut off lacks its last line.
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(Since), responses(
    (status = 200, description = "The trail: one JSON object a line", body = String, content_type = "application/x-ndjson")
))]
pub(super) async fn export_audit(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(Since { since }): Query<Since>,
) -> Result<Response, Problem> {
    admin_only(&caller)?;
    let (sender, mut lines) = mpsc::channel::<Result<Bytes, std::io::Error>>(16);
    let broken = sender.clone();
    let shutdown = service.shutdown.clone();
    let write = move |ledger: &dyn Ledger| {
        let mut out = Vec::with_capacity(CHUNK + 4_096);
        trail::export(ledger, since.map(|time| time.0), &mut |part| {
            let line = match part {
                Part::Start(start) => first_line(start),
                Part::Line(line) => line.to_owned(),
                Part::End(checkpoint) => last_line(checkpoint),
            };
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
            let is_gone = out.len() >= CHUNK && sender.blocking_send(Ok(std::mem::take(&mut out).into())).is_err();
            if is_gone || shutdown.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if shutdown.is_cancelled() {
            // A file that merely ends would look complete to who does not check it.
            let _ = sender.blocking_send(Err(std::io::Error::other("the service is shutting down")));
        } else if !out.is_empty() {
            let _ = sender.blocking_send(Ok(out.into()));
        }
        Ok::<_, EngineError>(())
    };
    let writing = tokio::spawn(async move {
        let written = service.with_state(move |service::State { store, home, .. }| {
            Ok(write(&*trail::ledger_of(*store, *home, "and nothing to audit")?)?)
        });
        let written = written.await;
        if let Err(problem) = &written {
            let _ = broken.send(Err(std::io::Error::other(problem.detail().to_owned()))).await;
        }
        written
    });
    // As long as nothing was sent, a failure can still be told properly.
    let first = match lines.recv().await {
        Some(Ok(first)) => first,
        Some(Err(_)) | None => {
            return Err(match writing.await {
                Ok(Err(problem)) => problem,
                _ => Problem::new(Code::Internal, "the audit trail could not be read; the log says more"),
            });
        }
    };
    let all = stream::unfold((Some(first), lines), |(first, mut lines)| async move {
        let chunk = match first {
            Some(first) => Ok(first),
            None => lines.recv().await?,
        };
        Some((chunk, (None, lines)))
    });
    let headers =
        [(CONTENT_TYPE, "application/x-ndjson"), (CONTENT_DISPOSITION, "attachment; filename=\"upsweep-audit.jsonl\"")];
    Ok((headers, Body::from_stream(all)).into_response())
}

/// So many bytes are sent at once, and a line more.
const CHUNK: usize = 32 << 10;

/// Whether the trail is whole.
#[derive(Serialize, ToSchema)]
pub(super) struct Verified {
    is_whole: bool,
    /// What is wrong with it first; nothing after that can be relied on.
    finding: Option<String>,
    /// The ledger's id.
    ledger: String,
    /// How many records there are.
    records: Option<u64>,
    /// The last record's number.
    last_seq: Option<u64>,
    last_hash: Option<String>,
}

/// Verify the trail
///
/// For administrators: checks the whole chain, and the journal beside it. That the tail was not cut off only a
/// checkpoint proves that was kept elsewhere: `upsweep audit verify --checkpoint FILE`.
#[utoipa::path(get, path = "/audit/verify", tag = "audit", responses(
    (status = 200, description = "What was found", body = Verified)
))]
pub(super) async fn verify_audit(
    State(service): State<Arc<Service>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<Verified>, Problem> {
    admin_only(&caller)?;
    let read = service.with_state(|service::State { store, home, .. }| {
        let ledger = trail::ledger_of(*store, *home, "and nothing to audit")?;
        let id = ledger.id().to_owned();
        let wrong = |finding: String| Verified {
            is_whole: false,
            finding: Some(finding),
            ledger: id.clone(),
            records: None,
            last_seq: None,
            last_hash: None,
        };
        if let Err(error) = ledger.verify_journal() {
            return Ok(wrong(error.to_string()));
        }
        Ok(match ledger.verify_audit(None)? {
            Err(finding) => wrong(finding.to_string()),
            Ok(audit::Summary { ledger, records, first: _, last_seq, last_hash, last_at: _ }) => Verified {
                is_whole: true,
                finding: None,
                ledger,
                records: Some(records),
                last_seq: Some(last_seq),
                last_hash: Some(last_hash),
            },
        })
    });
    Ok(Json(read.await?))
}

/// The state of the trail at one moment.
#[derive(Serialize, ToSchema)]
pub(super) struct Checkpoint {
    ledger: String,
    seq: u64,
    hash: String,
    at: Time,
    /// The same as the line that `upsweep audit checkpoint` prints: kept elsewhere, it proves later that nothing before
    /// it was altered or cut.
    line: String,
}

/// Show the trail's checkpoint
///
/// For administrators.
#[utoipa::path(get, path = "/audit/checkpoint", tag = "audit", responses(
    (status = 200, description = "The checkpoint", body = Checkpoint)
))]
pub(super) async fn get_checkpoint(
    State(service): State<Arc<Service>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<Checkpoint>, Problem> {
    admin_only(&caller)?;
    let read = service.with_state(|service::State { store, home, .. }| {
        Ok(trail::ledger_of(*store, *home, "and nothing to audit")?.audit_head()?)
    });
    let Some(checkpoint) = read.await? else {
        return Err(Problem::new(Code::Conflict, "the audit trail has no record yet, so there is no checkpoint"));
    };
    let line = last_line(checkpoint.clone());
    let audit::Checkpoint { ledger, seq, hash, at } = checkpoint;
    Ok(Json(Checkpoint { ledger, seq, hash, at: at.into(), line }))
}
