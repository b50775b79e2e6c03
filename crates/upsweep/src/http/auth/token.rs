//! What makes a token a good one. The library checks the signature; what the claims must say is checked here, by the
//! program's own clock and as the application's library does it.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};
use serde_json::{Map, Value};
use upsweep_engine::ports::Clock;

use super::algorithms;
use super::jwks::Published;
use super::keys::{self, Key};
use crate::config::Tokens;

/// Whom a good token names, and as what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) subject: String,
    pub(super) role: String,
}

/// Why a token is not known to be good.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotVerified {
    /// It is a bad one; the words are for the log.
    Refused(&'static str),
    /// There is nothing yet to verify it with.
    NoKeys,
}

/// Subjects end up in the audit trail.
const SUBJECT_BYTES_MAX: usize = 255;

/// Verifies tokens.
pub(super) struct Verifier {
    keys: Vec<Key>,
    published: Option<Arc<Published>>,
    allowed: Vec<jsonwebtoken::Algorithm>,
    issuer: Option<String>,
    audience: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    pub(super) fn new(tokens: &Tokens, insecure_dev: bool, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let allowed = algorithms::allowed(tokens)?;
        let keys = keys::configured(tokens, &allowed, insecure_dev)?;
        let published = tokens.jwks_url.as_deref().map(|url| Published::new(url, &allowed, Arc::clone(&clock)));
        tracing::info!("tokens may be signed with {allowed:?}");
        Ok(Self {
            keys,
            published: published.transpose()?.map(Arc::new),
            allowed,
            issuer: tokens.issuer.clone(),
            audience: tokens.audience.clone(),
            clock,
        })
    }

    pub(super) async fn verify(&self, token: &str) -> Result<Verified, NotVerified> {
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| NotVerified::Refused("it is no token, or of an unknown algorithm"))?;
        if !self.allowed.contains(&header.alg) {
            return Err(NotVerified::Refused("its algorithm is not allowed"));
        }
        if header.crit.is_some() {
            return Err(NotVerified::Refused("it demands something that is not known here (crit)"));
        }
        let claims = self.signed(token, &header).await?;
        self.checked(&claims).map_err(NotVerified::Refused)
    }

    /// The claims, if a key that fits has signed them.
    async fn signed(&self, token: &str, header: &Header) -> Result<Map<String, Value>, NotVerified> {
        if let Some(claims) = first(&self.keys, token, header)? {
            return Ok(claims);
        }
        let Some(published) = self.published.as_ref().filter(|_| !algorithms::is_symmetric(header.alg)) else {
            return Err(NotVerified::Refused("its signature is not by our key"));
        };
        let mut keys = published.keys().await;
        let is_named = |key: &Key| header.kid.is_some() && key.id == header.kid;
        if header.kid.is_some() && keys.as_ref().is_some_and(|keys| !keys.iter().any(is_named)) {
            keys = published.newer_keys().await;
        }
        let keys = keys.ok_or(NotVerified::NoKeys)?;
        first(&keys, token, header)?.ok_or(NotVerified::Refused("its signature is by none of the published keys"))
    }

    fn checked(&self, claims: &Map<String, Value>) -> Result<Verified, &'static str> {
        let now = self.clock.now().as_second();
        match claims.get("exp").map(seconds) {
            None => return Err("it has no exp"),
            Some(None) => return Err("its exp is no number"),
            Some(Some(exp)) if exp < now => return Err("it has expired"),
            Some(Some(_)) => {}
        }
        match claims.get("nbf").map(seconds) {
            Some(None) => return Err("its nbf is no number"),
            Some(Some(nbf)) if nbf > now => return Err("it is not valid yet"),
            None | Some(Some(_)) => {}
        }
        if claims.get("type").is_some_and(|kind| kind != "access") {
            return Err("its type is not access");
        }
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err("its iss is not jwt_issuer");
        }
        if let Some(audience) = &self.audience
            && !claims.get("aud").is_some_and(|aud| names(aud, audience))
        {
            return Err("its aud does not name jwt_audience");
        }
        let role = claims.get("role").and_then(Value::as_str).filter(|role| !role.is_empty());
        Ok(Verified { subject: subject(claims)?, role: role.ok_or("it has no role")?.to_owned() })
    }
}

/// The claims, by the first key that fits and has signed them.
fn first(keys: &[Key], token: &str, header: &Header) -> Result<Option<Map<String, Value>>, NotVerified> {
    let mut rules = Validation::new(header.alg);
    rules.required_spec_claims.clear();
    (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
    for key in keys.iter().filter(|key| key.fits(header.alg, header.kid.as_deref())) {
        match jsonwebtoken::decode(token, &key.decoding, &rules) {
            Ok(decoded) => return Ok(Some(decoded.claims)),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
            Err(_) => return Err(NotVerified::Refused("it is malformed")),
        }
    }
    Ok(None)
}

/// Whole seconds since 1970, as the application's library counts them.
fn seconds(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and the ends of time are far enough")]
    value.as_i64().or_else(|| value.as_f64().map(|secs| secs.floor() as i64))
}

fn names(aud: &Value, audience: &str) -> bool {
    match aud {
        Value::String(one) => one == audience,
        Value::Array(several) => several.iter().any(|one| one == audience),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Some applications write their users' numbers as numbers.
fn subject(claims: &Map<String, Value>) -> Result<String, &'static str> {
    let subject = match claims.get("sub") {
        None => return Err("it has no sub"),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => return Err("its sub is neither a text nor a whole number"),
    };
    if subject.trim().is_empty() {
        return Err("its sub is empty");
    }
    if subject.len() > SUBJECT_BYTES_MAX || subject.chars().any(char::is_control) {
        return Err("its sub is too long, or holds what cannot be shown");
    }
    Ok(subject)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
