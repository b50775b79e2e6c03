//! What every answer has, and who may see what without a token.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::scene::{ALL, CONFIG, STATUS, Scene, assert_problem, furnish};
use crate::serve::{Answer, Serve};
use crate::support::Site;
use crate::tokens::Callers;

#[test]
fn a_request_keeps_its_name() {
    let Some(scene) = Scene::of(Site::sqlite()) else { return };
    let bearer = format!("Bearer {}", scene.callers.therapist);
    let named = |id: &str| {
        let headers = [("authorization", bearer.as_str()), ("x-request-id", id)];
        scene.serve.send("GET", CONFIG, &headers, "").expect(200).header("x-request-id").to_owned()
    };
    assert_eq!(named("proxy-7f.A_1"), "proxy-7f.A_1");
    // What could confuse a log gets another one.
    for strange in ["a b", "x\"y", &"a".repeat(500)] {
        let given = named(strange);
        assert!(given != strange && !given.is_empty(), "{given}");
    }
    let (first, second) = (scene.serve.get("/healthz", ""), scene.serve.get("/healthz", ""));
    assert!(!first.header("x-request-id").is_empty());
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[test]
fn every_answer_is_safe_for_browsers() {
    let Some(scene) = Scene::of(Site::sqlite()) else { return };
    let token = &scene.callers.therapist;
    for (path, token) in [(CONFIG, token.as_str()), (CONFIG, ""), ("/healthz", ""), ("/nothing", ""), ("/docs/", "")] {
        let answer = scene.serve.get(path, token);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}: {answer:?}");
        let frames = format!("{} {}", answer.header("x-frame-options"), answer.header("content-security-policy"));
        assert!(frames.contains("DENY") || frames.contains("frame-ancestors 'none'"), "{path}: {answer:?}");
        assert!(!answer.header("referrer-policy").is_empty(), "{path}: {answer:?}");
        assert_eq!(answer.header("server"), "", "{path}");
    }
    for path in [CONFIG, STATUS] {
        assert!(scene.serve.get(path, token).header("cache-control").contains("no-store"), "{path}");
    }
}

/// What a browser asks before a page of `origin` may call, and what it sees afterwards.
fn from_page(serve: &Serve, token: &str, origin: &str) -> [String; 2] {
    let bearer = format!("Bearer {token}");
    let ask = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let before = serve.send("OPTIONS", ALL, &ask, "");
    let call = serve.send("GET", CONFIG, &[("origin", origin), ("authorization", &bearer)], "").expect(200);
    [before, call].map(|answer| answer.header("access-control-allow-origin").to_owned())
}

#[test]
fn pages_of_other_origins_call_only_if_they_are_named() {
    let Some(callers) = Callers::new() else { return };
    let (app, evil) = ("https://app.example.org", "https://app.example.org.evil.example");
    let site = Site::sqlite();
    let serve = Serve::start(&site);
    assert_eq!(from_page(&serve, &callers.therapist, app), ["", ""]);
    let site = Site::sqlite();
    let serve = Serve::with(&site, &[("UPSWEEP_CORS_ORIGINS", app)]);
    assert_eq!(from_page(&serve, &callers.therapist, app), [app, app]);
    assert_eq!(from_page(&serve, &callers.therapist, evil), ["", ""]);
}

