use std::sync::Mutex;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN};
use axum::routing::{get, post};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::config::{Config, Sources, TlsFiles};

fn config(env: &[(&str, &str)]) -> ServiceConfig {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&Sources { env, ..Sources::default() }).unwrap().service
}

fn router() -> Router {
    let slow = Router::new().route("/slow", get(std::future::pending::<()>));
    Router::new()
        .route("/files/{name}", get(|| async { "found" }))
        .route("/cached", get(|| async { ([(CACHE_CONTROL, "max-age=60")], "found") }))
        .route("/panic", get(|| async { panic!("secret-name.mp3 is gone") as () }))
        .route("/size", post(|body: Bytes| async move { body.len().to_string() }))
        .merge(timeout(slow, Duration::from_millis(20)))
}

async fn ask_of(config: &ServiceConfig, request: Request) -> Response {
    wrap(router(), config, Metrics::default()).oneshot(request).await.unwrap()
}

async fn ask(path: &str) -> Response {
    let request = Request::get(path).header("x-request-id", "abc-1").body(Body::empty()).unwrap();
    ask_of(&config(&[]), request).await
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

/// That it is a problem of ours, complete with the request's name.
async fn is_problem(response: Response, status: u16, code: &str) {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    let name = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
    let text = text(response).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    let seen = (body["code"].as_str(), body["status"].as_u64(), body["success"].as_bool());
    assert_eq!(seen, (Some(code), Some(u64::from(status)), Some(false)), "{text}");
    assert_eq!(body["request_id"].as_str(), Some(name.as_str()));
    assert!(!text.contains("secret-name"), "{text}");
}

#[tokio::test]
async fn a_panic_a_timeout_and_an_unknown_path_are_problems_with_the_requests_name() {
    is_problem(ask("/panic").await, 500, "internal").await;
    is_problem(ask("/slow").await, 504, "timed_out").await;
    is_problem(ask("/nowhere").await, 404, "not_found").await;
    let wrong = Request::delete("/cached").body(Body::empty()).unwrap();
    is_problem(ask_of(&config(&[]), wrong).await, 405, "method_not_allowed").await;
    assert_eq!(ask("/panic").await.headers()[REQUEST_ID], "abc-1");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_problem_whether_or_not_it_says_its_length() {
    let post = |body: Body, length: Option<usize>| {
        let request = Request::post("/size");
        let request = length.into_iter().fold(request, |request, length| request.header("content-length", length));
        ask_of(&CONFIG, request.body(body).unwrap())
    };
    static CONFIG: std::sync::LazyLock<ServiceConfig> = std::sync::LazyLock::new(|| config(&[]));
    let large = vec![b'x'; BODY_MAX_BYTES + 1];
    is_problem(post(Body::from(large.clone()), Some(large.len())).await, 413, "too_large").await;
    is_problem(post(Body::from(large), None).await, 413, "too_large").await;
    let right = post(Body::from(vec![b'x'; BODY_MAX_BYTES]), Some(BODY_MAX_BYTES)).await;
    assert_eq!(text(right).await, BODY_MAX_BYTES.to_string());
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let response = ask("/files/a").await;
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
    ] {
        assert_eq!(response.headers()[&name], value);
    }
    assert!(!response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    assert_eq!(ask("/cached").await.headers()[CACHE_CONTROL], "max-age=60");
    let files = TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() };
    let over_tls = ServiceConfig { tls: Some(files), ..config(&[]) };
    let response = ask_of(&over_tls, Request::get("/files/a").body(Body::empty()).unwrap()).await;
    assert!(response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
}

#[tokio::test]
async fn pages_of_other_origins_may_call_only_where_they_are_named() {
    let from = |origin: &str, path: &str| Request::get(path).header(ORIGIN, origin).body(Body::empty()).unwrap();
    let allowed = |response: &Response| response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).cloned();
    let app = "https://app.example.org";
    assert_eq!(allowed(&ask_of(&config(&[]), from(app, "/files/a")).await), None, "off unless configured");

    let named = config(&[("UPSWEEP_CORS_ORIGINS", "https://app.example.org,https://b.example.org")]);
    for path in ["/files/a", "/panic", "/nowhere"] {
        let response = ask_of(&named, from(app, path)).await;
        assert_eq!(allowed(&response).unwrap(), app, "{path}");
        let exposed = response.headers()[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap().to_ascii_lowercase();
        assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
        assert!(exposed.contains("idempotency-replayed"), "{exposed}");
    }
    for other in ["https://evil.example.org", "http://app.example.org", "https://app.example.org.evil", "null"] {
        assert_eq!(allowed(&ask_of(&named, from(other, "/files/a")).await), None, "{other}");
    }
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri("/size")
        .header(ORIGIN, app)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,idempotency-key")
        .body(Body::empty());
    let response = ask_of(&named, preflight.unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(headers.contains("authorization") && headers.contains("idempotency-key"), "{headers}");
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Kept(std::sync::Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_and_the_metrics_know_the_route_and_neither_names_nor_queries() {
    let kept = Kept::default();
    let writer = kept.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let metrics = Metrics::default();
    let app = wrap(router(), &config(&[]), metrics.clone());
    for (method, path) in
        [("GET", "/files/therapy.mp3?token=hunter2"), ("GET", "/secret-place"), ("BREW", "/files/therapy.mp3")]
    {
        let request = Request::builder().method(method).uri(path).header(REQUEST_ID, "abc-1");
        let request = request.header(AUTHORIZATION, "Bearer hunter3").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap();
    }
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let first = log.lines().next().unwrap();
    for part in ["request_id=\"abc-1\"", "method=\"GET\"", "route=\"/files/{name}\"", "status=200", "millis="] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(log.contains("route=\"none\" status=404") && log.contains("method=\"other\""), "{log}");
    let counted = metrics.render(None, &super::super::metrics::Live::default());
    assert!(counted.contains(r#"{route="/files/{name}",method="GET",status="200"} 1"#), "{counted}");
    for secret in ["therapy", "hunter", "secret-place", "BREW"] {
        assert!(!log.contains(secret) && !counted.contains(secret), "{secret}: {log}{counted}");
    }
}
