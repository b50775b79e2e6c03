//! The check of tokens before the classic routes, where an application leaves it to us.

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::config::Config;
use crate::http::auth::Caller;
use crate::http::problem::Problem;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

struct Gate {
    key: DecodingKey,
    allowed_roles: Vec<String>,
}

/// Puts the check before the routes.
pub(super) fn required(routes: Router, config: &Config) -> anyhow::Result<Router> {
    let tokens = &config.service.tokens;
    let secret =
        tokens.secret.as_ref().context("no secret is configured that tokens are verified with: set JWT_SECRET_KEY")?;
    if secret.reveal().len() < 32 {
        bail!("jwt_secret_key must have at least 32 bytes");
    }
    let key = DecodingKey::from_secret(secret.reveal().as_bytes());
    let gate = Arc::new(Gate { key, allowed_roles: config.service.allowed_roles.clone() });
    Ok(routes.layer(middleware::from_fn(move |request: Request, next: Next| {
        let gate = Arc::clone(&gate);
        async move { gate.admit(request, next).await }
    })))
}

impl Gate {
    async fn admit(&self, mut request: Request, next: Next) -> Response {
        let Some(Claims { sub: subject, role, .. }) = self.claims(request.headers()) else {
            return Problem::unauthenticated().into_response();
        };
        if !self.allowed_roles.contains(&role) {
            return Problem::not_permitted().into_response();
        }
        request.extensions_mut().insert(Caller { subject, role });
        next.run(request).await
    }

    fn claims(&self, headers: &HeaderMap) -> Option<Claims> {
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &validation).ok()?.claims;
        claims.kind.as_ref().is_none_or(|kind| kind == "access").then_some(claims)
    }
}
