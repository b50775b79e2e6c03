use serde_json::{Value, json};

use super::super::algorithms;
use super::super::testing::{Pair, SECRET, config};
use super::*;

/// What the start says, or the names of the algorithms that each key takes.
fn start(env: &[(&str, &str)]) -> Result<Vec<Vec<Algorithm>>, String> {
    let tokens = config(env).service.tokens;
    let keys = algorithms::allowed(&tokens).and_then(|allowed| configured(&tokens, &allowed, false));
    keys.map(|keys| keys.into_iter().map(|key| key.algorithms).collect()).map_err(|error| format!("{error:#}"))
}

#[test]
fn algorithms_fit_the_keys_or_the_start_says_so() {
    let secret = ("JWT_SECRET_KEY", SECRET);
    let jwks = ("UPSWEEP_JWT_JWKS_URL", "https://sign-in.example.org/jwks.json");
    let algorithm = |name: &'static str| ("JWT_ALGORITHM", name);
    assert_eq!(start(&[secret]), Ok(vec![vec![Algorithm::HS256]]));
    assert_eq!(start(&[secret, algorithm("HS384,HS512")]), Ok(vec![vec![Algorithm::HS384, Algorithm::HS512]]));
    assert_eq!(start(&[jwks]), Ok(vec![]));
    assert_eq!(start(&[secret, jwks, algorithm("RS256")]), Ok(vec![]), "then the secret is for something else");
    let said = |env: &[(&str, &str)]| start(env).unwrap_err();
    assert!(said(&[]).contains("nothing is configured to verify tokens with"));
    for unknown in ["none", "HS255", "hs256", "RSA"] {
        assert!(said(&[secret, ("JWT_ALGORITHM", unknown)]).contains(&format!("names '{unknown}', which is no such")));
    }
    assert!(said(&[secret, algorithm("RS256")]).contains("RS256, which needs a public key"));
    assert!(said(&[jwks, algorithm("HS256")]).contains("HS256, which needs JWT_SECRET_KEY"));
    assert!(said(&[secret, jwks, algorithm("HS256")]).contains("names no algorithm of public keys"));
    assert!(said(&[("JWT_SECRET_KEY", "short")]).contains("openssl rand -hex 32"));
}

#[test]
fn a_pem_file_holds_one_public_key_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let start = |content: &str, algorithm: &str| {
        std::fs::write(&file, content).unwrap();
        start(&[("UPSWEEP_JWT_PUBLIC_KEY_FILE", file.to_str().unwrap()), ("JWT_ALGORITHM", algorithm)])
    };
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let pem = Pair::new(algorithm).pem;
        assert_eq!(start(&pem, &format!("{algorithm:?}")), Ok(vec![vec![algorithm]]));
        let other = if algorithm == Algorithm::ES256 { "ES384" } else { "ES256" };
        assert!(start(&pem, other).unwrap_err().contains("name one that fits"), "{algorithm:?}");
    }
    let pem = Pair::new(Algorithm::ES256).pem;
    assert!(start(&pem.replace("PUBLIC", "PRIVATE"), "ES256").unwrap_err().contains("holds a private key"));
    assert!(start(&format!("{pem}{pem}"), "ES256").unwrap_err().contains("must hold one public key"));
    assert!(start(&pem.replace("PUBLIC KEY", "CERTIFICATE"), "ES256").unwrap_err().contains("openssl x509"));
    assert!(start("", "ES256").unwrap_err().contains("must hold one public key"));
    assert!(start(&pem[..60], "ES256").unwrap_err().contains("no RSA, EC or Ed25519 key"));
    assert!(start(&" ".repeat(70_000), "ES256").unwrap_err().contains("too large"));
    let nowhere = folder.path().join("none.pem");
    let missing = super::tests::start(&[("UPSWEEP_JWT_PUBLIC_KEY_FILE", nowhere.to_str().unwrap())]).unwrap_err();
    assert!(missing.contains("cannot be read") && missing.contains("none.pem"), "{missing}");
}

const ALL: [Algorithm; 6] =
    [Algorithm::HS256, Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

fn taken(jwk: &Value) -> Vec<Algorithm> {
    let jwk = serde_json::from_value::<Jwk>(jwk.clone()).ok();
    jwk.and_then(|jwk| of_jwk(&jwk, &ALL)).map(|key| key.algorithms).unwrap_or_default()
}

#[test]
fn what_a_published_key_says_of_itself_is_honoured() {
    let rsa = Pair::new(Algorithm::RS256);
    let without = |name: &str| {
        let mut jwk = rsa.jwk.clone();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    assert_eq!(taken(&without("alg")), [Algorithm::RS256, Algorithm::PS256]);
    assert_eq!(taken(&rsa.jwk_with(&json!({"alg": "PS256"}))), [Algorithm::PS256]);
    assert_eq!(taken(&rsa.jwk_with(&json!({"use": "sig", "key_ops": ["verify"]}))), [Algorithm::RS256]);
    for other in [
        json!({"alg": "RS512"}),
        json!({"alg": "ES256"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "of tomorrow"}),
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt", "wrapKey"]}),
        json!({"kty": "oct"}),
        json!({"kty": "EC"}),
    ] {
        assert!(taken(&rsa.jwk_with(&other)).is_empty(), "{other}");
    }
    assert!(taken(&json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"})).is_empty(), "a published secret is none");
}

#[test]
fn a_curve_has_one_algorithm() {
    for (algorithm, other) in [(Algorithm::ES256, "ES384"), (Algorithm::ES384, "ES256")] {
        let pair = Pair::new(algorithm);
        let mut plain = pair.jwk.clone();
        plain.as_object_mut().unwrap().remove("alg");
        assert_eq!(taken(&plain), [algorithm]);
        assert!(taken(&pair.jwk_with(&json!({ "alg": other }))).is_empty());
        assert!(taken(&pair.jwk_with(&json!({"crv": "P-521"}))).is_empty());
    }
    let ed = Pair::new(Algorithm::EdDSA);
    assert_eq!(taken(&ed.jwk), [Algorithm::EdDSA]);
    assert!(taken(&ed.jwk_with(&json!({"crv": "X25519"}))).is_empty());
}
