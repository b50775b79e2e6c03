//! Refusals and failures: one body for both worlds, the fields of RFC 9457 and the classic `success: false`.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{ClaimError, LeaseError, StoreError};
use upsweep_plan::guard::Refusal;

use super::request_id::RequestId;
use crate::secrets;

/// What an answer says that is no success.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    detail: String,
    /// Members of the body besides the ones that every problem has.
    more: Map<String, Value>,
    retry_after_secs: Option<u64>,
    /// Whether it was not done because somebody had it stopped.
    is_stop: bool,
}

/// The stable codes; each has its status and its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    Unauthenticated,
    NotPermitted,
    NotFound,
    MethodNotAllowed,
    TimedOut,
    Refused,
    Busy,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    InvalidParameter,
    KeyReused,
    RateLimited,
    Internal,
    DatabaseUnavailable,
    KeysUnavailable,
    StoreUnavailable,
    ShuttingDown,
}

impl Code {
    /// Every code, its word, its status, its title.
    const ALL: [(Self, &'static str, StatusCode, &'static str); 19] = [
        (Self::InvalidRequest, "invalid_request", StatusCode::BAD_REQUEST, "The request cannot be read"),
        (Self::Unauthenticated, "unauthenticated", StatusCode::UNAUTHORIZED, "Not authenticated"),
        (Self::NotPermitted, "not_permitted", StatusCode::FORBIDDEN, "Not permitted"),
        (Self::NotFound, "not_found", StatusCode::NOT_FOUND, "Not found"),
        (Self::MethodNotAllowed, "method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        (Self::TimedOut, "timed_out", StatusCode::GATEWAY_TIMEOUT, "It took too long"),
        (Self::Refused, "refused", StatusCode::CONFLICT, "A guard refused"),
        (Self::Busy, "busy", StatusCode::CONFLICT, "A clean-up is running"),
        (Self::Conflict, "conflict", StatusCode::CONFLICT, "It does not fit the present state"),
        (Self::TooLarge, "too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        (Self::UnsupportedMediaType, "unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not JSON"),
        (Self::InvalidParameter, "invalid_parameter", StatusCode::UNPROCESSABLE_ENTITY, "A parameter makes no sense"),
        (Self::KeyReused, "key_reused", StatusCode::UNPROCESSABLE_ENTITY, "The key was used for another request"),
        (Self::RateLimited, "rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        (Self::Internal, "internal", StatusCode::INTERNAL_SERVER_ERROR, "It failed"),
        (Self::DatabaseUnavailable, "database_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The database is away"),
        (Self::KeysUnavailable, "keys_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Tokens cannot be verified now"),
        (Self::StoreUnavailable, "store_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The store is away"),
        (Self::ShuttingDown, "shutting_down", StatusCode::SERVICE_UNAVAILABLE, "The service is shutting down"),
    ];

    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        let found = Self::ALL.into_iter().find(|(code, ..)| *code == self);
        found.map_or(("internal", StatusCode::INTERNAL_SERVER_ERROR, "It failed"), |(_, word, status, title)| {
            (word, status, title)
        })
    }

    /// Every word that may stand in a body.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(_, word, ..)| word)
    }

    /// The word in the body.
    pub(crate) fn word(self) -> &'static str {
        self.facts().0
    }

    pub(crate) fn status(self) -> StatusCode {
        self.facts().1
    }
}

