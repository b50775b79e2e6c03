//! What the service says of itself: OpenAPI 3.1, and Swagger UI to look at it.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::HttpMethod;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, ServerBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Code, Problem};
use super::problem_docs::{self, ProblemBody};
use super::{classic, health, scrape, v1};
use crate::service::Service;
use crate::service::events::{Event, What};

/// What anybody may see.
pub(crate) fn anonymous() -> OpenApiRouter<Arc<Service>> {
    documented().route("/docs", get(to_docs)).route("/docs/", get(index)).route("/docs/{*file}", get(file))
}

fn documented() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().merge(health::router()).routes(routes!(openapi_json))
}

/// What Swagger UI needs: its own scripts and styles, the styles that it sets itself, its pictures, and this API.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Relative, so that it is right behind any proxy.
async fn to_docs() -> Redirect {
    Redirect::to("docs/")
}

async fn index() -> Response {
    served("index.html")
}

async fn file(Path(file): Path<String>) -> Response {
    served(&file)
}

fn served(file: &str) -> Response {
    static CONFIG: OnceLock<Arc<utoipa_swagger_ui::Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let config = utoipa_swagger_ui::Config::new(["../openapi.json"]);
        // Nothing is asked of a server elsewhere.
        Arc::new(config.validator_url("none").display_request_duration(true).filter(true))
    });
    match utoipa_swagger_ui::serve(file, Arc::clone(config)) {
        Ok(Some(file)) => {
            let kind = HeaderValue::from_str(&file.content_type).unwrap_or(HeaderValue::from_static("text/plain"));
            let headers: [(HeaderName, HeaderValue); 2] = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)];
            (headers, file.bytes.into_owned()).into_response()
        }
        Ok(None) => Problem::new(Code::NotFound, "there is no such page; see: /docs/").into_response(),
        Err(error) => Problem::new(Code::Internal, format!("the page cannot be made: {error}")).into_response(),
    }
}

/// Describe this API
///
/// The document that you are reading.
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn openapi_json() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi().to_json().map(Bytes::from).unwrap_or_default());
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (headers, text.clone()).into_response()
}

/// Everything that the service answers.
pub(crate) fn openapi() -> OpenApi {
    let mut api = v1::router().merge(scrape::router()).merge(classic::router()).merge(documented()).into_openapi();
    api.info = InfoBuilder::new()
        .title("Upsweep")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Finds audio files that no session claims, and clears them away without losing one that is still needed. Sign in with a token of the application: `Authorization: Bearer TOKEN`."))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
        .build();
    api.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    let tag = |(name, about): (&str, &str)| TagBuilder::new().name(name).description(Some(about)).build();
    api.tags = Some(TAGS.into_iter().map(tag).collect());
    let components = api.components.get_or_insert_default();
    let mut schemas = Vec::new();
    v1::register::<ProblemBody>(&mut schemas);
    // Of the stream only the text of an event's data has a schema of its own, and no operation can refer to it.
    v1::register::<Event>(&mut schemas);
    v1::register::<What>(&mut schemas);
    components.schemas.extend(schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            if is_protected(path) {
                operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
            }
            problem_docs::complete(&method, path, operation);
        }
    }
    api
}

const BEARER: &str = "bearerAuth";

const TAGS: [(&str, &str); 11] = [
    ("plans", "What would be done, decided once and kept for a day"),
    ("runs", "What is done and was done"),
    ("quarantine", "What is hidden"),
    ("holds", "What people keep, whatever the rows say"),
    ("store", "The upload directory, its databases, its claim rules, its files"),
    ("history", "Sums over time"),
    ("audit", "Who did what, in a chain of hashes; for administrators"),
    ("config", "The settings in force; for administrators"),
    ("health", "For whoever looks after the process; without a token"),
    ("metrics", "Figures for whoever watches"),
    ("classic", "The contract of the classic clean-up router"),
];

/// Whether a path takes a token.
pub(super) fn is_protected(path: &str) -> bool {
    path.starts_with("/api/") || path == "/metrics"
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [
        (HttpMethod::Get, get),
        (HttpMethod::Put, put),
        (HttpMethod::Post, post),
        (HttpMethod::Delete, delete),
        (HttpMethod::Patch, patch),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
