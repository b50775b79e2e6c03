//! Keys and tokens, made by PyJWT.

use std::path::Path;

use serde_json::{Value, json};
use upsweep_testkit::Python;

use crate::serve::SECRET;

/// What PyJWT makes of these orders; see the script. `None`, and a note, without it.
fn ask(order: &Value) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/tokens.py");
    let made = Python::find()?.run(&script, &order.to_string());
    Some(serde_json::from_str(&made).unwrap())
}

/// Tokens of these orders: `claims`, and if they differ `key`, `algorithm`, `headers`, `forged`.
pub fn tokens<const N: usize>(orders: [Value; N]) -> Option<[String; N]> {
    let orders = orders.map(|mut order| {
        let order_map = order.as_object_mut().unwrap();
        order_map.entry("key").or_insert_with(|| json!(SECRET));
        order
    });
    let made = ask(&json!({ "tokens": orders.to_vec() }))?;
    let texts: Vec<String> = serde_json::from_value(made).unwrap();
    Some(texts.try_into().unwrap())
}

/// One pair of keys for each of `rsa`, `ec` and `ed`: `private` and `public` as PEM, and `jwk`.
pub fn keys() -> Option<Value> {
    ask(&json!({ "keys": true }))
}

/// The claims of a token that PyJWT finds good.
pub fn claims_of(token: &str) -> Option<Value> {
    ask(&json!({ "read": token, "key": SECRET }))
}

/// Seconds since 1970, so much later.
#[expect(clippy::disallowed_methods, reason = "tokens end by the real clock")]
pub fn in_secs(secs: i64) -> i64 {
    jiff::Timestamp::now().as_second() + secs
}

/// What the application puts into a token of this role.
pub fn claims(role: &str) -> Value {
    json!({ "sub": format!("{role}-1"), "role": role, "exp": in_secs(3_600), "type": "access" })
}

/// The people of most stories.
pub struct Callers {
    pub therapist: String,
    pub admin: String,
    pub patient: String,
}

impl Callers {
    pub fn new() -> Option<Self> {
        Self::in_days(0)
    }

    /// With tokens that are good so many days after today.
    pub fn in_days(days: i64) -> Option<Self> {
        let order = |role| {
            let mut claims = claims(role);
            claims["exp"] = json!(in_secs(days * 86_400 + 3_600));
            json!({ "claims": claims })
        };
        let [therapist, admin, patient] = tokens([order("therapist"), order("admin"), order("patient")])?;
        Some(Self { therapist, admin, patient })
    }
}
