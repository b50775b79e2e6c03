//! What all runs did, together and over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use upsweep_engine::ports::{RunFilter, RunRecord, Totals};
use utoipa::{IntoParams, ToSchema};

use super::input::{NoQuery, Query};
use super::series::{self, Bucket, BucketOf};
use super::text::Time;
use super::view::Amount;
use crate::http::problem::{Code, Problem};
use crate::service::{self, Service};

/// What all runs together did.
#[derive(Serialize, ToSchema)]
pub(super) struct History {
    /// Runs that ended.
    runs: u64,
    hidden: Amount,
    purged: Amount,
    restored: Amount,
    /// Copied to the archive.
    copied: Amount,
    /// Single files that failed.
    errors: u64,
    /// Runs that stopped early.
    failures: u64,
    /// Runs that somebody asked to stop.
    stopped: u64,
    /// How often each guard refused.
    refusals: BTreeMap<String, u64>,
    /// When the last run ended that neither failed nor was refused, and had no errors.
    last_success: Option<Time>,
    /// What is in the quarantine now.
    quarantined: Amount,
}

impl From<Totals> for History {
    fn from(totals: Totals) -> Self {
        let Totals {
            runs,
            hidden,
            purged,
            restored,
            copied,
            errors,
            failures,
            stopped,
            refusals,
            last_success,
            quarantined,
        } = totals;
        Self {
            runs,
            hidden: hidden.into(),
            purged: purged.into(),
            restored: restored.into(),
            copied: copied.into(),
            errors,
            failures,
            stopped,
            refusals: refusals.into_iter().map(|(code, times)| (code.to_string(), times)).collect(),
            last_success: last_success.map(Time),
            quarantined: quarantined.into(),
        }
    }
}

/// Sum up the history
///
/// Since the store was bound. The runs themselves are at `/runs`.
#[utoipa::path(get, path = "/history", tag = "history", responses((status = 200, description = "The sums", body = History)))]
pub(super) async fn get_history(State(service): State<Arc<Service>>, _: NoQuery) -> Result<Json<History>, Problem> {
    let read = service.with_state(|service::State { ledger, .. }| match ledger {
        Some(ledger) => Ok(ledger.totals()?),
        None => Ok(Totals::default()),
    });
    Ok(Json(read.await?.into()))
}

/// Over which time, in which steps.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// From the bucket that holds this time on; without, the last 30 buckets.
    #[serde(default)]
    from: Option<Time>,
    /// Until this time; without, until now.
    #[serde(default)]
    until: Option<Time>,
    /// How long each bucket is, in the configured time zone; weeks begin on Mondays.
    #[serde(default)]
    bucket: BucketOf,
}

/// What the runs of each day, week or month did.
#[derive(Serialize, ToSchema)]
pub(super) struct Series {
    /// The zone by whose midnights buckets begin.
    timezone: String,
    bucket: BucketOf,
    /// Whether older buckets were left out, because there are more than 400.
    is_truncated: bool,
    /// The oldest first, empty ones included.
    buckets: Vec<Bucket>,
}

/// Sum up the history over time
///
/// A run counts in the bucket in which it began.
#[utoipa::path(get, path = "/history/series", tag = "history", params(Span), responses(
    (status = 200, description = "The sums", body = Series)
))]
pub(super) async fn get_series(
    State(service): State<Arc<Service>>,
    Query(Span { from, until, bucket }): Query<Span>,
) -> Result<Json<Series>, Problem> {
    let zone = match &service.config().service.schedule.zone {
        Some(name) => upsweep_engine::zone::find(name).map_err(|problem| Problem::new(Code::Internal, problem))?,
        None => TimeZone::system(),
    };
    let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
    let until = until.map_or(service.now(), |time| time.0);
    let series::Frame { mut buckets, is_truncated } = series::frame(from.map(|time| time.0), until, bucket, &zone);
    let Some(first) = buckets.first().map(|bucket| bucket.from.0) else {
        return Ok(Json(Series { timezone, bucket, is_truncated, buckets }));
    };
    let buckets = service.with_state(move |service::State { ledger, .. }| {
        let Some(ledger) = ledger else { return Ok(buckets) };
        each_run(&**ledger, first, until, |record| series::add(&mut buckets, record))?;
        Ok(buckets)
    });
    Ok(Json(Series { timezone, bucket, is_truncated, buckets: buckets.await? }))
}

/// Page by page, so that no more than one is in memory.
fn each_run(
    ledger: &dyn upsweep_engine::ports::Ledger,
    from: Timestamp,
    until: Timestamp,
    mut take: impl FnMut(&RunRecord),
) -> anyhow::Result<()> {
    const PAGE: usize = 500;
    let filter = RunFilter { kinds: vec![], from: Some(from), until: Some(until) };
    let mut before: Option<String> = None;
    loop {
        let page = ledger.runs_page(&filter, before.as_deref(), PAGE)?;
        page.iter().for_each(&mut take);
        match page.last() {
            Some(last) if page.len() == PAGE => before = Some(last.id.clone()),
            _ => return Ok(()),
        }
    }
}
