//! The keys that tokens are verified with, each with the algorithms that fit it.

use std::path::Path;

use anyhow::{Context, bail};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use super::algorithms::is_symmetric;
use super::secret;
use crate::config::{Secret, Tokens};

/// One key.
pub(super) struct Key {
    /// Its name, if it was published with one.
    pub(super) id: Option<String>,
    pub(super) decoding: DecodingKey,
    /// What it may be used with; never empty.
    algorithms: Vec<Algorithm>,
}

impl Key {
    /// Whether a token that says this of itself may be signed with it. A key without a name fits every one.
    pub(super) fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let is_named = match (&self.id, id) {
            (Some(own), Some(wanted)) => own == wanted,
            (None, _) | (_, None) => true,
        };
        is_named && self.algorithms.contains(&algorithm)
    }
}

/// The keys that are in the configuration itself.
pub(super) fn configured(tokens: &Tokens, allowed: &[Algorithm], insecure_dev: bool) -> anyhow::Result<Vec<Key>> {
    let mut keys = vec![];
    if let Some(secret) = &tokens.secret {
        keys.extend(of_secret(secret, allowed, insecure_dev)?);
    }
    if let Some(path) = &tokens.public_key_file {
        keys.push(of_pem(path, allowed).with_context(|| format!("jwt_public_key_file {}", path.display()))?);
    }
    Ok(keys)
}

fn of_secret(secret: &Secret, allowed: &[Algorithm], insecure_dev: bool) -> anyhow::Result<Option<Key>> {
    let algorithms: Vec<Algorithm> = allowed.iter().copied().filter(|one| is_symmetric(*one)).collect();
    if algorithms.is_empty() {
        return Ok(None);
    }
    secret::check(secret, insecure_dev)?;
    Ok(Some(Key { id: None, decoding: DecodingKey::from_secret(secret.reveal().as_bytes()), algorithms }))
}

/// A file with more is no key.
const PEM_BYTES_MAX: u64 = 64 * 1024;

fn of_pem(path: &Path, allowed: &[Algorithm]) -> anyhow::Result<Key> {
    let size = std::fs::metadata(path).context("cannot be read")?.len();
    if size > PEM_BYTES_MAX {
        bail!("is too large for a key");
    }
    let text = std::fs::read_to_string(path).context("cannot be read")?;
    if text.contains("PRIVATE KEY-----") {
        bail!(
            "holds a private key, which only the application should have; make the public one with: openssl pkey -in PRIVATE -pubout"
        );
    }
    let is_public = |kind: &str| text.contains(&format!("-----BEGIN {kind}-----"));
    if text.matches("-----BEGIN ").count() != 1 || !(is_public("PUBLIC KEY") || is_public("RSA PUBLIC KEY")) {
        bail!(
            "must hold one public key in PEM form (BEGIN PUBLIC KEY); of a certificate: openssl x509 -in CERT -pubkey -noout"
        );
    }
    let pem = text.as_bytes();
    let all = [DecodingKey::from_rsa_pem(pem), DecodingKey::from_ec_pem(pem), DecodingKey::from_ed_pem(pem)];
    let decoding = all.into_iter().find_map(Result::ok).context("is no RSA, EC or Ed25519 key")?;
    let fitting: Vec<Algorithm> = match decoding.family() {
        AlgorithmFamily::Ec => match decoding.try_get_as_bytes().map(<[u8]>::len) {
            Ok(POINT_P256) => vec![Algorithm::ES256],
            Ok(POINT_P384) => vec![Algorithm::ES384],
            _ => bail!("is on a curve that is not supported; P-256 and P-384 are"),
        },
        family => family.algorithms().to_vec(),
    };
    let algorithms: Vec<Algorithm> = fitting.iter().copied().filter(|one| allowed.contains(one)).collect();
    if algorithms.is_empty() {
        bail!("fits {fitting:?}, and jwt_algorithm allows {allowed:?}; name one that fits in jwt_algorithm");
    }
    Ok(Key { id: None, decoding, algorithms })
}

/// The lengths of uncompressed points.
const POINT_P256: usize = 65;
const POINT_P384: usize = 97;

/// A published key, if it is one to verify tokens with by an algorithm that is allowed.
pub(super) fn of_jwk(jwk: &Jwk, allowed: &[Algorithm]) -> Option<Key> {
    let common = &jwk.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|one| *one == PublicKeyUse::Signature);
    let may_verify = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !is_for_signatures || !may_verify {
        return None;
    }
    let fitting: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms(),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        // A secret that is published is none.
        AlgorithmParameters::OctetKey(_) => return None,
        _ => return None,
    };
    // What a key says of itself narrows what it may be used for, and never widens it.
    let own = match common.key_algorithm {
        Some(own) => Some(Algorithm::try_from(own).ok()?),
        None => None,
    };
    let fits = |one: &Algorithm| allowed.contains(one) && own.is_none_or(|own| own == *one);
    let algorithms: Vec<Algorithm> = fitting.iter().copied().filter(fits).collect();
    if algorithms.is_empty() {
        return None;
    }
    Some(Key { id: common.key_id.clone(), decoding: DecodingKey::from_jwk(jwk).ok()?, algorithms })
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
