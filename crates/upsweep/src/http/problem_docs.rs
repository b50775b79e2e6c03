//! What can go wrong, as the documentation tells it: the body of a problem, and which problems each operation has.

use serde::Serialize;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, HttpMethod, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::docs::is_protected;
use super::problem::Code;
use crate::library::{CleanupResult, Objection};

/// What an operation may be, as far as its problems are concerned.
struct Asked<'a> {
    method: &'a HttpMethod,
    path: &'a str,
    has_body: bool,
}

impl Asked<'_> {
    fn is_v1(&self) -> bool {
        self.path.starts_with("/api/v1/")
    }

    fn is_classic(&self) -> bool {
        self.path.starts_with("/api/admin/")
    }

    fn is_classic_clean_up(&self) -> bool {
        self.is_classic() && matches!(self.method, HttpMethod::Post)
    }

    /// Whether it opens the store, where a guard may object and a run may be in the way.
    fn opens_store(&self) -> bool {
        const WITHOUT: [&str; 4] =
            ["/api/admin/cleanup/config", "/api/v1/config", "/api/v1/databases", "/api/v1/claim-rules"];
        self.path.starts_with("/api/") && !WITHOUT.contains(&self.path)
    }
}

/// A status, what it says, and whose it is.
type Row = (u16, &'static str, fn(&Asked<'_>) -> bool);

const TABLE: [Row; 12] = [
    (400, "The request cannot be read; a body is no JSON", |asked| asked.has_body || asked.is_classic_clean_up()),
    (401, "No token, or none that is good", |asked| is_protected(asked.path)),
    (403, "The role may not do this", |asked| is_protected(asked.path)),
    (404, "There is nothing of that id", |asked| asked.path.contains('{')),
    (409, "A guard refused, another run works, or it does not fit the present state", |asked| asked.opens_store()),
    (413, "The body is too large", |_| true),
    (415, "The body is said to be something else than JSON", |asked| asked.has_body),
    (422, "A parameter makes no sense, or is not known", |asked| asked.is_v1() || asked.is_classic_clean_up()),
    (429, "Too many requests, or too many failed sign-ins", |asked| is_protected(asked.path)),
    (500, "It failed", |_| true),
    (503, "The database, the store or the keys of tokens are away, or the service is shutting down", |asked| {
        is_protected(asked.path)
    }),
    // A clean-up takes the time it takes.
    (504, "It took too long", |asked| !asked.is_classic()),
];

/// Adds the problems that an operation has, and the headers that answers have.
pub(super) fn complete(method: &HttpMethod, path: &str, operation: &mut Operation) {
    let asked = Asked { method, path, has_body: operation.request_body.is_some() };
    let declared = &mut operation.responses.responses;
    for (status, about, _) in TABLE.into_iter().filter(|(_, _, has)| has(&asked)) {
        declared.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(status, about)));
    }
    for response in declared.values_mut() {
        if let RefOr::T(response) = response {
            let about = "The name of this request, in the log and in the audit trail: the caller's, where it is decent";
            response.headers.insert("X-Request-Id".to_owned(), header(Type::String, about));
        }
    }
}

fn problem(status: u16, about: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let mut response = ResponseBuilder::new().description(about).content("application/problem+json", content).build();
    let (name, header) = match status {
        401 => ("WWW-Authenticate", header(Type::String, "`Bearer`")),
        409 | 429 | 503 => {
            let about = "After so many seconds it may be different, where that is known";
            ("Retry-After", header(Type::Integer, about))
        }
        _ => return response,
    };
    response.headers.insert(name.to_owned(), header);
    response
}

fn header(kind: Type, about: &str) -> RefOr<utoipa::openapi::Header> {
    let schema = Schema::from(ObjectBuilder::new().schema_type(kind).build());
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build().into()
}

/// Why something was not done, in the fields of RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// `urn:upsweep:problem:` and the code.
    r#type: String,
    title: String,
    status: u16,
    /// For people: what, which object, what next.
    detail: String,
    code: ProblemCode,
    /// Never true.
    success: bool,
    /// The name of this request, as in the header `X-Request-Id`, the log and the audit trail.
    request_id: Option<String>,
    /// The parameter that makes no sense, of a classic path.
    parameter: Option<String>,
    /// What was given for it.
    value: Option<String>,
    /// The guards' objections, with the code `refused`.
    refusals: Option<Vec<Objection>>,
    /// The plan that was refused and that an administrator may look at and approve, of a classic clean-up.
    plan_id: Option<String>,
    /// The run that works on the store, with the code `busy`; otherwise the run that ended so.
    run_id: Option<String>,
    /// What a classic clean-up did before it was refused or failed.
    result: Option<CleanupResult>,
}

/// The stable codes.
struct ProblemCode;

impl Serialize for ProblemCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Code::Internal.word())
    }
}

impl ToSchema for ProblemCode {}

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        Schema::from(text.enum_values(Some(Code::words())).build()).into()
    }
}
