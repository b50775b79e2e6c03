//! `upsweep token`, as the built program makes them.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::Site;

const SECRET: &str = "4f1c0b8f9a7d4e15a3c6f8e7d1b2a3c4d5";

/// The header and the claims of a token.
fn parts(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let decoded = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (decoded(parts[0]), decoded(parts[1]))
}

#[test]
fn a_token_is_all_that_is_printed_and_says_what_was_asked_for() {
    let mut site = Site::sqlite();
    site.set("JWT_SECRET_KEY", SECRET);
    let said = site.upsweep(&["token", "--role", "therapist"]).expect(0);
    let token = said.out.strip_suffix('\n').unwrap();
    assert!(!token.contains('\n') && said.err.is_empty(), "{token}\n{}", said.err);
    let (header, claims) = parts(token);
    assert_eq!((&header["alg"], &claims["sub"]), (&json!("HS256"), &json!("upsweep-token")));
    assert_eq!((&claims["role"], &claims["type"]), (&json!("therapist"), &json!("access")));
    let lives = |claims: &Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lives(&claims), 15 * 60);
    // An implementation that is not ours made this of the same secret.
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(aws_lc_rs::hmac::verify(&key, message.as_bytes(), &signature).is_ok());

    let asked = ["token", "--role", "admin", "--subject", "anna", "--minutes", "1440"];
    let (_, claims) = parts(site.upsweep(&asked).expect(0).out.trim());
    assert_eq!((&claims["sub"], lives(&claims)), (&json!("anna"), 86_400));
}

#[test]
fn a_token_that_cannot_be_made_or_lives_too_long_is_an_error() {
    let mut site = Site::sqlite();
    site.upsweep(&["token", "--role", "admin"]).expect(1).has("set JWT_SECRET_KEY");
    site.set("JWT_SECRET_KEY", SECRET);
    for minutes in ["0", "1441", "-5", "x"] {
        site.upsweep(&["token", "--role", "admin", "--minutes", minutes]).expect(64);
    }
    site.upsweep(&["token"]).expect(64).has("--role");
    site.set("JWT_ALGORITHM", "RS256");
    let said = site.upsweep(&["token", "--role", "admin"]).expect(1);
    said.has("RS256, which needs a public key");
    assert!(!said.err.contains(SECRET) && said.out.is_empty());
}
