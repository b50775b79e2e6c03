//! The full API under `/api/v1`, one file per resource.

mod audit;
mod claim_rules;
mod config;
mod databases;
mod events;
mod explain;
mod history;
mod holds;
mod input;
mod plans;
mod quarantine;
mod runs;
mod series;
mod start;
mod store;
pub(super) mod text;
mod view;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;

pub(crate) use text::register;

/// Everything under `/api/v1`; whoever gets here has signed in.
pub(crate) fn router() -> OpenApiRouter<Arc<Service>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(plans::create_plan, plans::list_plans))
        .routes(routes!(plans::get_plan, plans::delete_plan))
        .routes(routes!(plans::list_plan_items))
        .routes(routes!(plans::approve_plan))
        .routes(routes!(plans::apply_plan))
        .routes(routes!(runs::create_run, runs::list_runs))
        .routes(routes!(runs::get_run))
        .routes(routes!(runs::list_run_items))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::restore_run))
        .routes(routes!(events::listen_to_run))
        .routes(routes!(quarantine::list_quarantine))
        .routes(routes!(quarantine::restore_files))
        .routes(routes!(quarantine::purge_files))
        .routes(routes!(holds::list_holds, holds::create_hold))
        .routes(routes!(holds::get_hold, holds::release_hold))
        .routes(routes!(store::get_store))
        .routes(routes!(databases::list_databases))
        .routes(routes!(claim_rules::get_claim_rules))
        .routes(routes!(explain::explain_file))
        .routes(routes!(history::get_history))
        .routes(routes!(history::get_series))
        .routes(routes!(config::get_config))
        .routes(routes!(audit::list_audit_records))
        .routes(routes!(audit::export_audit))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(audit::get_checkpoint));
    OpenApiRouter::new().nest("/api/v1", v1)
}

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod events_tests;
#[cfg(test)]
mod looking_tests;
#[cfg(test)]
mod plans_tests;
#[cfg(test)]
mod quarantine_tests;
#[cfg(test)]
mod runs_tests;
#[cfg(test)]
mod strict_tests;
