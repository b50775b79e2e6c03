//! Names every request, so that an answer, a line of the log and a record of the audit trail can be brought together.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header that carries the name, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are replaced: they end up in logs and in the audit trail.
const LENGTH_MAX: usize = 64;

/// A request's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The caller's own name for it, if it is a decent one; else a fresh one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_decent = |text: &&str| {
            (1..=LENGTH_MAX).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_decent);
        given.map_or_else(Self::fresh, |given| Self(given.to_owned()))
    }

    fn fresh() -> Self {
        let mut random = [0_u8; 8];
        // A name that repeats confuses a reader of logs, and nothing else.
        let _ = getrandom::fill(&mut random);
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives each request its [`RequestId`], as an extension and in the answer.
pub(crate) async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    super::problem::complete(response, &id).await
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let named = parts.extensions.get::<Self>().cloned();
        Ok(named.unwrap_or_else(|| Self::of(&parts.headers)))
    }
}