#[test]
fn a_body_has_a_limit() {
    let Some(scene) = Scene::of(Site::sqlite()) else { return };
    let mut stream = TcpStream::connect(scene.serve.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let token = &scene.callers.admin;
    write!(
        stream,
        "POST /api/v1/plans HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 10737418240\r\n\r\n"
    )
    .unwrap();
    let mut said = [0; 12];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 413", "at once, before ten gigabytes came");
    scene.serve.get("/healthz", "").expect(200);
}

#[test]
fn the_description_is_open_and_whatever_it_protects_is_closed() {
    let Some(scene) = Scene::with(Site::sqlite(), &[("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "10000")]) else { return };
    let openapi = scene.serve.get("/openapi.json", "").expect(200).json();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"), "{}", openapi["openapi"]);
    let paths = openapi["paths"].as_object().unwrap();
    let mut count = 0;
    for (template, operations) in paths {
        for (method, _) in operations.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let path = filled(template);
            let method = method.to_uppercase();
            let is_open = ["/healthz", "/readyz", "/docs", "/openapi.json"].contains(&path.as_str());
            let closed = scene.serve.ask(&method, &path, "");
            assert_eq!(closed.status == 401, !is_open, "{method} {path}: {closed:?}");
            if !is_open {
                assert_problem(&closed, 401);
                assert_problem(&scene.serve.ask(&method, &path, &scene.callers.patient), 403);
                count += 1;
            }
        }
    }
    assert!(count > 20, "the description tells of {count} operations only");
    for path in [ALL, STATUS, CONFIG, "/api/v1/runs", "/api/v1/plans"] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
    assert!(!scene.site.has(".upsweep"));
}

/// A path with something in its gaps.
fn filled(template: &str) -> String {
    let parts = template.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn the_documents_bring_everything_with_them() {
    let site = Site::sqlite();
    let serve = Serve::start(&site);
    let first = serve.get("/docs", "");
    let page = if first.status == 200 { first } else { serve.get("/docs/", "") }.expect(200);
    assert!(page.text.contains("swagger"), "{page:?}");
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    for part in page.text.split(['"', '\'']) {
        assert!(!part.starts_with("http://") && !part.starts_with("https://") && !part.starts_with("//"), "{part}");
    }
}

/// The sum of the samples whose name has all these words.
fn metric(text: &str, words: &[&str]) -> Option<f64> {
    let has_all = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap();
        !line.starts_with('#') && words.iter().all(|word| name.contains(word))
    };
    let values: Vec<f64> =
        text.lines().filter(has_all).map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[test]
fn metrics_tell_what_was_done_to_who_has_a_token() {
    let site = Site::sqlite();
    furnish(&site);
    site.session("lost", "processed", Some("lost.m4a"), 30);
    let Some(scene) = Scene::of(site) else { return };
    assert_problem(&scene.serve.get("/metrics", ""), 401);
    assert_problem(&scene.serve.get("/metrics", &scene.callers.patient), 403);
    scene.post(ALL);
    scene.status();
    let answer = scene.serve.get("/metrics", &scene.callers.therapist).expect(200);
    let text = &answer.text;
    assert!(answer.header("content-type").contains("text"), "{answer:?}");
    let bytes = (3.0 / 2.0 + 0.25 + 2.0 + 0.5) * 1_048_576.0;
    assert_eq!(metric(text, &["files", "removed"]), Some(4.0), "{text}");
    assert_eq!(metric(text, &["bytes", "hidden"]), Some(bytes), "{text}");
    assert_eq!(metric(text, &["bytes", "freed"]), Some(0.0), "{text}");
    assert_eq!(metric(text, &["quarantine", "bytes"]), Some(bytes), "{text}");
    assert_eq!(metric(text, &["quarantine", "files"]), Some(4.0), "{text}");
    assert!(metric(text, &["errors"]).is_some(), "{text}");
    assert!(metric(text, &["orphan"]).is_some(), "{text}");
    assert_eq!(metric(text, &["missing"]), Some(1.0), "{text}");
    assert!(metric(text, &["store", "bytes"]).is_some_and(|bytes| bytes > 0.0), "{text}");
    for words in [["refus"], ["restore"], ["duration"], ["last_success"]] {
        assert!(text.lines().any(|line| line.starts_with("# TYPE") && line.contains(words[0])), "{words:?}: {text}");
    }
    assert!(!text.contains("orphan.m4a"), "no file names");
}

#[test]
fn metrics_have_a_listener_of_their_own_where_that_is_set() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = Site::sqlite();
    let serve = Serve::with(&site, &[("UPSWEEP_METRICS_LISTEN", &free.to_string())]);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(free).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    };
    let said = ask("/metrics");
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("# TYPE"), "{said}");
    assert!(ask(CONFIG).starts_with("HTTP/1.1 404"), "nothing else is to be had there");
    assert_eq!(serve.get("/metrics", "").status, 401);
}

#[test]
fn health_and_readiness_are_open_and_tell_no_secrets() {
    let site = Site::sqlite();
    let serve = Serve::start(&site);
    for path in ["/healthz", "/readyz"] {
        let answer: Answer = serve.get(path, "").expect(200);
        assert!(!answer.text.contains("sqlite:///"), "{answer:?}");
        assert!(!matches!(serde_json::from_str::<Value>(&answer.text), Ok(Value::Null)), "{answer:?}");
    }
}
