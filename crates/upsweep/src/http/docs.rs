//! What the service says of itself: OpenAPI 3.1, and Swagger UI to look at it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    self, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, ResponseBuilder, ServerBuilder,
};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::classic_docs::ClassicDocs;
use super::problem::{Code, Problem};
use super::{health, v1};
use crate::service::Service;

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
    let mut api = v1::router().merge(documented()).into_openapi();
    api.merge(ClassicDocs::openapi());
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
    let problem = (ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.extend([problem, (ProblemCode::name().into_owned(), ProblemCode::schema())]);
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    for (path, item) in &mut api.paths.paths {
        operations(item).for_each(|operation| complete(path, operation));
    }
    api
}

const BEARER: &str = "bearerAuth";

const TAGS: [(&str, &str); 10] = [
    ("plans", "What would be done, decided once and kept for a day"),
    ("runs", "What is done and was done"),
    ("quarantine", "What is hidden"),
    ("holds", "What people keep, whatever the rows say"),
    ("store", "The upload directory, its databases, its claim rules, its files"),
    ("history", "Sums over time"),
    ("audit", "Who did what, in a chain of hashes; for administrators"),
    ("config", "The settings in force; for administrators"),
    ("health", "For whoever looks after the process; without a token"),
    ("classic", "The contract of the classic clean-up router"),
];

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

/// What every operation of a kind has in common, said once.
fn complete(path: &str, operation: &mut Operation) {
    let mut problems = BTreeMap::from([(500, "It failed")]);
    if path.starts_with("/api/") {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
        problems.extend([
            (401, "No token, or none that is good"),
            (403, "The role may not do this"),
            (409, "A guard refused, another run works, or it does not fit the present state"),
            (422, "A parameter makes no sense, or is not known"),
            (429, "Too many requests"),
            (503, "The database or the store is away, or the service is shutting down"),
            (504, "It took too long"),
        ]);
    }
    if operation.request_body.is_some() {
        problems.extend([
            (400, "The body is no JSON"),
            (413, "The body is too large"),
            (415, "The body is said to be something else than JSON"),
        ]);
    }
    if path.contains('{') {
        problems.insert(404, "There is nothing of that id");
    }
    for (status, about) in problems {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
        let response = ResponseBuilder::new().description(about).content("application/problem+json", content).build();
        let declared = &mut operation.responses.responses;
        declared.entry(status.to_string()).or_insert(RefOr::T(response));
    }
}

/// Why something was not done, in the fields of RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemBody {
    /// `urn:upsweep:problem:` and the code.
    r#type: String,
    title: String,
    status: u16,
    /// For people: what, which object, what next.
    detail: String,
    code: ProblemCode,
    /// Never true.
    success: bool,
    /// The name of this request, as in the header `X-Request-ID`, the log and the audit trail.
    request_id: Option<String>,
    /// The run that works on the store, with the code `busy`.
    run_id: Option<String>,
    /// The guards' objections, with the code `refused`.
    #[schema(value_type = Option<Vec<Object>>)]
    refusals: Option<Vec<serde_json::Value>>,
}

/// The stable codes.
struct ProblemCode;

impl Serialize for ProblemCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Code::Internal.word())
    }
}

impl ToSchema for ProblemCode {}

impl utoipa::PartialSchema for ProblemCode {
    fn schema() -> RefOr<openapi::Schema> {
        let text = openapi::ObjectBuilder::new().schema_type(openapi::schema::Type::String);
        openapi::Schema::from(text.enum_values(Some(Code::words())).build()).into()
    }
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
