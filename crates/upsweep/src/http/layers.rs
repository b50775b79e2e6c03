//! What every request passes through. From the outside in: its name (which also writes the bodies of problems), the
//! line in the log, headers, CORS, panics, the size of its body. So whatever goes wrong inside comes back as a problem
//! with the request's name, and is logged.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::metrics::Metrics;
use super::problem::{Code, Problem};
use super::request_id::{self, REQUEST_ID, RequestId};
use crate::config::ServiceConfig;

/// Larger bodies are refused: the largest sensible one is a list of names.
pub(crate) const BODY_MAX_BYTES: usize = 1024 * 1024;

/// Puts everything around a router that has all of its routes.
pub(crate) fn wrap(router: Router, config: &ServiceConfig, metrics: Metrics) -> Router {
    let is_tls = config.tls.is_some();
    let mut router = router
        .layer(RequestBodyLimitLayer::new(BODY_MAX_BYTES))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| panicked()));
    if !config.cors_origins.is_empty() {
        router = router.layer(cors(&config.cors_origins));
    }
    router
        .layer(from_fn_with_state(is_tls, headers))
        .layer(from_fn_with_state(metrics, observe))
        .layer(from_fn(request_id::name))
}

/// Puts around a router for machines alone what keeps it answering, and gives its problems their bodies.
pub(crate) fn plain(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| panicked())).layer(from_fn(request_id::name))
}

/// Gives each request of the router so long, and then answers that it took too long. What it began may go on.
pub(crate) fn timeout(router: Router, limit: Duration) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| async move {
        let answered = tokio::time::timeout(limit, next.run(request)).await;
        answered.unwrap_or_else(|_| {
            let detail = format!("no answer within {} seconds; try again later", limit.as_secs());
            Problem::new(Code::TimedOut, detail).into_response()
        })
    }))
}

/// The panic's own words went to standard error; they are nothing for callers.
fn panicked() -> Response {
    tracing::error!("a request ended in a panic: this is a defect in upsweep");
    Problem::new(Code::Internal, "something went wrong inside; the service's log says what").into_response()
}

/// Tokens travel in a header of their own and never in cookies, so no credentials are allowed.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([LOCATION, REQUEST_ID, RETRY_AFTER, HeaderName::from_static("idempotency-replayed")])
        .max_age(Duration::from_secs(3_600))
}

/// What browsers are told. A handler's own word on caching counts.
async fn headers(State(is_tls): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("frame-ancestors 'none'"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// One line per request, and a count. Only the pattern of the path: names of files may be in the path itself, and
/// tokens in its query.
async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let (status, millis) = (response.status().as_u16(), begun.elapsed().as_millis());
    let id = id.as_ref().map_or("", RequestId::as_str);
    tracing::info!(target: "upsweep::http", request_id = id, method, route, status, millis = %millis, "answered");
    metrics.request(&route, method, status);
    response
}

/// Callers may make up methods; a log and a label take the known ones.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
