//! The configuration that is in force.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::input::NoQuery;
use crate::config::Shown;
use crate::http::auth::Caller;
use crate::http::problem::Problem;
use crate::service::Service;

/// The configuration that is in force.
#[derive(Serialize, ToSchema)]
pub(super) struct Effective {
    settings: Vec<Setting>,
    /// The files that values were read from.
    files: Vec<String>,
    /// Settings that are allowed but unusual.
    warnings: Vec<String>,
}

/// One setting.
#[derive(Serialize, ToSchema)]
pub(super) struct Setting {
    key: String,
    /// Its value; secrets are masked.
    value: Option<String>,
    /// Where the value came from.
    origin: String,
}

impl From<&Shown> for Setting {
    fn from(Shown { key, value, origin }: &Shown) -> Self {
        Self { key: key.clone(), value: value.clone(), origin: origin.clone() }
    }
}

/// Show the configuration
///
/// For administrators: every setting with its value and where it came from; secrets are masked.
#[utoipa::path(get, path = "/config", tag = "config", responses(
    (status = 200, description = "The configuration", body = Effective)
))]
pub(super) async fn get_config(
    State(service): State<Arc<Service>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<Effective>, Problem> {
    if !caller.is_admin() {
        return Err(Problem::not_permitted());
    }
    let config = service.config();
    Ok(Json(Effective {
        settings: config.shown.iter().map(Into::into).collect(),
        files: config.files.iter().map(|file| file.display().to_string()).collect(),
        warnings: config.warnings.clone(),
    }))
}
