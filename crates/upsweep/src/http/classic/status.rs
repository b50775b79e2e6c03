//! The status: one survey, and one answer written of it, for everybody who asks.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::Mutex;
use upsweep_plan::plan::Plan;
use utoipa::ToSchema;

use crate::http::auth::Caller;
use crate::http::problem::{Code, Problem};
use crate::library::CleanupResult;
use crate::library::call::{self, without_store};
use crate::service::Service;

/// What the status answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CleanupStatus)]
pub(crate) struct Status {
    /// Always true: what is no success has another form.
    success: bool,
    message: &'static str,
    potential_cleanup: CleanupResult,
}

/// The answer of the newest survey, and that survey: kept, so that no other can have its place in memory.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<(Arc<Plan>, Bytes)>>);

/// Show what a clean-up would do
///
/// Changes nothing; one survey answers many callers.
#[utoipa::path(get, path = "/status", tag = "classic", responses(
    (status = 200, description = "What would be done", body = Status)
))]
pub(super) async fn cleanup_status(
    State(service): State<Arc<Service>>,
    Extension(cache): Extension<Arc<Cache>>,
    _caller: Caller,
) -> Result<Response, Problem> {
    let bytes = match service.survey().await {
        Ok(plan) => cache.answer(&service, plan).await?,
        Err(problem) => written(without_store(&service, problem, true)?)?,
    };
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

impl Cache {
    async fn answer(&self, service: &Arc<Service>, plan: Arc<Plan>) -> Result<Bytes, Problem> {
        let mut newest = self.0.lock().await;
        if let Some((of, bytes)) = &*newest
            && Arc::ptr_eq(of, &plan)
        {
            return Ok(bytes.clone());
        }
        let potential = call::status_of(service, &plan).await;
        let bytes = service.blocking(|_| written(potential)).await?;
        *newest = Some((plan, bytes.clone()));
        Ok(bytes)
    }
}

fn written(potential_cleanup: CleanupResult) -> Result<Bytes, Problem> {
    let status = Status { success: true, message: "Cleanup status retrieved", potential_cleanup };
    let bytes = serde_json::to_vec(&status).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(Bytes::from(bytes))
}
