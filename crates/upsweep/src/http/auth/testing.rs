//! What the tests of this folder share: a clock to set, configurations, tokens good and bad.

use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use upsweep_engine::ports::Clock;

use crate::config::{Config, Sources};

/// As the application has it.
pub(super) const SECRET: &str = "Zb2c0b8f9a7d4e15a3c6f8e7d1b2a3c4d5";

/// When the tests take place.
pub(super) const NOW: i64 = 1_800_000_000;

/// A clock that stands still until it is set.
pub(super) struct HandClock(AtomicI64);

impl HandClock {
    pub(super) fn new() -> Self {
        Self(AtomicI64::new(NOW))
    }

    pub(super) fn advance(&self, secs: i64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn wait(&self, _: SignedDuration) {}
}

pub(super) fn config(env: &[(&str, &str)]) -> Config {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { env, ..Sources::default() }).unwrap()
}

/// Good claims.
pub(super) fn claims() -> Value {
    json!({"sub": "anna", "role": "therapist", "type": "access", "exp": NOW + 60})
}

/// Good claims, with some of them changed; `null` takes one away.
pub(super) fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

pub(super) fn signed(claims: &Value) -> String {
    signed_by(Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

pub(super) fn signed_by(header: Header, claims: &Value, key: &EncodingKey) -> String {
    super::use_one_provider();
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// A part of a token.
pub(super) fn encoded(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A fresh private key, its public half as a JWK, and as PEM.
pub(super) struct Pair {
    pub(super) algorithm: Algorithm,
    pub(super) private: EncodingKey,
    pub(super) jwk: Value,
    pub(super) pem: String,
}

impl Pair {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
        use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
        super::use_one_provider();
        let (private, public) = match algorithm {
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                (EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()), der.as_ref().to_vec())
            }
            Algorithm::ES256 | Algorithm::ES384 => {
                let kind = if algorithm == Algorithm::ES256 {
                    &signature::ECDSA_P256_SHA256_FIXED_SIGNING
                } else {
                    &signature::ECDSA_P384_SHA384_FIXED_SIGNING
                };
                let pair = EcdsaKeyPair::generate(kind).unwrap();
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                (EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), der.as_ref().to_vec())
            }
            _ => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                (
                    EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap(),
                    der.as_ref().to_vec(),
                )
            }
        };
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, algorithm).unwrap();
        let pem = pem("PUBLIC KEY", &public);
        Self { algorithm, private, jwk: serde_json::to_value(jwk).unwrap(), pem }
    }

    /// The public half, with other members.
    pub(super) fn jwk_with(&self, more: &Value) -> Value {
        let mut jwk = self.jwk.clone();
        for (name, value) in more.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    }

    pub(super) fn sign(&self, id: Option<&str>) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = id.map(str::to_owned);
        signed_by(header, &claims(), &self.private)
    }
}

fn pem(kind: &str, der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n")
}
