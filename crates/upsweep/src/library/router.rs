//! The classic routes for an axum application.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};

use super::AudioCleanupService;
use super::error::CleanupError;
use crate::http::auth::{self, Caller, Gate};
use crate::http::problem::Problem;
use crate::http::{classic, request_id};

/// How the classic routes know who calls.
#[derive(Clone)]
pub enum CleanupAuth {
    /// By the application's tokens, as the settings `jwt_…`, `allowed_roles` and `auth_user_query` say: the same check
    /// that `upsweep serve` makes.
    Tokens,
    /// By what the application itself has found out: nobody is `401`, a role that is not among `allowed_roles` is
    /// `403`, and only the role `admin` may overrule guards.
    Application(WhoCalls),
}

/// Says who sent a request; `None` for nobody.
pub type WhoCalls = Arc<dyn Fn(&Parts) -> Option<CleanupUser> + Send + Sync>;

impl CleanupAuth {
    /// [`CleanupAuth::Application`] with a function.
    #[must_use]
    pub fn application(who_calls: impl Fn(&Parts) -> Option<CleanupUser> + Send + Sync + 'static) -> Self {
        Self::Application(Arc::new(who_calls))
    }
}

impl fmt::Debug for CleanupAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens => "Tokens",
            Self::Application(_) => "Application",
        })
    }
}

/// Somebody whom the application knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanupUser {
    /// Their id, for the history and the audit trail.
    pub subject: String,
    /// Their role, as in `therapist` or `admin`.
    pub role: String,
}

/// The routes below `/api/admin/cleanup`, to be merged into an application's router. Whoever calls them is checked as
/// `access` says; answers and problems are those of `upsweep serve`.
///
/// A clean-up takes as long as it takes: put no time limit around these routes. For the limit of failed sign-ins per
/// address the application must be served with `into_make_service_with_connect_info::<SocketAddr>()`.
///
/// ```
/// use upsweep::{AudioCleanupService, CleanupAuth, CleanupConfig, CleanupUser, cleanup_router};
///
/// # fn main() -> Result<(), upsweep::CleanupError> {
/// let cleanup = AudioCleanupService::new(CleanupConfig::new("sqlite:///./app.db", "uploads/audio"))?;
/// // Whatever the application's own middleware has put there.
/// let auth = CleanupAuth::application(|request| request.extensions.get::<CleanupUser>().cloned());
/// let app: axum::Router = axum::Router::new().merge(cleanup_router(&cleanup, auth)?);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`CleanupError::Config`] where tokens are to be checked and the settings for that make no sense.
pub fn cleanup_router(service: &AudioCleanupService, access: CleanupAuth) -> Result<Router, CleanupError> {
    let service = &service.service;
    let routes = Router::from(classic::router()).with_state(Arc::clone(service));
    let guarded = match access {
        CleanupAuth::Tokens => {
            let gate = Gate::new(service.config(), false);
            let gate = gate.map_err(|error| CleanupError::Config(format!("{error:#}")))?;
            routes.route_layer(middleware::from_fn_with_state(Arc::new(gate), auth::required))
        }
        CleanupAuth::Application(who_calls) => {
            let allowed = Arc::new(service.config().service.allowed_roles.clone());
            routes.route_layer(middleware::from_fn(move |request: Request, next: Next| {
                let (who_calls, allowed) = (Arc::clone(&who_calls), Arc::clone(&allowed));
                async move { admitted(&who_calls, &allowed, request, next).await }
            }))
        }
    };
    // Outermost, so that each answer has its form and each request its name; and around these routes alone, as what
    // the application does not know is its own affair.
    Ok(guarded.route_layer(middleware::from_fn(request_id::name)))
}

async fn admitted(who_calls: &WhoCalls, allowed: &[String], request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(CleanupUser { subject, role }) = who_calls(&parts) else {
        return Problem::unauthenticated().into_response();
    };
    if !allowed.contains(&role) {
        return Problem::not_permitted().into_response();
    }
    parts.extensions.insert(Caller { subject, role });
    next.run(Request::from_parts(parts, body)).await
}
