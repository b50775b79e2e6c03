//! Every route, who may take it, and how long it may take.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::get;

use super::auth::{self, Gate};
use super::{classic, docs, layers, scrape, v1};
use crate::service::Service;

/// The whole service.
pub(crate) fn router(service: &Arc<Service>, gate: &Arc<Gate>) -> Router {
    let config = &service.config().service;
    let with_token = from_fn_with_state(Arc::clone(gate), auth::required);
    let prompt = layers::timeout(
        Router::from(v1::router().merge(scrape::router())).with_state(Arc::clone(service)),
        config.request_timeout,
    );
    // A clean-up takes the time it takes.
    let patient = Router::from(classic::router()).with_state(Arc::clone(service));
    let protected = prompt.merge(patient).route_layer(with_token);
    let open = Router::from(docs::anonymous()).with_state(Arc::clone(service));
    let open = layers::timeout(open, config.request_timeout).route("/", get(async || Redirect::to("docs/")));
    layers::wrap(protected.merge(open), config, service.metrics.clone())
}

/// The metrics on a listener of their own, where no token is asked for.
pub(crate) fn metrics(service: &Arc<Service>) -> Router {
    let scraped = Router::from(scrape::router()).with_state(Arc::clone(service));
    layers::plain(layers::timeout(scraped, service.config().service.request_timeout))
}
