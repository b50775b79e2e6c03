//! Public keys: as a PEM file, and as a set that is published.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::scene::{CONFIG, assert_problem};
use crate::serve::{SECRET, Serve};
use crate::support::Site;
use crate::tokens::{claims, keys, tokens};

const KINDS: [(&str, &str); 3] = [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA")];

/// A token of a therapist for each pair of keys.
fn signed(keys: &Value, with_kid: bool) -> Option<[String; 3]> {
    tokens(KINDS.map(|(kind, algorithm)| {
        let mut order = json!({
            "claims": claims("therapist"), "key": keys[kind]["private"], "algorithm": algorithm,
        });
        if with_kid {
            order["headers"] = json!({ "kid": keys[kind]["jwk"]["kid"] });
        }
        order
    }))
}

/// What nobody should be let in with who knows a public key.
fn forged(key: &Value) -> Option<[String; 2]> {
    tokens([
        json!({ "claims": claims("therapist"), "key": key, "forged": true }),
        json!({ "claims": claims("therapist"), "key": null, "algorithm": "none" }),
    ])
}

#[test]
fn a_key_in_a_file_verifies_its_tokens_and_no_others() {
    let (Some(keys), Some(others)) = (keys(), keys()) else { return };
    let (Some(good), Some(strange)) = (signed(&keys, false), signed(&others, false)) else { return };
    for (n, (kind, _)) in KINDS.into_iter().enumerate() {
        let mut site = Site::sqlite();
        let file = site.dir.path().join("public.pem");
        std::fs::write(&file, keys[kind]["public"].as_str().unwrap()).unwrap();
        site.set("UPSWEEP_JWT_PUBLIC_KEY_FILE", file.to_str().unwrap());
        let serve = Serve::start(&site);
        serve.get(CONFIG, &good[n]).expect(200);
        assert_problem(&serve.get(CONFIG, &strange[n]), 401);
        assert_problem(&serve.get(CONFIG, &good[(n + 1) % 3]), 401);
        for token in forged(&keys[kind]["public"]).unwrap() {
            assert_problem(&serve.get(CONFIG, &token), 401);
        }
    }
}

/// Publishes a set of keys on this host, to whoever asks, for as long as the test runs.
fn publish(set: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let text = set.to_string();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4_096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        }
    });
    url
}

#[test]
fn published_keys_verify_their_tokens_and_no_others() {
    let (Some(keys), Some(others)) = (keys(), keys()) else { return };
    let (Some(good), Some(strange)) = (signed(&keys, true), signed(&others, true)) else { return };
    let mut site = Site::sqlite();
    let set: Vec<&Value> = KINDS.iter().map(|(kind, _)| &keys[*kind]["jwk"]).collect();
    let url = publish(json!({ "keys": set }));
    site.set("UPSWEEP_JWT_JWKS_URL", &url);
    let serve = Serve::start(&site);
    for token in &good {
        serve.get(CONFIG, token).expect(200);
    }
    for token in &strange {
        assert_problem(&serve.get(CONFIG, token), 401);
    }
    for token in forged(&keys["rsa"]["public"]).unwrap() {
        assert_problem(&serve.get(CONFIG, &token), 401);
    }
    let mut unknown = json!({ "claims": claims("therapist"), "key": keys["rsa"]["private"], "algorithm": "RS256" });
    unknown["headers"] = json!({ "kid": "nobody" });
    // A token brings no key of its own, and says not where keys are.
    let mut own = json!({ "claims": claims("therapist"), "key": others["rsa"]["private"], "algorithm": "RS256" });
    own["headers"] = json!({ "kid": "rsa-1", "jwk": others["rsa"]["jwk"], "jku": url });
    // A key is for one algorithm.
    let mut other = json!({ "claims": claims("therapist"), "key": keys["rsa"]["private"], "algorithm": "PS256" });
    other["headers"] = json!({ "kid": "rsa-1" });
    for token in tokens([unknown, own, other]).unwrap() {
        assert_problem(&serve.get(CONFIG, &token), 401);
    }
}

#[test]
fn only_the_algorithm_that_is_set_counts() {
    let Some(keys) = keys() else { return };
    let Some([rsa, ec, _]) = signed(&keys, true) else { return };
    let mut site = Site::sqlite();
    site.set("UPSWEEP_JWT_JWKS_URL", &publish(json!({ "keys": [keys["rsa"]["jwk"], keys["ec"]["jwk"]] })));
    site.set("JWT_ALGORITHM", "ES256");
    let serve = Serve::start(&site);
    serve.get(CONFIG, &ec).expect(200);
    assert_problem(&serve.get(CONFIG, &rsa), 401);
}

#[test]
fn the_secret_has_another_name_and_another_hash_if_wanted() {
    let order = |algorithm: &str| json!({ "claims": claims("therapist"), "algorithm": algorithm });
    let Some([hs256, hs512]) = tokens([order("HS256"), order("HS512")]) else { return };
    let mut site = Site::sqlite();
    site.set("SECRET_KEY", SECRET);
    let serve = Serve::start(&site);
    serve.get(CONFIG, &hs256).expect(200);
    assert_problem(&serve.get(CONFIG, &hs512), 401);
    drop(serve);
    site.set("JWT_ALGORITHM", "HS512");
    let serve = Serve::start(&site);
    serve.get(CONFIG, &hs512).expect(200);
    assert_problem(&serve.get(CONFIG, &hs256), 401);
}

#[test]
fn none_is_no_algorithm_that_can_be_set() {
    let mut site = Site::sqlite();
    for algorithm in ["none", "None", "HS256,none", "HS265"] {
        site.set("JWT_ALGORITHM", algorithm);
        let said = crate::support::said(Serve::command(&site, &[]));
        assert_ne!(said.code, 0, "{algorithm}: {said:?}");
        assert!(said.err.to_uppercase().contains("JWT_ALGORITHM"), "{said:?}");
    }
}
