//! Plans: what would be done, kept until somebody has it done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use upsweep_engine::ports::{KeptPlan, PlanApproval};
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::Removal;
use upsweep_plan::selection;
use utoipa::{IntoParams, ToSchema};

use super::input::{Asking, Body, Id, Limit, MaybeBody, NoQuery, Query, Repeatable};
use super::start::{self, Wish, located};
use super::text::{PrefixText, Time, Whole};
use super::view::{self, Approving, Listed, PlanHead, ReasonKind, Run};
use crate::http::problem::{Code, Problem};
use crate::service::Service;
use crate::service::job::Task;

/// What a plan is limited to; an original and its variants stay together. Without any member it is everything.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// Only files that may go for these reasons.
    #[serde(default)]
    #[schema(max_items = 10)]
    only: Vec<ReasonKind>,
    /// Only files whose names begin so.
    #[serde(default)]
    #[schema(max_items = 100)]
    prefixes: Vec<PrefixText>,
    /// Only files last modified at this time or later.
    modified_after: Option<Time>,
    /// Only files last modified before this time.
    modified_before: Option<Time>,
    /// Only files of sessions that were created (or expired) at this time or later; no orphans.
    created_after: Option<Time>,
    /// Only files of sessions that were created (or expired) before this time; no orphans.
    created_before: Option<Time>,
    /// Only what dates from this time or later: files of sessions by their rows, orphans by their last modification.
    dated_after: Option<Time>,
    /// Only what dates from before this time.
    dated_before: Option<Time>,
    /// Only files that are, with their variants, at least this large.
    min_size_bytes: Option<Whole>,
    /// At most this many files, those that may go the longest first.
    limit: Option<Whole>,
}

impl Selection {
    pub(super) fn checked(self) -> Result<selection::Selection, Problem> {
        if self.only.len() > 10 || self.prefixes.len() > 100 {
            let detail = "selection: only has at most 10 members, prefixes at most 100";
            return Err(Problem::new(Code::InvalidParameter, detail));
        }
        Ok(selection::Selection {
            only: self.only.into_iter().map(|kind| kind.word().to_owned()).collect(),
            prefixes: self.prefixes.into_iter().map(|PrefixText(prefix)| prefix).collect(),
            modified_after: self.modified_after.map(|time| time.0),
            modified_before: self.modified_before.map(|time| time.0),
            created_after: self.created_after.map(|time| time.0),
            created_before: self.created_before.map(|time| time.0),
            dated_after: self.dated_after.map(|time| time.0),
            dated_before: self.dated_before.map(|time| time.0),
            min_size_bytes: self.min_size_bytes.map(|size| size.0),
            limit: self.limit.map(|limit| limit.0),
        })
    }
}

/// Make a plan
///
/// Looks at the store and the databases, and keeps what a run would do. Nothing is changed.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = Option<Selection>, responses(
    (status = 201, description = "The plan", body = PlanHead, headers(("Location" = String, description = "Where it is")))
))]
pub(super) async fn create_plan(
    State(service): State<Arc<Service>>,
    asking: Asking,
    _: NoQuery,
    MaybeBody { value, raw: _ }: MaybeBody<Selection>,
) -> Result<Response, Problem> {
    let selection = value.checked()?;
    service.databases_answer().await?;
    let (worker, by) = (Arc::clone(&service), asking.by());
    // Who did not wait for it finds it in the list.
    let kept = service.to_the_end(async move {
        let plan = worker.plan_for(selection).await?;
        keep(&worker, Plan::clone(&plan), by).await
    });
    let kept = kept.await?;
    let (head, place) = (PlanHead::from(kept.head()), format!("/api/v1/plans/{}", kept.plan.id));
    Ok((StatusCode::CREATED, located(&place), Json(head)).into_response())
}

/// Those who ask at the same time may share one plan: it is kept once, in the name of the first.
async fn keep(service: &Arc<Service>, plan: Plan, by: String) -> Result<KeptPlan, Problem> {
    let _turn = service.shelf.turn.lock().await;
    if let Some(kept) = service.kept_plan(&plan.id).await? {
        return Ok(kept);
    }
    let kept = KeptPlan { plan, by, approval: None };
    service.keep_plan(kept.clone()).await?;
    Ok(kept)
}

/// List the plans that can still be applied
///
/// The newest first; at most 50 are kept, each for a day.
#[utoipa::path(get, path = "/plans", tag = "plans", responses((status = 200, description = "The plans", body = Listed<PlanHead>)))]
pub(super) async fn list_plans(
    State(service): State<Arc<Service>>,
    _: NoQuery,
) -> Result<Json<Listed<PlanHead>>, Problem> {
    let heads = service.plan_heads().await?;
    Ok(Json(Listed { items: heads.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Show a plan
#[utoipa::path(get, path = "/plans/{id}", tag = "plans", params(IdPath), responses(
    (status = 200, description = "The plan", body = PlanHead)
))]
pub(super) async fn get_plan(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    _: NoQuery,
) -> Result<Json<PlanHead>, Problem> {
    Ok(Json(find(&service, &id).await?.head().into()))
}

/// Which of a plan's files.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Items {
    /// Where the page begins: the `next_cursor` of the page before. Without one it is the first.
    #[serde(default)]
    cursor: Option<Whole>,
    /// At most this many.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// Only files that may go for this reason.
    #[serde(default)]
    reason: Option<ReasonKind>,
}

