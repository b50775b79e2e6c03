//! Which algorithms tokens may be signed with: decided at the start, never by a token.

use anyhow::{Context, bail};
use jsonwebtoken::{Algorithm, AlgorithmFamily};

use crate::config::Tokens;

const KNOWN: &str =
    "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA are understood";

/// What is allowed where the configuration names nothing.
const WITH_A_SECRET: [Algorithm; 1] = [Algorithm::HS256];
const WITH_PUBLIC_KEYS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The algorithms that are allowed, each of which some key fits.
pub(super) fn allowed(tokens: &Tokens) -> anyhow::Result<Vec<Algorithm>> {
    let has_public = tokens.public_key_file.is_some() || tokens.jwks_url.is_some();
    let has_secret = tokens.secret.is_some();
    if !has_public && !has_secret {
        bail!(
            "nothing is configured to verify tokens with: set JWT_SECRET_KEY to the application's secret, or jwt_jwks_url, or jwt_public_key_file (for a first try, any word will do as the secret with --insecure-dev)"
        );
    }
    let named = named(tokens)?;
    if named.is_empty() {
        let secret = has_secret.then_some(WITH_A_SECRET).into_iter().flatten();
        return Ok(secret.chain(has_public.then_some(WITH_PUBLIC_KEYS).into_iter().flatten()).collect());
    }
    for algorithm in &named {
        if is_symmetric(*algorithm) && !has_secret {
            bail!(
                "jwt_algorithm names {algorithm:?}, which needs JWT_SECRET_KEY; public keys fit RS256, ES256 and EdDSA"
            );
        }
        if !is_symmetric(*algorithm) && !has_public {
            bail!(
                "jwt_algorithm names {algorithm:?}, which needs a public key: set jwt_jwks_url or jwt_public_key_file; a secret fits HS256"
            );
        }
    }
    // A secret alone may be there for other purposes; a public key is there for this one.
    if has_public && named.iter().all(|algorithm| is_symmetric(*algorithm)) {
        bail!("jwt_algorithm names no algorithm of public keys, and one is configured; add RS256, ES256 or EdDSA");
    }
    Ok(named)
}

fn named(tokens: &Tokens) -> anyhow::Result<Vec<Algorithm>> {
    let parsed = tokens.algorithms.iter().map(|name| {
        name.parse().ok().with_context(|| format!("jwt_algorithm names '{name}', which is no such algorithm; {KNOWN}"))
    });
    parsed.collect()
}

pub(super) fn is_symmetric(algorithm: Algorithm) -> bool {
    algorithm.family() == AlgorithmFamily::Hmac
}
