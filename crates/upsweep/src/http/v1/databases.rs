//! The databases whose rows claim files, and how they are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::input::NoQuery;
use super::view::{Database, Listed};
use crate::config::{self, masked};
use crate::http::problem::Problem;
use crate::secrets;
use crate::service::Service;
use crate::service::reach::Reached;

/// List the databases
///
/// Asks each whether it answers; what it said some seconds ago counts as well.
#[utoipa::path(get, path = "/databases", tag = "store", responses(
    (status = 200, description = "The databases, the default one first", body = Listed<Database>)
))]
pub(super) async fn list_databases(
    State(service): State<Arc<Service>>,
    _: NoQuery,
) -> Result<Json<Listed<Database>>, Problem> {
    let reached = service.reach().await;
    let view = |(reached, database): (&Reached, &config::Database)| {
        let Reached { name, at, outcome } = reached;
        let snapshot = outcome.as_ref().ok();
        Database {
            name: name.clone(),
            url: database.url.as_deref().map(masked),
            is_reachable: snapshot.is_some(),
            error: outcome.as_ref().err().map(|error| secrets::masked(error)),
            identity: snapshot.map(|snapshot| (&snapshot.identity).into()),
            is_replica: snapshot.map(|snapshot| snapshot.is_replica),
            role_can_write: snapshot.and_then(|snapshot| snapshot.role_can_write),
            checked_at: (*at).into(),
        }
    };
    let items = reached.iter().zip(&service.config().databases).map(view).collect();
    Ok(Json(Listed { items, next_cursor: None }))
}