/// List the files that a plan would remove
#[utoipa::path(get, path = "/plans/{id}/items", tag = "plans", params(IdPath, Items), responses(
    (status = 200, description = "The files, in the order of their names", body = Listed<view::Removal>)
))]
pub(super) async fn list_plan_items(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Query(Items { cursor, limit, reason }): Query<Items>,
) -> Result<Json<Listed<view::Removal>>, Problem> {
    let plan = find(&service, &id).await?.plan;
    let first = cursor.map_or(0, |cursor| usize::try_from(cursor.0).unwrap_or(usize::MAX));
    let is_meant = |removal: &Removal| reason.is_none_or(|reason| removal.reason.kind() == reason.word());
    let meant = plan.removals.iter().enumerate().skip(first).filter(|(_, removal)| is_meant(removal));
    let found: Vec<(usize, &Removal)> = meant.take(limit.0 + 1).collect();
    let next = |(at, _): &(usize, &Removal)| (at + 1).to_string();
    Ok(Json(Listed::of(found, limit.0, next, |(_, removal)| removal.into())))
}

/// Approve what guards refuse in a plan
///
/// For administrators, and only for guards that object to this very plan and may be overruled. Applying the plan uses
/// the approval. A later one replaces an earlier one.
#[utoipa::path(post, path = "/plans/{id}/approval", tag = "plans", params(IdPath), request_body = Approving, responses(
    (status = 201, description = "The plan with its approval", body = PlanHead, headers(
        ("Location" = String, description = "Where the plan is")
    ))
))]
pub(super) async fn approve_plan(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Id(id): Id,
    _: NoQuery,
    Body { value, raw: _ }: Body<Approving>,
) -> Result<Response, Problem> {
    let approval = asking.approval(Some(value))?;
    let mut kept = find(&service, &id).await?;
    let Some(approval) = approval else { return Err(Problem::not_permitted()) };
    let refused: Vec<_> = kept.plan.refusals.iter().map(|refusal| refusal.code).collect();
    if let Some(other) = approval.codes.iter().find(|code| !refused.contains(code)) {
        let detail = format!("{other} does not refuse this plan, so there is nothing to approve; see would_refuse");
        return Err(Problem::new(Code::Conflict, detail));
    }
    let approval = PlanApproval { plan: kept.plan.hash.clone(), approval, by: asking.by(), at: service.now() };
    if !service.approve_plan(&id, approval.clone()).await? {
        return Err(not_found(&id));
    }
    kept.approval = Some(approval);
    let place = format!("/api/v1/plans/{id}");
    Ok((StatusCode::CREATED, located(&place), Json(PlanHead::from(kept.head()))).into_response())
}

/// What else is to be said when a plan is applied.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Applying {
    /// What an administrator overrules, in place of the plan's own approval.
    approval: Option<Approving>,
}

/// Apply a plan
///
/// Starts a run that does exactly what the plan says, or less.
#[utoipa::path(post, path = "/plans/{id}/apply", tag = "plans", params(IdPath, Repeatable), request_body = Option<Applying>, responses(
    (status = 202, description = "The run", body = Run, headers(
        ("Location" = String, description = "Where the run is"),
        ("Idempotency-Replayed" = Option<String>, description = "`true` where an equal request started it before")
    ))
))]
pub(super) async fn apply_plan(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Id(id): Id,
    _: NoQuery,
    MaybeBody { value: Applying { approval }, raw }: MaybeBody<Applying>,
) -> Result<Response, Problem> {
    let approval = asking.approval(approval)?;
    let KeptPlan { plan, by: _, approval: kept } = find(&service, &id).await?;
    let approval = approval.or_else(|| kept.and_then(|kept| kept.of(&plan)));
    start::start(&service, &asking, Wish { task: Task::Apply(Box::new(plan)), approval, raw: &raw }).await
}

/// Drop a plan
#[utoipa::path(delete, path = "/plans/{id}", tag = "plans", params(IdPath), responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_plan(
    State(service): State<Arc<Service>>,
    asking: Asking,
    Id(id): Id,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    if service.drop_plan(&id, asking.by()).await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found(&id)) }
}

/// A run or a plan in a path, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "says what Id reads")]
pub(super) struct IdPath {
    /// Its id.
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z-]+$")]
    id: String,
}

async fn find(service: &Arc<Service>, id: &str) -> Result<KeptPlan, Problem> {
    service.kept_plan(id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Problem {
    Problem::new(
        Code::NotFound,
        format!("there is no plan {id}, or it has expired; make a new one: POST /api/v1/plans"),
    )
}
