//! Key sets from a server of the test's own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::super::testing::{HandClock, Pair, config};
use super::super::token::{NotVerified, Verifier};
use super::*;

/// What the server says next, and how often it was asked.
#[derive(Default)]
struct Desk {
    answer: Mutex<Option<(StatusCode, String)>>,
    asked: AtomicUsize,
}

impl Desk {
    fn publishes(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = Some((StatusCode::OK, json!({ "keys": keys }).to_string()));
    }

    fn says(&self, status: StatusCode, body: &str) {
        *self.answer.lock().unwrap() = Some((status, body.to_owned()));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(desk): State<Arc<Desk>>) -> Response {
    desk.asked.fetch_add(1, Ordering::SeqCst);
    let answer = desk.answer.lock().unwrap().clone();
    answer.unwrap_or((StatusCode::SERVICE_UNAVAILABLE, String::new())).into_response()
}

/// A server that ends with the test's runtime.
async fn start() -> (Arc<Desk>, SocketAddr) {
    let desk = Arc::new(Desk::default());
    let elsewhere = get(|| async { Redirect::temporary("/keys") });
    let app = Router::new().route("/keys", get(answer)).route("/elsewhere", elsewhere).with_state(Arc::clone(&desk));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (desk, address)
}

fn verifier(url: &str, clock: &Arc<HandClock>) -> Verifier {
    super::super::use_one_provider();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    Verifier::new(&config(&[("UPSWEEP_JWT_JWKS_URL", url)]).service.tokens, false, clock).unwrap()
}

async fn site() -> (Arc<Desk>, Arc<HandClock>, Verifier) {
    let (desk, address) = start().await;
    let clock = Arc::new(HandClock::new());
    let verifier = verifier(&format!("http://{address}/keys"), &clock);
    (desk, clock, verifier)
}

async fn passes(verifier: &Verifier, token: &str) -> bool {
    match verifier.verify(token).await {
        Ok(_) => true,
        Err(NotVerified::Refused(_)) => false,
        Err(NotVerified::NoKeys) => panic!("there are no keys"),
    }
}

#[tokio::test]
async fn every_kind_of_key_verifies_what_it_signed() {
    let (desk, _, verifier) = site().await;
    let pairs = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].map(Pair::new);
    let named: Vec<Value> = pairs.iter().map(|p| p.jwk_with(&json!({"kid": format!("{:?}", p.algorithm)}))).collect();
    let strange = [json!({"kty": "of tomorrow"}), json!(7), json!({"kty": "RSA", "n": 1})];
    desk.publishes(&[&strange[..], &named[..]].concat());
    for pair in &pairs {
        assert!(passes(&verifier, &pair.sign(Some(&format!("{:?}", pair.algorithm)))).await);
        assert!(passes(&verifier, &pair.sign(None)).await, "without a name every key that fits is tried");
        assert!(!passes(&verifier, &Pair::new(pair.algorithm).sign(None)).await);
    }
    assert!(!passes(&verifier, &pairs[1].sign(Some("RS256"))).await, "the name chooses the key");
    assert_eq!(desk.asked(), 1, "they are fetched once");
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_then_not_again_for_a_while() {
    let (desk, clock, verifier) = site().await;
    let (old, new) = (Pair::new(Algorithm::ES256), Pair::new(Algorithm::ES256));
    desk.publishes(&[old.jwk_with(&json!({"kid": "old"}))]);
    assert!(passes(&verifier, &old.sign(Some("old"))).await);
    desk.publishes(&[new.jwk_with(&json!({"kid": "new"}))]);
    assert!(!passes(&verifier, &new.sign(Some("new"))).await, "that was fetched a moment ago");
    assert_eq!(desk.asked(), 1);
    clock.advance(30);
    assert!(passes(&verifier, &new.sign(Some("new"))).await);
    assert!(!passes(&verifier, &old.sign(Some("old"))).await, "what is not published any more does not count");
    for made_up in 0..20 {
        assert!(!passes(&verifier, &old.sign(Some(&made_up.to_string()))).await);
    }
    assert_eq!(desk.asked(), 2);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_refused_after_ten_minutes_at_the_latest() {
    let (desk, clock, verifier) = site().await;
    let (old, new) = (Pair::new(Algorithm::EdDSA), Pair::new(Algorithm::EdDSA));
    desk.publishes(std::slice::from_ref(&old.jwk));
    assert!(passes(&verifier, &old.sign(None)).await);
    desk.publishes(std::slice::from_ref(&new.jwk));
    clock.advance(599);
    assert!(matches!(verifier.verify(&new.sign(None)).await, Err(NotVerified::Refused(_))));
    assert_eq!(desk.asked(), 1);
    clock.advance(1);
    // The tokens have expired by now, which is found out after the signature only.
    assert_eq!(verifier.verify(&old.sign(None)).await, Err(BY_NONE));
    assert_eq!(verifier.verify(&new.sign(None)).await, Err(NotVerified::Refused("it has expired")));
    assert_eq!(desk.asked(), 2);
}

const BY_NONE: NotVerified = NotVerified::Refused("its signature is by none of the published keys");

#[tokio::test]
async fn old_keys_do_while_the_server_is_away_and_without_any_nobody_is_judged() {
    let (desk, clock, verifier) = site().await;
    let pair = Pair::new(Algorithm::ES256);
    assert_eq!(verifier.verify(&pair.sign(None)).await, Err(NotVerified::NoKeys));
    assert_eq!(verifier.verify(&pair.sign(None)).await, Err(NotVerified::NoKeys));
    assert_eq!(desk.asked(), 1, "nor is it asked over and over");
    desk.publishes(std::slice::from_ref(&pair.jwk));
    clock.advance(3);
    assert!(passes(&verifier, &pair.sign(None)).await);
    let others = Pair::new(Algorithm::ES256).jwk;
    let large = json!({"keys": [others], "more": "x".repeat(BYTES_MAX)}).to_string();
    let empty = json!({"keys": []}).to_string();
    let failures = [
        (StatusCode::BAD_GATEWAY, "{}"),
        (StatusCode::OK, "no JSON"),
        (StatusCode::OK, &large),
        (StatusCode::OK, &empty),
    ];
    for (times, (status, body)) in failures.into_iter().enumerate() {
        desk.says(status, body);
        clock.advance(600);
        let found = verifier.verify(&pair.sign(None)).await;
        assert_eq!(found, Err(NotVerified::Refused("it has expired")), "the signature is still known to be good");
        assert_eq!(desk.asked(), 3 + times);
    }
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_not_followed() {
    let (desk, address) = start().await;
    let pair = Pair::new(Algorithm::ES256);
    desk.publishes(std::slice::from_ref(&pair.jwk));
    let verifier = verifier(&format!("http://{address}/elsewhere"), &Arc::new(HandClock::new()));
    assert_eq!(verifier.verify(&pair.sign(None)).await, Err(NotVerified::NoKeys));
    assert_eq!(desk.asked(), 0);
}

#[tokio::test]
async fn many_who_come_at_once_fetch_once() {
    let (desk, _, verifier) = site().await;
    let pair = Pair::new(Algorithm::ES256);
    desk.publishes(std::slice::from_ref(&pair.jwk));
    let (verifier, token) = (Arc::new(verifier), pair.sign(Some("unknown")));
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, token) = (Arc::clone(&verifier), token.clone());
            tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(desk.asked(), 1);
}

#[test]
fn who_could_change_the_keys_on_their_way_is_not_trusted() {
    for good in ["https://a.example.org/k", "http://127.0.0.1:1/k", "http://[::1]/k", "http://localhost:8080/k"] {
        assert!(trusted(good).is_ok(), "{good}");
    }
    for bad in [
        "http://a.example.org/k",
        "http://127.0.0.1.example.org/k",
        "http://localhost.example.org/",
        "ftp://127.0.0.1/k",
        "http://10.0.0.1/k",
    ] {
        assert!(trusted(bad).unwrap_err().to_string().contains("must begin with https://"), "{bad}");
    }
    assert!(trusted("sign-in.example.org").unwrap_err().to_string().contains("is no URL"));
    super::super::use_one_provider();
    Published::new("https://a.example.org/k", &[Algorithm::RS256], Arc::new(HandClock::new())).unwrap();
}
