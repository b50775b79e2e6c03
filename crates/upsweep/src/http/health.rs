//! Whether the service lives, and whether it could do its work. Anybody may ask, so nothing here names a path, a URL
//! or an error's words; the log and `/api/v1` do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;
use crate::service::reach::Grounds;

pub(crate) fn router() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// The process answers.
#[derive(Serialize, ToSchema)]
struct Alive {
    /// `alive`.
    status: &'static str,
    version: &'static str,
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does", body = Alive)))]
async fn alive() -> Json<Alive> {
    Json(Alive { status: "alive", version: env!("CARGO_PKG_VERSION") })
}

/// Whether the service could do its work.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// `ready` or `not_ready`.
    status: &'static str,
    checks: Vec<Check>,
}

/// One thing that the work needs.
#[derive(Serialize, ToSchema)]
struct Check {
    /// `serving`, `store`, `ledger`, or `database:` and its name in the configuration.
    name: String,
    is_good: bool,
    /// What is the matter, in general words.
    detail: Option<&'static str>,
}

/// Whether the service could do its work
///
/// The store is there and is the one that was bound, the ledger can be opened, every database answers, and the service
/// is not shutting down. Some seconds old at most.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It could", body = Ready),
    (status = 503, description = "It could not", body = Ready)
))]
async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Ready>) {
    let mut checks = Vec::new();
    let mut check = |name: String, detail: Option<&'static str>| {
        checks.push(Check { name, is_good: detail.is_none(), detail });
    };
    check("serving".to_owned(), service.shutdown.is_cancelled().then_some("the service is shutting down"));
    let Grounds { store, ledger } = service.grounds().await;
    check("store".to_owned(), store);
    check("ledger".to_owned(), ledger);
    for reached in &*service.reach().await {
        let detail = reached.outcome.as_ref().err().map(|_| "it does not answer as it should");
        check(format!("database:{}", reached.name), detail);
    }
    if service.config().databases.is_empty() {
        check("database".to_owned(), Some("none is configured"));
    }
    let is_ready = checks.iter().all(|check| check.is_good);
    let (code, status) =
        if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(Ready { status, checks }))
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
