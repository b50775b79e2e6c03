//! The classic contract: the paths, parameters and answers of the service that applications had before, unchanged for
//! whoever calls them.

mod params;
mod status;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::library::call::{Call, Kind};
use crate::library::{CleanupResult, CleanupSettings};
use crate::service::Service;
use params::{Parameters, Params};

/// The contract's routes. A clean-up takes as long as it takes: no time limit may lie around them.
pub(crate) fn router() -> OpenApiRouter<Arc<Service>> {
    let classic = OpenApiRouter::new()
        .routes(routes!(clean_orphaned_files))
        .routes(routes!(clean_failed_sessions))
        .routes(routes!(clean_all))
        .routes(routes!(status::cleanup_status))
        .routes(routes!(cleanup_config));
    OpenApiRouter::new().nest("/api/admin/cleanup", classic).layer(Extension(Arc::new(status::Cache::default())))
}

/// What a clean-up answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cleaned {
    /// Always true: what is no success has another form.
    success: bool,
    message: &'static str,
    result: CleanupResult,
}

/// What everybody brings along who wants a clean-up.
struct Asked {
    service: Arc<Service>,
    caller: Caller,
    request: RequestId,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
}

impl Asked {
    async fn carry_out(self, kind: Kind, message: &'static str) -> Result<Json<Cleaned>, Problem> {
        let Self { service, caller, request, query } = self;
        let Query(pairs) = query.map_err(|error| Problem::new(Code::InvalidRequest, error.body_text()))?;
        let Params { dry_run, after, before, approval } = Params::read(&pairs, caller.is_admin(), service.now())?;
        let call = Call { kind, dry_run, after, before, approval, by: caller.by(&request) };
        let result = call.carry_out(&service).await?;
        Ok(Json(Cleaned { success: true, message, result }))
    }
}

impl axum::extract::FromRequestParts<Arc<Service>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, service).await?;
        let Ok(request) = RequestId::from_request_parts(parts, service).await;
        let query = Query::from_request_parts(parts, service).await;
        Ok(Self { service: Arc::clone(service), caller, request, query })
    }
}

/// Clean up orphaned files
///
/// Answers when it is done, however long that takes. Unknown parameters are ignored, unless they look like a known one.
#[utoipa::path(post, path = "/orphaned-files", tag = "classic", params(Parameters), responses(
    (status = 200, description = "What was done, or, of a dry run, what would be", body = Cleaned)
))]
async fn clean_orphaned_files(asked: Asked) -> Result<Json<Cleaned>, Problem> {
    asked.carry_out(Kind::Orphans, "Orphaned file cleanup completed").await
}

/// Clean up failed sessions
///
/// Answers when it is done, however long that takes. Unknown parameters are ignored, unless they look like a known one.
#[utoipa::path(post, path = "/failed-sessions", tag = "classic", params(Parameters), responses(
    (status = 200, description = "What was done, or, of a dry run, what would be", body = Cleaned)
))]
async fn clean_failed_sessions(asked: Asked) -> Result<Json<Cleaned>, Problem> {
    asked.carry_out(Kind::FailedSessions, "Failed session cleanup completed").await
}

/// Clean up everything
///
/// Answers when it is done, however long that takes. Unknown parameters are ignored, unless they look like a known one.
#[utoipa::path(post, path = "/all", tag = "classic", params(Parameters), responses(
    (status = 200, description = "What was done, or, of a dry run, what would be", body = Cleaned)
))]
async fn clean_all(asked: Asked) -> Result<Json<Cleaned>, Problem> {
    asked.carry_out(Kind::Everything, "Full cleanup completed").await
}

/// Show the classic settings
///
/// Asks neither the store nor the database, so it answers whatever else goes on.
#[utoipa::path(get, path = "/config", tag = "classic", responses(
    (status = 200, description = "The settings", body = CleanupSettings)
))]
async fn cleanup_config(State(service): State<Arc<Service>>, _caller: Caller) -> Json<CleanupSettings> {
    Json(CleanupSettings::from(service.config()))
}

#[cfg(test)]
#[path = "cleaning_tests.rs"]
mod cleaning_tests;
#[cfg(test)]
#[path = "refusing_tests.rs"]
mod refusing_tests;
#[cfg(test)]
#[path = "showing_tests.rs"]
mod showing_tests;
