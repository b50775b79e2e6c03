//! The gate as a request meets it: a router of the real middleware, without a server.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::routing::get;
use axum::{Router, middleware};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::request_id;
use super::testing::{HandClock, NOW, SECRET, claims, claims_with, config, signed};
use super::*;

fn gate(env: &[(&str, &str)]) -> Arc<Gate> {
    let env: Vec<(&str, &str)> = [("JWT_SECRET_KEY", SECRET)].iter().chain(env).copied().collect();
    Arc::new(Gate::with_clock(&config(&env), false, Arc::new(HandClock::new())).unwrap())
}

async fn who(caller: Caller, axum::Extension(id): axum::Extension<RequestId>) -> String {
    format!("{} {}", caller.by(&id), caller.is_admin())
}

fn app(gate: &Arc<Gate>) -> Router {
    let protected = middleware::from_fn_with_state(Arc::clone(gate), required);
    Router::new().route("/", get(who)).layer(protected).layer(middleware::from_fn(request_id::name))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn send(gate: &Arc<Gate>, from: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri("/").header("x-request-id", "r1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 4711)));
    let response = app(gate).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn with_token(gate: &Arc<Gate>, token: &str) -> Answer {
    send(gate, "192.0.2.7", &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn who_has_a_good_token_and_an_allowed_role_is_let_in_and_known() {
    let gate = gate(&[]);
    let answer = with_token(&gate, &signed(&claims())).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "anna (therapist), request r1 false"));
    let admin = with_token(&gate, &signed(&claims_with(&json!({"role": "admin", "sub": 7})))).await;
    assert_eq!((admin.status, admin.body.as_str()), (StatusCode::OK, "7 (admin), request r1 true"));
}

#[tokio::test]
async fn every_bad_token_gets_the_same_words() {
    let gate = gate(&[("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "100")]);
    let expired = signed(&claims_with(&json!({"exp": NOW - 1})));
    let refresh = signed(&claims_with(&json!({"type": "refresh"})));
    let mut seen: Vec<Value> = vec![];
    for headers in [
        vec![],
        vec![("authorization", "Basic YTpi".to_owned())],
        vec![("authorization", "Bearer nonsense".to_owned())],
        vec![("authorization", format!("Bearer {expired}"))],
        vec![("authorization", format!("Bearer {refresh}"))],
        vec![("authorization", format!("Bearer {}", "x".repeat(9_000)))],
        vec![("authorization", format!("Bearer {}", signed(&claims()))); 2],
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = send(&gate, "192.0.2.7", &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
        seen.push(serde_json::from_str(&answer.body).unwrap());
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
    assert_eq!((&seen[0]["code"], &seen[0]["success"]), (&json!("unauthenticated"), &json!(false)));
}

#[tokio::test]
async fn a_role_that_is_not_allowed_may_do_nothing() {
    let gate = gate(&[]);
    for role in ["patient", "Admin", "admin ", "therapists", "ADMIN", "therapist,admin"] {
        let answer = with_token(&gate, &signed(&claims_with(&json!({ "role": role })))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
        assert!(answer.body.contains("not_permitted") && !answer.headers.contains_key(WWW_AUTHENTICATE));
    }
    let narrow = super::gate_tests::gate(&[("UPSWEEP_ALLOWED_ROLES", "operator")]);
    assert_eq!(with_token(&narrow, &signed(&claims())).await.status, StatusCode::FORBIDDEN);
    let operator = signed(&claims_with(&json!({"role": "operator"})));
    assert_eq!(with_token(&narrow, &operator).await.status, StatusCode::OK);
}

#[tokio::test]
async fn failed_sign_ins_are_limited_per_address_and_a_good_token_passes_all_the_same() {
    let gate = gate(&[("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "3"), ("UPSWEEP_TRUSTED_PROXIES", "10.0.0.1")]);
    let status = async |from: &str, forwarded: &str| send(&gate, from, &[("x-forwarded-for", forwarded)]).await.status;
    for _ in 0..3 {
        assert_eq!(status("192.0.2.7", "").await, StatusCode::UNAUTHORIZED);
    }
    let limited = send(&gate, "192.0.2.7", &[]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    let secs: u64 = limited.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&secs), "{secs}");
    assert_eq!(status("192.0.2.7", "198.51.100.1").await, StatusCode::TOO_MANY_REQUESTS, "it cannot pretend");
    assert_eq!(status("10.0.0.1", "192.0.2.7").await, StatusCode::TOO_MANY_REQUESTS, "nor behind the proxy");
    assert_eq!(status("10.0.0.1", "198.51.100.1").await, StatusCode::UNAUTHORIZED, "others are not to blame");
    assert_eq!(with_token(&gate, &signed(&claims())).await.status, StatusCode::OK);
    for host in 1..4 {
        assert_eq!(status(&format!("2001:db8::{host}"), "").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status("2001:db8::ffff", "").await, StatusCode::TOO_MANY_REQUESTS, "one network, one address");
    assert_eq!(status("2001:db8:0:1::1", "").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn requests_are_limited_per_subject_where_that_is_configured() {
    let gate = gate(&[("UPSWEEP_RATE_LIMIT_PER_MINUTE", "2")]);
    let (anna, ben) = (signed(&claims()), signed(&claims_with(&json!({"sub": "ben"}))));
    for _ in 0..2 {
        assert_eq!(with_token(&gate, &anna).await.status, StatusCode::OK);
    }
    let limited = with_token(&gate, &anna).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers.contains_key(RETRY_AFTER) && limited.body.contains("rate_limited"));
    assert_eq!(with_token(&gate, &ben).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_the_gate_nobody_is_a_caller() {
    let app = Router::new().route("/", get(who)).layer(middleware::from_fn(request_id::name));
    let answer = app.oneshot(Request::builder().uri("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

/// A gate with accounts in an SQLite file.
fn gate_with_accounts(folder: &std::path::Path, query: &str) -> Arc<Gate> {
    let file = folder.join("app.db");
    let rows = "CREATE TABLE users (id TEXT, role TEXT, active INT);
                INSERT INTO users VALUES ('anna', 'admin', 1), ('ben', 'therapist', 0), ('carl', 'patient', 1),
                                         ('dora', NULL, 1), ('twin', 'admin', 1), ('twin', 'admin', 1);";
    if !file.exists() {
        rusqlite::Connection::open(&file).unwrap().execute_batch(rows).unwrap();
    }
    let url = format!("sqlite:///{}", file.display());
    gate(&[("DATABASE_URL", &url), ("UPSWEEP_AUTH_USER_QUERY", query), ("UPSWEEP_AUTH_CACHE_SECS", "0")])
}

const QUERY: &str = "SELECT role, active AS is_active FROM users WHERE id = :subject";

#[tokio::test]
async fn the_account_decides_what_the_token_says() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate_with_accounts(folder.path(), QUERY);
    let ask = async |sub: &str, role: &str| {
        with_token(&gate, &signed(&claims_with(&json!({"sub": sub, "role": role})))).await
    };
    let anna = ask("anna", "patient").await;
    assert_eq!((anna.status, anna.body.as_str()), (StatusCode::OK, "anna (admin), request r1 true"));
    for unknown in ["ben", "nobody", "twin"] {
        assert_eq!(ask(unknown, "admin").await.status, StatusCode::UNAUTHORIZED, "{unknown}");
    }
    for other in ["carl", "dora"] {
        assert_eq!(ask(other, "admin").await.status, StatusCode::FORBIDDEN, "{other}");
    }
    let active_alone = gate_with_accounts(folder.path(), "SELECT active AS is_active FROM users WHERE id = :subject");
    let anna = with_token(&active_alone, &signed(&claims())).await;
    assert_eq!(anna.body, "anna (therapist), request r1 false", "a query that tells no role leaves the token's");
}

#[tokio::test]
async fn without_the_database_nobody_passes_and_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate_with_accounts(folder.path(), QUERY);
    std::fs::write(folder.path().join("app.db"), "no database at all, and that for longer than a page").unwrap();
    let answer = with_token(&gate, &signed(&claims())).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("database_unavailable") && !answer.body.contains("app.db"), "{}", answer.body);
    assert_eq!(answer.headers[RETRY_AFTER], "30");
    let broken = gate_with_accounts(folder.path(), "SELECT role FROM userz WHERE id = :subject");
    assert_eq!(with_token(&broken, &signed(&claims())).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_server_is_asked_from_asynchronous_code_and_missed_when_it_is_gone() {
    let Some(mut server) = upsweep_testkit::Postgres::start() else {
        return upsweep_testkit::skip("no postgres");
    };
    server.create_database("app");
    server.exec("app", "CREATE TABLE users (id int, role text); INSERT INTO users VALUES (7, 'admin')");
    let url = server.superuser_url("app");
    let query = "SELECT role FROM users WHERE id = :subject";
    let env = [("DATABASE_URL", url.as_str()), ("UPSWEEP_AUTH_USER_QUERY", query), ("UPSWEEP_AUTH_CACHE_SECS", "0")];
    let gate = gate(&env);
    let seven = signed(&claims_with(&json!({"sub": 7})));
    assert_eq!(with_token(&gate, &seven).await.body, "7 (admin), request r1 true");
    assert_eq!(with_token(&gate, &signed(&claims())).await.status, StatusCode::UNAUTHORIZED, "anna is no number");
    server.stop();
    assert_eq!(with_token(&gate, &seven).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_mistake_in_the_configuration_is_told_at_the_start() {
    let said = |env: &[(&str, &str)]| match Gate::new(&config(env), false) {
        Ok(_) => panic!("{env:?}"),
        Err(error) => format!("{error:#}"),
    };
    let secret = ("JWT_SECRET_KEY", SECRET);
    assert!(said(&[]).contains("nothing is configured"));
    assert!(said(&[("JWT_SECRET_KEY", "dev")]).contains("openssl rand -hex 32"));
    assert!(Gate::new(&config(&[("JWT_SECRET_KEY", "dev")]), true).is_ok());
    assert!(said(&[secret, ("UPSWEEP_AUTH_USER_QUERY", QUERY)]).contains("set DATABASE_URL"));
    let database = ("DATABASE_URL", "sqlite:////nowhere/app.db");
    let said = |query| said(&[secret, database, ("UPSWEEP_AUTH_USER_QUERY", query)]);
    assert!(said("SELECT role FROM users").contains("must hold :subject"));
    assert!(said("DELETE FROM users WHERE id = :subject").contains("must begin with SELECT or WITH"));
    assert!(said("SELECT :subject; SELECT 1").contains("more than one statement"));
}

#[tokio::test]
async fn a_minted_token_is_a_good_one() {
    let env = [
        ("JWT_SECRET_KEY", SECRET),
        ("JWT_ALGORITHM", "HS384"),
        ("UPSWEEP_JWT_ISSUER", "app"),
        ("UPSWEEP_JWT_AUDIENCE", "up"),
    ];
    let gate = gate(&env[1..]);
    let wish = Wish { subject: "try", role: "admin", minutes: 15 };
    let clock = HandClock::new();
    let token = mint(&config(&env).service.tokens, &wish, clock.now()).unwrap();
    assert_eq!(with_token(&gate, &token).await.body, "try (admin), request r1 true");
    let old = mint(&config(&env).service.tokens, &wish, clock.now() - jiff::SignedDuration::from_mins(16)).unwrap();
    assert_eq!(with_token(&gate, &old).await.status, StatusCode::UNAUTHORIZED);
    let public = config(&[("UPSWEEP_JWT_JWKS_URL", "https://a.example.org/k")]);
    assert!(mint(&public.service.tokens, &wish, clock.now()).unwrap_err().to_string().contains("there is no secret"));
}

#[test]
fn a_subject_that_looks_like_more_than_a_name_is_quoted() {
    let id = RequestId::of(&HeaderMap::from_iter([(request_id::REQUEST_ID, "r1".parse().unwrap())]));
    let by = |subject: &str| Caller { subject: subject.to_owned(), role: "therapist".to_owned() }.by(&id);
    assert_eq!(by("anna@example.org"), "anna@example.org (therapist), request r1");
    assert_eq!(by("boss (admin), request x"), r#""boss (admin), request x" (therapist), request r1"#);
    assert_eq!(by("a\u{202e}b"), r#""a\u{202e}b" (therapist), request r1"#);
}
