//! What requests bring, read strictly: what is not known is refused, and the refusal names it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use upsweep_engine::ports::Approval;
use utoipa::IntoParams;

use super::text::Whole;
use super::view::Approving;
use crate::http::auth::Caller;
use crate::http::problem::{Code, Problem};
use crate::http::request_id::RequestId;

/// A JSON body.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    /// As it was sent.
    pub(crate) raw: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        Ok(Self { value: parse(&headers, &bytes)?, raw: bytes })
    }
}

/// A JSON body that may be left out.
pub(crate) struct MaybeBody<T> {
    pub(crate) value: T,
    pub(crate) raw: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        if bytes.is_empty() {
            return Ok(Self { value: T::default(), raw: bytes });
        }
        Ok(Self { value: parse::<Option<T>>(&headers, &bytes)?.unwrap_or_default(), raw: bytes })
    }
}

fn unread(rejection: BytesRejection) -> Problem {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge, "the body is too large for what is asked"),
        _ => Problem::new(Code::InvalidRequest, "the body could not be read to its end; send it again"),
    }
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::UnsupportedMediaType, "send JSON, with Content-Type: application/json"));
    }
    serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Problem::new(Code::InvalidParameter, format!("the body: {error}")),
        Err(_) => Problem::new(Code::InvalidRequest, format!("the body is no JSON: {error}")),
    })
}

/// The parameters after the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let cause = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(Problem::new(Code::InvalidParameter, format!("the query: {cause}")))
            }
        }
    }
}

/// There may be no parameters: a misspelled one must not be passed over.
pub(crate) type NoQuery = Query<Nothing>;

/// Nothing at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The name of a run or a plan in a path. What cannot be one is not found.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::new(Code::NotFound, "there is nothing of that id");
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        if is_id(&id) { Ok(Self(id)) } else { Err(not_found()) }
    }
}

/// Whether this may name a run or a plan.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The number of a hold in a path.
pub(crate) struct Number(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::new(Code::NotFound, "there is no hold of that number");
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let is_plain = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_plain);
        number.map(Self).ok_or_else(not_found)
    }
}

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Where the page begins: the `next_cursor` of the page before. Without one it is the first.
    #[serde(default)]
    pub(crate) cursor: Option<Whole>,
    /// At most this many.
    #[serde(default)]
    #[param(inline)]
    pub(crate) limit: Limit,
}

/// How long a page may be.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub(crate) usize);

impl Limit {
    const MAX: u64 = 500;
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Whole::deserialize(deserializer)?.0;
        match usize::try_from(number) {
            Ok(limit) if (1..=Self::MAX).contains(&number) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom(format!("{number} is not between 1 and {}", Self::MAX))),
        }
    }
}

impl utoipa::ToSchema for Limit {}

impl utoipa::PartialSchema for Limit {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(Self::MAX as i64));
        number.default(Some(serde_json::json!(Self::default().0))).build().into()
    }
}

/// Who asks for a run, and how a repetition of the request is recognised.
pub(crate) struct Asking {
    pub(crate) caller: Caller,
    pub(crate) request: RequestId,
    /// The header `Idempotency-Key`.
    pub(crate) key: Option<String>,
    pub(crate) path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let Ok(request) = RequestId::from_request_parts(parts, state).await;
        Ok(Self { caller, request, key: key(&parts.headers)?, path: parts.uri.path().to_owned() })
    }
}

impl Asking {
    pub(crate) fn by(&self) -> String {
        self.caller.by(&self.request)
    }

    /// What the caller overrules, if they may.
    pub(crate) fn approval(&self, given: Option<Approving>) -> Result<Option<Approval>, Problem> {
        match given {
            Some(_) if !self.caller.is_admin() => {
                Err(Problem::new(Code::NotPermitted, "only an administrator may overrule a guard"))
            }
            given => Ok(given.map(Into::into)),
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").into_iter();
    let Some(key) = given.next() else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    let is_decent = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !is_decent || given.next().is_some() {
        let detail = "Idempotency-Key must be one text of 1 to 255 visible ASCII characters";
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    Ok(Some(key.to_owned()))
}

/// The header by which a repeated request is recognised, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "says what Asking reads")]
pub(crate) struct Repeatable {
    /// Names this request. Whoever repeats it with the same body within a day gets the same run.
    #[param(rename = "Idempotency-Key", required = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    idempotency_key: String,
}
