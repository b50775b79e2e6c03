//! `/metrics`: what a scrape is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use upsweep_engine::ports::Totals;
use upsweep_plan::plan::Plan;
use upsweep_plan::verdict::Reason;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::metrics::{self, Live, Surveyed, Usage};
use crate::service::schedule::{Timetable, host_zone};
use crate::service::{Service, State as Opened};

pub(crate) fn router() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(scrape))
}

/// Show the figures for Prometheus
///
/// What cannot be found out now is left out: a scrape must tell the rest all the same. A listener of its own, if one is
/// configured, tells the same without a token.
#[utoipa::path(get, path = "/metrics", tag = "metrics", responses(
    (status = 200, description = "The figures, as OpenMetrics writes them", body = String, content_type = "application/openmetrics-text")
))]
async fn scrape(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let totals = totals(&service).await;
    let usage = service.blocking(|service| Ok(Usage::of(&service.config().upload_dir).ok())).await.ok().flatten();
    let timetable = Timetable::new(&service.config().service.schedule, host_zone()).ok();
    let live = Live {
        survey: service.surveys.newest().map(|plan| found(&plan)),
        usage,
        next_scheduled: timetable.and_then(|timetable| timetable.next_after(service.now())),
        is_running: service.jobs.current().is_some_and(|job| !job.is_watch),
    };
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], service.metrics.render(totals.as_ref(), &live))
}

/// For so long the totals are kept, unless a run of this process ended meanwhile: summing up a large ledger takes a
/// while, and several may scrape.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// What the ledger says in total, as it was when it was asked last.
#[derive(Default)]
pub(crate) struct KeptTotals(tokio::sync::Mutex<Option<Kept>>);

struct Kept {
    at: Instant,
    changes: u64,
    totals: Option<Totals>,
}

async fn totals(service: &Arc<Service>) -> Option<Totals> {
    let mut kept = service.totals.0.lock().await;
    let changes = service.surveys.changes();
    if let Some(Kept { at, changes: then, totals }) = &*kept
        && at.elapsed() < KEPT_FOR
        && *then == changes
    {
        return totals.clone();
    }
    let summed =
        service.with_state(|Opened { ledger, .. }| Ok(ledger.as_ref().map(|ledger| ledger.totals()).transpose()?));
    let totals = summed.await.ok().flatten();
    *kept = Some(Kept { at: Instant::now(), changes, totals: totals.clone() });
    totals
}

fn found(plan: &Plan) -> Surveyed {
    let count = |is: fn(&Reason) -> bool| plan.removals.iter().filter(|removal| is(&removal.reason)).count() as u64;
    Surveyed {
        at: plan.created_at,
        orphans: count(|reason| matches!(reason, Reason::Orphan { .. })),
        of_failed_sessions: count(|reason| matches!(reason, Reason::FailedSession { .. })),
        missing: plan.survey.claims.missing,
    }
}
