//! Makes tokens as the application would, for trying.

use anyhow::Context;
use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::algorithms;
use crate::config::Tokens;

/// What a token is to say.
pub(crate) struct Wish<'a> {
    pub(crate) subject: &'a str,
    pub(crate) role: &'a str,
    pub(crate) minutes: u32,
}

/// A token that the service accepts, if it was given the same secret.
///
/// # Errors
/// Where the configuration has no secret to sign with: only the application can sign with its private key.
pub(crate) fn mint(tokens: &Tokens, wish: &Wish<'_>, now: Timestamp) -> anyhow::Result<String> {
    super::use_one_provider();
    const NO_SECRET: &str = "there is no secret to sign a token with: set JWT_SECRET_KEY to the application's own (with public keys only the application can make tokens)";
    let secret = tokens.secret.as_ref().context(NO_SECRET)?;
    let algorithm = algorithms::allowed(tokens)?.into_iter().find(|one| algorithms::is_symmetric(*one));
    let header = Header::new(algorithm.context(NO_SECRET)?);
    let Wish { subject, role, minutes } = wish;
    let mut claims = json!({
        "sub": subject,
        "role": role,
        "type": "access",
        "iat": now.as_second(),
        "exp": now.as_second() + i64::from(*minutes) * 60,
    });
    for (claim, value) in [("iss", &tokens.issuer), ("aud", &tokens.audience)] {
        if let Some(value) = value {
            claims[claim] = json!(value);
        }
    }
    let key = EncodingKey::from_secret(secret.reveal().as_bytes());
    jsonwebtoken::encode(&header, &claims, &key).context("the token cannot be signed")
}
