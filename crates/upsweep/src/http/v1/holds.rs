//! Holds: people say what is kept, whatever the rows say.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use upsweep_engine::error::EngineError;
use upsweep_engine::holds;
use upsweep_engine::ports::{NewHold, Release};
use upsweep_plan::hold;
use utoipa::{IntoParams, ToSchema};

use super::input::{Asking, Body, Limit, NoQuery, Number, Page, Query};
use super::start::located;
use super::text::{Time, WHOLE_MAX, Words};
use super::view::{Hold, HoldTarget, Listed};
use crate::http::problem::{Code, Problem};
use crate::service::{self, Service};

/// A hold that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHoldWish {
    target: HoldTarget,
    /// Why; it is kept in the audit trail.
    reason: Words,
    /// When the hold ends by itself; without, when somebody releases it.
    #[serde(default)]
    until: Option<Time>,
}

/// List the holds
///
/// By their numbers.
#[utoipa::path(get, path = "/holds", tag = "holds", params(Page), responses(
    (status = 200, description = "The holds", body = Listed<Hold>)
))]
pub(super) async fn list_holds(
    State(service): State<Arc<Service>>,
    Query(Page { cursor, limit: Limit(limit) }): Query<Page>,
) -> Result<Json<Listed<Hold>>, Problem> {
    let after = cursor.map_or(0, |cursor| cursor.0);
    let held = held(&service).await?.into_iter().filter(|hold| hold.id > after).take(limit + 1);
    Ok(Json(Listed::of(held.collect(), limit, |hold: &hold::Hold| hold.id.to_string(), Into::into)))
}

async fn held(service: &Arc<Service>) -> Result<Vec<hold::Hold>, Problem> {
    let now = service.now();
    let read = service.with_state(move |service::State { ledger, .. }| match ledger {
        Some(ledger) => Ok(ledger.holds(now)?),
        None => Ok(vec![]),
    });
    read.await
}

/// Set a hold
///
/// The files are neither hidden nor freed as long as it holds. 409 while the store is not bound, which the first run
/// does, and for an `until` that is over.
#[utoipa::path(post, path = "/holds", tag = "holds", request_body = NewHoldWish, responses(
    (status = 201, description = "The hold", body = Hold, headers(("Location" = String, description = "Where it is")))
))]
pub(super) async fn create_hold(
    State(service): State<Arc<Service>>,
    asking: Asking,
    _: NoQuery,
    Body { value: NewHoldWish { target, reason: Words(why), until }, raw: _ }: Body<NewHoldWish>,
) -> Result<Response, Problem> {
    let since = service.now();
    if let Some(Time(until)) = until
        && until <= since
    {
        return Err(Problem::new(Code::Conflict, format!("the hold would have ended already, at {until}")));
    }
    let hold = NewHold { target: target.into(), by: asking.by(), why, since, until: until.map(|time| time.0) };
    let set = service.with_state(move |service::State { store, home, .. }| Ok(holds::add(*store, *home, &[hold])?));
    let Some(set) = set.await?.pop() else {
        return Err(Problem::new(Code::Internal, "the hold left no trace; the log says more"));
    };
    let place = format!("/api/v1/holds/{}", set.id);
    service.surveys.invalidate();
    Ok((StatusCode::CREATED, located(&place), Json(Hold::from(set))).into_response())
}

/// Show a hold
#[utoipa::path(get, path = "/holds/{id}", tag = "holds", params(HoldPath), responses(
    (status = 200, description = "The hold", body = Hold)
))]
pub(super) async fn get_hold(
    State(service): State<Arc<Service>>,
    Number(id): Number,
    _: NoQuery,
) -> Result<Json<Hold>, Problem> {
    let found = held(&service).await?.into_iter().find(|hold| hold.id == id);
    found.map(Into::into).map(Json).ok_or_else(|| not_found(id))
}

/// Why a hold is released.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Releasing {
    /// Why; it is kept in the audit trail.
    reason: Words,
}

/// Release a hold
///
/// The files are judged by the rows again.
#[utoipa::path(delete, path = "/holds/{id}", tag = "holds", params(HoldPath, Releasing), responses(
    (status = 204, description = "It is released")
))]
pub(super) async fn release_hold(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Number(id): Number,
    Query(Releasing { reason: Words(why) }): Query<Releasing>,
) -> Result<StatusCode, Problem> {
    let (by, now) = (asking.by(), service.now());
    let done = service.with_state(move |service::State { store, home, .. }| {
        match holds::release(*store, *home, &[id], (&by, &why), now) {
            // Where nothing is held, this hold is not either.
            Err(EngineError::NoLedgerYet { .. }) => Ok(vec![]),
            done => Ok(done?),
        }
    });
    match done.await?.pop() {
        Some((_, Release::Released(_))) => {
            service.surveys.invalidate();
            Ok(StatusCode::NO_CONTENT)
        }
        Some((_, Release::Already { by, at })) => {
            Err(Problem::new(Code::Conflict, format!("hold {id} was released before, at {at} by {by}")))
        }
        Some((_, Release::Unknown)) | None => Err(not_found(id)),
    }
}

/// The number of a hold in a path, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "says what Number reads")]
pub(super) struct HoldPath {
    /// Its number.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: u64,
}

const _: () = assert!(WHOLE_MAX == 9_007_199_254_740_991);

fn not_found(id: u64) -> Problem {
    Problem::new(Code::NotFound, format!("there is no hold {id}; see: GET /api/v1/holds"))
}
