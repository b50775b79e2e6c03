//! What is hidden: looked at, brought back, freed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use upsweep_engine::ports::OpFilter;
use upsweep_engine::runs;
use upsweep_plan::lifecycle;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::input::{Asking, Body, MaybeBody, NoQuery, Page, Query, Repeatable};
use super::runs::{PurgeWish, items};
use super::start::{self, Wish};
use super::text::{self, Name};
use super::view::{Item, Listed, Run};
use crate::http::problem::{Code, Problem};
use crate::service::Service;
use crate::service::job::Task;

/// List what is hidden
///
/// And what is in conflict: hidden, with its place taken by another file.
#[utoipa::path(get, path = "/quarantine", tag = "quarantine", params(Page), responses(
    (status = 200, description = "The files, in the order in which they were hidden", body = Listed<Item>)
))]
pub(super) async fn list_quarantine(
    State(service): State<Arc<Service>>,
    Query(page): Query<Page>,
) -> Result<Json<Listed<Item>>, Problem> {
    let states = vec![lifecycle::State::Quarantined, lifecycle::State::Archiving, lifecycle::State::Conflict];
    items(&service, OpFilter { run: None, states }, page).await
}

/// Which files come back: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Restoring {
    #[serde(default, deserialize_with = "given")]
    keys: Option<Vec<Name>>,
    #[serde(default, deserialize_with = "given")]
    all: Option<bool>,
}

/// What is given must not be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// So many names fit into one request.
const KEYS_MAX: usize = 1_000;

impl ToSchema for Restoring {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        text::register::<Name>(schemas);
    }
}

impl PartialSchema for Restoring {
    fn schema() -> RefOr<Schema> {
        let names = ArrayBuilder::new().items(text::reference::<Name>()).min_items(Some(1)).max_items(Some(KEYS_MAX));
        let names = Schema::from(names.build()).into();
        let all: Schema = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build().into();
        let about = "Files by their names, or all that are hidden.";
        OneOfBuilder::new()
            .description(Some(about))
            .item(text::closed(vec![("keys", names, true)]))
            .item(text::closed(vec![("all", all.into(), true)]))
            .into()
    }
}

/// Bring files back
///
/// Starts a run that brings them back and holds them, so that the next night does not hide them again. What is not
/// hidden comes from the archive, where there is a copy; names that are neither are told in the run's report.
#[utoipa::path(post, path = "/quarantine/restore", tag = "quarantine", params(Repeatable), request_body = Restoring, responses(
    (status = 202, description = "The run", body = Run, headers(
        ("Location" = String, description = "Where the run is"),
        ("Idempotency-Replayed" = Option<String>, description = "`true` where an equal request started it before")
    ))
))]
pub(super) async fn restore_files(
    State(service): State<Arc<Service>>,
    asking: Asking,
    _: NoQuery,
    Body { value, raw }: Body<Restoring>,
) -> Result<Response, Problem> {
    let selection = match (value.keys, value.all) {
        (Some(keys), None) if (1..=KEYS_MAX).contains(&keys.len()) => {
            runs::Selection::Keys(keys.into_iter().map(|Name(key)| key).collect())
        }
        (None, Some(true)) => runs::Selection::All,
        _ => {
            let detail = format!("the body: either keys, with 1 to {KEYS_MAX} names, or all, which must be true");
            return Err(Problem::new(Code::InvalidParameter, detail));
        }
    };
    let wish = Wish { task: Task::Restore(selection), approval: None, raw: &raw };
    start::start(&service, &asking, wish).await
}

/// Free what is due
///
/// The same as a run of the kind `purge`: frees the hidden files whose time is over, if new evidence agrees.
#[utoipa::path(post, path = "/quarantine/purge", tag = "quarantine", params(Repeatable), request_body = Option<PurgeWish>, responses(
    (status = 202, description = "The run", body = Run, headers(
        ("Location" = String, description = "Where the run is"),
        ("Idempotency-Replayed" = Option<String>, description = "`true` where an equal request started it before")
    ))
))]
pub(super) async fn purge_files(
    State(service): State<Arc<Service>>,
    asking: Asking,
    _: NoQuery,
    MaybeBody { value: PurgeWish { approval }, raw }: MaybeBody<PurgeWish>,
) -> Result<Response, Problem> {
    let approval = asking.approval(approval)?;
    start::start(&service, &asking, Wish { task: Task::Purge, approval, raw: &raw }).await
}
