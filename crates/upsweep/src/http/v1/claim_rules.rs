//! How rows name files, and what that amounts to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::input::NoQuery;
use super::view::{ClaimCounts, ClaimRules};
use crate::http::problem::Problem;
use crate::service::Service;

/// Show the claim rules
///
/// With what all of them together amounted to at the newest survey; one that is some seconds old counts. The claims
/// that concern one file are told rule by rule by its explanation.
#[utoipa::path(get, path = "/claim-rules", tag = "store", responses(
    (status = 200, description = "The rules", body = ClaimRules)
))]
pub(super) async fn get_claim_rules(
    State(service): State<Arc<Service>>,
    _: NoQuery,
) -> Result<Json<ClaimRules>, Problem> {
    let surveyed = service.survey().await;
    let counts = surveyed.as_ref().ok().map(|plan| ClaimCounts::of(plan.created_at, &plan.survey));
    let survey_error = match &surveyed {
        // Of a survey that did not complete the figures mean nothing.
        Ok(plan) => plan.incomplete.first().cloned(),
        Err(problem) => Some(problem.detail().to_owned()),
    };
    let rules = service.config().policy.claim_rules.iter().map(Into::into).collect();
    Ok(Json(ClaimRules { rules, counts: counts.filter(|_| survey_error.is_none()), survey_error }))
}
