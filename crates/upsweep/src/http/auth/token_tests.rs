//! Every way in which a token can be bad, one by one.

use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use serde_json::json;

use super::super::testing::{HandClock, NOW, Pair, SECRET, claims, claims_with, config, encoded, signed, signed_by};
use super::*;

fn verifier(env: &[(&str, &str)]) -> Verifier {
    let env: Vec<(&str, &str)> = [("JWT_SECRET_KEY", SECRET)].iter().chain(env).copied().collect();
    Verifier::new(&config(&env).service.tokens, false, Arc::new(HandClock::new())).unwrap()
}

fn verify(verifier: &Verifier, token: &str) -> Result<Verified, NotVerified> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(verifier.verify(token))
}

fn cause(verifier: &Verifier, token: &str) -> &'static str {
    match verify(verifier, token) {
        Err(NotVerified::Refused(cause)) => cause,
        other => panic!("{other:?}: {token}"),
    }
}

fn anna() -> Verified {
    Verified { subject: "anna".to_owned(), role: "therapist".to_owned() }
}

#[test]
fn a_good_token_names_its_subject_and_its_role() {
    let verifier = verifier(&[]);
    assert_eq!(verify(&verifier, &signed(&claims())), Ok(anna()));
    let minimal = json!({"sub": "anna", "role": "therapist", "exp": NOW});
    assert_eq!(verify(&verifier, &signed(&minimal)), Ok(anna()), "it ends after its second, and needs no type");
    let more = claims_with(&json!({"iss": "somebody", "aud": ["x", "y"], "iat": NOW + 5, "exp": NOW as f64 + 0.5}));
    assert_eq!(verify(&verifier, &signed(&more)), Ok(anna()), "what is not configured is not asked");
    let number = verify(&verifier, &signed(&claims_with(&json!({"sub": 4711})))).unwrap();
    assert_eq!(number.subject, "4711");
}

#[test]
fn what_a_claim_must_say_is_asked_of_each() {
    let verifier = verifier(&[]);
    let cause = |changes: &Value| cause(&verifier, &signed(&claims_with(changes)));
    assert_eq!(cause(&json!({"exp": null})), "it has no exp");
    assert_eq!(cause(&json!({"exp": NOW - 1})), "it has expired");
    assert_eq!(cause(&json!({"exp": -1})), "it has expired");
    assert_eq!(cause(&json!({"exp": NOW as f64 - 0.5})), "it has expired");
    for nested in [json!([NOW + 60]), json!({})] {
        let words = cause(&json!({ "exp": nested }));
        assert!(["it is malformed", "its exp is no number"].contains(&words), "{words}");
    }
    for no_number in [json!((NOW + 60).to_string()), json!(true)] {
        assert_eq!(cause(&json!({ "exp": no_number })), "its exp is no number");
        assert_eq!(cause(&json!({ "nbf": no_number })), "its nbf is no number");
    }
    assert_eq!(cause(&json!({"nbf": NOW + 1})), "it is not valid yet");
    for kind in [json!("refresh"), json!("Access"), json!(""), json!(1), json!(["access"])] {
        assert_eq!(cause(&json!({ "type": kind })), "its type is not access");
    }
    assert_eq!(cause(&json!({"sub": null})), "it has no sub");
    assert_eq!(cause(&json!({"sub": ""})), "its sub is empty");
    assert_eq!(cause(&json!({"sub": "  "})), "its sub is empty");
    for nested in [json!(["anna"]), json!({"id": 1})] {
        assert!(verify(&verifier, &signed(&claims_with(&json!({ "sub": nested })))).is_err());
    }
    for sub in [json!(1.5), json!(true)] {
        assert!(cause(&json!({ "sub": sub })).contains("neither a text nor a whole number"));
    }
    for sub in ["a".repeat(256), "a\nb".to_owned(), "a\0".to_owned()] {
        assert!(cause(&json!({ "sub": sub })).contains("too long"));
    }
    for role in [json!(null), json!(""), json!(7), json!(["admin"])] {
        assert_eq!(cause(&json!({ "role": role })), "it has no role");
    }
    let null = signed(&json!({"sub": "anna", "role": "therapist", "exp": NOW + 60, "type": null}));
    assert_eq!(super::tests::cause(&verifier, &null), "its type is not access");
}

#[test]
fn issuer_and_audience_are_asked_for_where_they_are_configured() {
    let verifier = verifier(&[("UPSWEEP_JWT_ISSUER", "app"), ("UPSWEEP_JWT_AUDIENCE", "upsweep")]);
    let good = |changes: &Value| verify(&verifier, &signed(&claims_with(changes)));
    assert_eq!(good(&json!({"iss": "app", "aud": "upsweep"})), Ok(anna()));
    assert_eq!(good(&json!({"iss": "app", "aud": ["other", "upsweep"]})), Ok(anna()));
    let cause = |changes: &Value| cause(&verifier, &signed(&claims_with(changes)));
    for iss in [json!(null), json!("App"), json!(["app"])] {
        assert_eq!(cause(&json!({"iss": iss, "aud": "upsweep"})), "its iss is not jwt_issuer");
    }
    for aud in [json!(null), json!("other"), json!([]), json!([["upsweep"]]), json!({"upsweep": 1})] {
        assert_eq!(cause(&json!({"iss": "app", "aud": aud})), "its aud does not name jwt_audience");
    }
}

