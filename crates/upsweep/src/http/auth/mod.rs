//! Who calls, and whether they may.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use super::request_id::RequestId;

/// Who calls: an extension of every request that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) subject: String,
    pub(crate) role: String,
}

impl Caller {
    /// Whether they may overrule guards.
    pub(crate) fn is_admin(&self) -> bool {
        self.role == "admin"
    }

    /// For the history and the audit trail.
    pub(crate) fn by(&self, request: &RequestId) -> String {
        format!("{} ({}), request {}", self.subject, self.role, request.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}
