use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::http::testing::{Site, by};

#[tokio::test]
async fn what_is_not_known_is_refused_and_named() {
    let site = Site::new();
    for (path, named) in [
        ("/api/v1/runs?limt=5", "limt"),
        ("/api/v1/runs?limit=0", "limit"),
        ("/api/v1/runs?limit=501", "limit"),
        ("/api/v1/runs?limit=x", "limit"),
        ("/api/v1/runs?limit=5&limit=6", "limit"),
        ("/api/v1/runs?kind=walk", "kind"),
        ("/api/v1/runs?from=yesterday", "from"),
        ("/api/v1/quarantine?cursor=-1", "cursor"),
        ("/api/v1/store?verbose=1", "verbose"),
        ("/api/v1/plans?all", "all"),
    ] {
        let problem = site.get(path).await.problem(422, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{path}: {problem}");
    }
    for (body, named) in [
        (json!({"kind": "walk"}), "walk"),
        (json!({"selection": {}}), "kind"),
        (json!({"kind": "run", "dry_run": true}), "dry_run"),
        (json!({"kind": "recover", "approval": {"codes": ["G001"], "reason": "x"}}), "approval"),
        (json!({"kind": "run", "selection": {"onyl": []}}), "onyl"),
        (json!({"kind": "run", "selection": {"only": ["everything"]}}), "everything"),
        (json!({"kind": "run", "selection": {"limit": -1}}), "-1"),
        (json!({"kind": "run", "selection": {"limit": 9_007_199_254_740_992_u64}}), "9007199254740992"),
        (json!({"kind": "run", "approval": {"codes": [], "reason": "x"}}), "codes"),
        (json!({"kind": "run", "approval": {"codes": ["G003"], "reason": " "}}), "reason"),
        (json!([]), "body"),
    ] {
        let problem = site.post("/api/v1/runs", body.clone()).await.problem(422, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{body}: {problem}");
    }
    assert!(!site.uploads.join(".upsweep").exists(), "none of that began a run");
}

#[tokio::test]
async fn bodies_are_json_and_say_so() {
    let site = Site::new();
    let post = || by("therapist", Method::POST, "/api/v1/runs");
    site.send(post().header("content-type", "application/json"), "{").await.problem(400, "invalid_request");
    site.send(post().header("content-type", "application/json"), "").await.problem(400, "invalid_request");
    let body = r#"{"kind":"run"}"#;
    site.send(post(), body).await.problem(415, "unsupported_media_type");
    site.send(post().header("content-type", "text/plain"), body).await.problem(415, "unsupported_media_type");
    let large = format!(r#"{{"kind":"run","selection":{{"prefixes":["{}"]}}}}"#, "x".repeat(3 << 20));
    site.send(post().header("content-type", "application/json"), large).await.problem(413, "too_large");
    let fine = site.send(post().header("content-type", "Application/JSON; charset=utf-8"), body).await.expect(202);
    site.ended(&fine).await;
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_and_other_methods_are_named() {
    let site = Site::new();
    let bare = axum::http::Request::builder().uri("/api/v1/runs");
    let said = site.send(bare, Body::empty()).await;
    assert_eq!(said.header("www-authenticate"), "Bearer");
    said.problem(401, "unauthenticated");
    let said = site.send(by("admin", Method::PATCH, "/api/v1/runs"), Body::empty()).await;
    assert_eq!(said.header("allow"), "POST,GET,HEAD");
    said.problem(405, "method_not_allowed");
    site.get("/api/v1/nothing").await.problem(404, "not_found");
}
