//! The example store behind the whole router, for tests. Whoever sends `Bearer admin` is an
//! administrator called anna; `Bearer admin:boss` is called boss.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, body};
use serde_json::Value;
use tower::ServiceExt as _;

use super::auth::Caller;
use super::problem::Problem;
use super::{classic, docs, request_id, scrape, v1};
use crate::config::{Config, Sources};
use crate::demo;
use crate::service::Service;

/// The example, and the service on it.
pub(crate) struct Site {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) uploads: PathBuf,
    pub(crate) service: Arc<Service>,
    router: Router,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.headers)).to_str().unwrap()
    }

    /// Fails unless this is the problem with that code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        let said = self.expect(status);
        assert_eq!(said.header("content-type"), "application/problem+json");
        let json = said.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!((&json["status"], &json["success"]), (&Value::from(status), &Value::from(false)));
        json
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With more lines in its configuration.
    pub(crate) fn with(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let demo::Made { dir: _, uploads, config } = demo::make(Some(dir.path())).unwrap();
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{text}{more}")).unwrap();
        let (service, router) = served(&config);
        Self { dir, uploads, service, router }
    }

    /// With so many orphans that the guards refuse to hide them.
    pub(crate) fn refused() -> Self {
        let site = Self::new();
        for n in 0..30 {
            site.orphan(&format!("old-{n:02}.m4a"));
        }
        site
    }

    pub(crate) fn orphan(&self, name: &str) {
        let path = self.uploads.join(name);
        std::fs::write(&path, b"sound").unwrap();
        let old = SystemTime::try_from(self.service.now()).unwrap() - Duration::from_secs(30 * 86_400);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_times(std::fs::FileTimes::new().set_modified(old)).unwrap();
    }

    /// The same store, served by what might be another process.
    pub(crate) fn renewed(self) -> Self {
        let (service, router) = served(&self.dir.path().join("upsweep.toml"));
        Self { service, router, ..self }
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Said {
        said(self.open(request, body).await).await
    }

    /// The answer as it comes.
    pub(crate) async fn open(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Response {
        self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Said {
        self.send(by("therapist", Method::GET, path), Body::empty()).await
    }

    pub(crate) async fn get_as_admin(&self, path: &str) -> Said {
        self.send(by("admin", Method::GET, path), Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Said {
        self.post_as("therapist", path, body).await
    }

    pub(crate) async fn post_as(&self, role: &str, path: &str, body: Value) -> Said {
        let request = by(role, Method::POST, path).header("content-type", "application/json");
        self.send(request, body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Said {
        self.send(by("therapist", Method::DELETE, path), Body::empty()).await
    }

    /// The run at the place that an answer named, once it has ended.
    pub(crate) async fn ended(&self, started: &Said) -> Value {
        let place = started.header("location");
        let id = place.rsplit('/').next().unwrap();
        let job = self.service.jobs.get(id).expect("it was started here");
        tokio::time::timeout(Duration::from_secs(60), job.ended()).await.expect("it ends in time");
        let run = self.get(place).await.expect(200).json();
        assert_eq!(run["state"], "ended", "{run}");
        run
    }

    /// Hides what may go, and gives the run.
    pub(crate) async fn cleaned(&self) -> Value {
        let started = self.post("/api/v1/runs", serde_json::json!({"kind": "run"})).await.expect(202);
        let run = self.ended(&started).await;
        assert_eq!(run["outcome"], "done", "{run}");
        run
    }
}

/// What a disk that is unmounted, or somebody's hand, does to a file.
#[expect(clippy::disallowed_methods, reason = "the world outside does so")]
#[track_caller]
pub(crate) fn rename(from: impl AsRef<std::path::Path>, to: impl AsRef<std::path::Path>) {
    std::fs::rename(from, to).unwrap();
}

/// A request in the name of somebody with that role.
pub(crate) fn by(role: &str, method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("authorization", format!("Bearer {role}"))
}

pub(crate) async fn said(response: Response) -> Said {
    let (parts, body) = response.into_parts();
    let bytes = body::to_bytes(body, 16 << 20).await.unwrap();
    Said { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn served(config: &std::path::Path) -> (Arc<Service>, Router) {
    let sources = Sources { file: Some(config.to_owned()), ..Sources::default() };
    let service = Service::new(Config::load(&sources).unwrap());
    let protected = Router::from(v1::router().merge(scrape::router()).merge(classic::router()));
    let anonymous = Router::from(docs::anonymous());
    let router = protected.route_layer(middleware::from_fn(gate)).merge(anonymous);
    let router = router.layer(middleware::from_fn(request_id::name)).with_state(Arc::clone(&service));
    (service, router)
}

async fn gate(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(role) = token.strip_prefix("Bearer ").map(str::to_owned) else {
        return Problem::unauthenticated().into_response();
    };
    let (role, subject) = role.split_once(':').unwrap_or((&role, "anna"));
    let caller = Caller { subject: subject.to_owned(), role: role.to_owned() };
    request.extensions_mut().insert(caller);
    next.run(request).await
}