impl Problem {
    /// `detail` is for people: what, which object, what next. Passwords in it are masked.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = secrets::masked(&detail.into());
        Self(Box::new(Inner {
            code,
            detail,
            more: Map::new(),
            retry_after_secs: None,
            is_stop: code == Code::ShuttingDown,
        }))
    }

    /// Whoever cannot show who they are learns nothing about why.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "sign in, and send the token as: Authorization: Bearer TOKEN")
    }

    pub(crate) fn not_permitted() -> Self {
        Self::new(Code::NotPermitted, "your role may not do this")
    }

    /// Of a guard or several.
    pub(crate) fn refused(refusals: &[Refusal]) -> Self {
        let words: Vec<String> = refusals.iter().map(|r| format!("{}: {}; next: {}", r.code, r.saw, r.next)).collect();
        Self::new(Code::Refused, words.join(". ")).with("refusals", refusals)
    }

    /// Another run works on the store.
    pub(crate) fn busy(run: Option<&str>) -> Self {
        let detail = match run {
            Some(run) => format!("run {run} works on this store; wait until it has ended, then ask again"),
            None => "another run works on this store; wait until it has ended, then ask again".to_owned(),
        };
        Self::new(Code::Busy, detail).with("run_id", run).retry_after(5)
    }

    #[must_use]
    pub(crate) fn with(mut self, member: &str, value: impl Serialize) -> Self {
        // What cannot be written as JSON is left out; the detail says what matters.
        if let Ok(value) = serde_json::to_value(value) {
            self.0.more.insert(member.to_owned(), value);
        }
        self
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, secs: u64) -> Self {
        self.0.retry_after_secs = Some(secs);
        self
    }

    #[must_use]
    fn stopped(mut self) -> Self {
        self.0.is_stop = true;
        self
    }

    /// Whether it was not done because somebody had it stopped, or stops the service.
    pub(crate) fn is_stop(&self) -> bool {
        self.0.is_stop
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// A member of the body.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.0.more.get(name)
    }

    /// The guards' objections, where it is a refusal.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.member("refusals").and_then(|refusals| Deserialize::deserialize(refusals).ok()).unwrap_or_default()
    }

    /// What an error of the engine means for a caller.
    pub(crate) fn of_engine(error: &EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => Self::refused(std::slice::from_ref(refusal)),
            EngineError::Lease(LeaseError::Held(holder)) => {
                Self::busy(holder.as_ref().and_then(|holder| holder.run.as_deref()))
            }
            // Whoever bound it works on it now.
            EngineError::BoundMeanwhile { .. } => Self::busy(None),
            EngineError::Claims(ClaimError::Connect { .. } | ClaimError::Incomplete { .. }) => {
                Self::new(Code::DatabaseUnavailable, error.to_string()).retry_after(30)
            }
            EngineError::Store(StoreError::Missing { .. }) => Self::new(Code::StoreUnavailable, error.to_string()),
            EngineError::Plan(_) | EngineError::NotBound { .. } | EngineError::NoLedgerYet { .. } => {
                Self::new(Code::Conflict, error.to_string())
            }
            EngineError::NoSuchRun(_) => Self::new(Code::NotFound, error.to_string()),
            EngineError::Stopped => Self::new(Code::Conflict, error.to_string()).stopped(),
            other => Self::new(Code::Internal, other.to_string()),
        }
    }

    /// What any error means for a caller.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<EngineError>() {
            Some(engine) => Self::of_engine(engine),
            None => Self::new(Code::Internal, format!("{error:#}")),
        }
    }

    fn body(&self, id: Option<&RequestId>) -> Value {
        let Inner { code, detail, more, retry_after_secs: _, is_stop: _ } = &*self.0;
        let (word, status, title) = code.facts();
        let mut body = more.clone();
        body.insert("type".to_owned(), Value::from(format!("urn:upsweep:problem:{word}")));
        body.insert("title".to_owned(), Value::from(title));
        body.insert("status".to_owned(), Value::from(status.as_u16()));
        body.insert("detail".to_owned(), Value::from(detail.as_str()));
        body.insert("code".to_owned(), Value::from(word));
        body.insert("success".to_owned(), Value::from(false));
        body.insert("request_id".to_owned(), id.map_or(Value::Null, |id| Value::from(id.as_str())));
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The body is written where the request's name is known.
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a problem. Answers of the framework that are no success and have no body of ours become problems.
pub(crate) async fn complete(mut response: Response, id: &RequestId) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => match of_framework(&response) {
            Some(code) => {
                let detail = text_of(&mut response).await;
                Problem::new(code, detail.unwrap_or_else(|| code.facts().2.to_owned()))
            }
            None => return response,
        },
    };
    let mut complete = (problem.0.code.status(), Json(problem.body(Some(id)))).into_response();
    complete.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != axum::http::header::CONTENT_LENGTH {
            complete.headers_mut().insert(name.clone(), value.clone());
        }
    }
    if problem.0.code == Code::Unauthenticated {
        complete.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(secs) = problem.0.retry_after_secs {
        complete.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs));
    }
    complete
}

/// The code for an answer that no handler of ours made.
fn of_framework(response: &Response) -> Option<Code> {
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if is_json {
        return None;
    }
    let found = match response.status() {
        StatusCode::BAD_REQUEST => Code::InvalidRequest,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Code::TimedOut,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidParameter,
        StatusCode::INTERNAL_SERVER_ERROR => Code::Internal,
        _ => return None,
    };
    Some(found)
}

/// What the framework says about it, if it is short.
async fn text_of(response: &mut Response) -> Option<String> {
    const LONGEST: usize = 2_000;
    let body = std::mem::take(response.body_mut());
    let bytes = axum::body::to_bytes(body, LONGEST).await.ok()?;
    String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.is_empty())
}