#[test]
fn a_token_that_was_changed_anywhere_is_refused() {
    let verifier = verifier(&[]);
    let token = signed(&claims());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verify(&verifier, &changed).is_err(), "changed at {at}: {changed}");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let admin = encoded(claims_with(&json!({"role": "admin"})).to_string().as_bytes());
    for forged in [
        format!("{}.{admin}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}."),
        format!("{token}=="),
        format!("{token}.{}", parts[2]),
        format!(".{token}"),
        "..".to_owned(),
    ] {
        assert!(verify(&verifier, &forged).is_err(), "{forged}");
    }
}

#[test]
fn no_token_chooses_its_algorithm() {
    let verifier = verifier(&[]);
    let body = encoded(claims().to_string().as_bytes());
    for none in ["none", "None", "NONE", "nOnE", "", "HS1", "hs256"] {
        let header = encoded(json!({"alg": none, "typ": "JWT"}).to_string().as_bytes());
        for signature in ["", "AAAA"] {
            assert!(cause(&verifier, &format!("{header}.{body}.{signature}")).contains("unknown algorithm"), "{none}");
        }
    }
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for other in [Algorithm::HS384, Algorithm::HS512] {
        let token = signed_by(Header::new(other), &claims(), &key);
        assert_eq!(cause(&verifier, &token), "its algorithm is not allowed");
    }
    let token = signed_by(Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"another secret"));
    assert_eq!(cause(&verifier, &token), "its signature is not by our key");
    let mut demanding = Header::new(Algorithm::HS256);
    demanding.crit = Some(vec!["b64".to_owned()]);
    assert!(cause(&verifier, &signed_by(demanding, &claims(), &key)).contains("crit"));
    let list = signed_by(Header::new(Algorithm::HS256), &json!(["sub", "role", "exp"]), &key);
    assert_eq!(cause(&verifier, &list), "it is malformed");
}

#[test]
fn a_public_key_is_never_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let pair = Pair::new(algorithm);
        std::fs::write(&file, &pair.pem).unwrap();
        // Even with a secret of its own beside it, so that HS256 is allowed.
        let verifier = verifier(&[("UPSWEEP_JWT_PUBLIC_KEY_FILE", file.to_str().unwrap())]);
        assert_eq!(verify(&verifier, &pair.sign(None)), Ok(anna()), "{algorithm:?}");
        assert_eq!(verify(&verifier, &pair.sign(Some("any"))), Ok(anna()), "{algorithm:?}");
        assert_eq!(verify(&verifier, &signed(&claims())), Ok(anna()), "the secret fits HS256");
        for secret in [pair.pem.as_bytes(), pair.pem.trim().as_bytes()] {
            let token = signed_by(Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(secret));
            assert_eq!(cause(&verifier, &token), "its signature is not by our key", "{algorithm:?}");
        }
        assert_eq!(cause(&verifier, &Pair::new(algorithm).sign(None)), "its signature is not by our key");
    }
}

#[test]
fn the_key_a_token_brings_along_is_not_believed() {
    let verifier = verifier(&[]);
    let own = Pair::new(Algorithm::ES256);
    let mut header = Header::new(Algorithm::ES256);
    header.jwk = serde_json::from_value(own.jwk.clone()).ok();
    header.jku = Some("http://127.0.0.1:1/keys".to_owned());
    assert!(header.jwk.is_some());
    let token = signed_by(header, &claims(), &own.private);
    assert_eq!(cause(&verifier, &token), "its algorithm is not allowed");
}

proptest! {
    #[test]
    fn random_tokens_never_pass(
        header in prop_oneof![
            Just(r#"{"alg":"HS256"}"#.to_owned()),
            Just(r#"{"alg":"none"}"#.to_owned()),
            Just(r#"{"alg":"RS256","kid":"x"}"#.to_owned()),
            "\\PC{0,40}",
        ],
        role in "[a-z]{1,12}",
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let verifier = verifier(&[]);
        let body = claims_with(&json!({ "role": role })).to_string();
        let token = format!("{}.{}.{}", encoded(header.as_bytes()), encoded(body.as_bytes()), encoded(&signature));
        prop_assert!(verify(&verifier, &token).is_err());
    }

    #[test]
    fn random_text_never_passes(text in "[A-Za-z0-9_.=-]{0,300}|\\PC{0,100}") {
        prop_assert!(verify(&verifier(&[]), &text).is_err());
    }
}
