//! An application for tests: uploads, an SQLite database with sessions, and the service before them.

use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::{Router, middleware};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::Value;
use tower::ServiceExt as _;
use upsweep_engine::ports::Clock as _;

use super::CleanupConfig;
use crate::clock::SystemClock;
use crate::http::auth::Caller;
use crate::http::{classic, request_id};
use crate::service::Service;

/// An application with its uploads.
pub(crate) struct Stage {
    dir: Arc<tempfile::TempDir>,
    pub(crate) uploads: PathBuf,
    pub(crate) service: Arc<Service>,
    router: Router,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        assert_eq!(self.body["success"], status == 200, "{:#}", self.body);
        self.body
    }

    /// The result of a clean-up that was carried out.
    #[track_caller]
    pub(crate) fn result(self) -> Value {
        self.expect(200)["result"].take()
    }
}

impl Stage {
    /// With ten live sessions and their files.
    pub(crate) fn new() -> Self {
        Self::set(&[])
    }

    pub(crate) fn set(settings: &[(&str, &str)]) -> Self {
        let stage = Self::empty(settings);
        for n in 0..10 {
            stage.session(&format!("live-{n}"), "processed", &format!("live-{n}.m4a"), 30);
            stage.file(format!("live-{n}.m4a"), 720);
        }
        stage
    }

    /// With an empty upload directory and no session.
    pub(crate) fn empty(settings: &[(&str, &str)]) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        fs::create_dir(dir.path().join("uploads")).unwrap();
        let stage = Self::served(dir, settings);
        stage.sql("CREATE TABLE sessions (id TEXT PRIMARY KEY, status TEXT, audio_filename TEXT, created_at TEXT)");
        stage
    }

    /// As a second process serves the same store.
    pub(crate) fn another_service(&self) -> Self {
        Self::served(Arc::clone(&self.dir), &[])
    }

    fn served(dir: Arc<tempfile::TempDir>, settings: &[(&str, &str)]) -> Self {
        let uploads = dir.path().join("uploads");
        let config = Self::config_in(&dir, settings);
        let service = Service::new(config.load().unwrap());
        let router = Router::from(classic::router())
            .with_state(Arc::clone(&service))
            .layer(middleware::from_fn(request_id::name));
        Self { dir, uploads, service, router }
    }

    fn config_in(dir: &tempfile::TempDir, settings: &[(&str, &str)]) -> CleanupConfig {
        let text = |name: &str| dir.path().join(name).display().to_string();
        let config = CleanupConfig::new(format!("sqlite:///{}", text("app.db")), text("uploads"))
            .with_setting("state_dir", text("state"))
            .with_setting("status_max_age_secs", "3600");
        settings.iter().fold(config, |config, (key, value)| config.with_setting(*key, *value))
    }

    /// The same configuration for another service.
    pub(crate) fn config(&self, settings: &[(&str, &str)]) -> CleanupConfig {
        Self::config_in(&self.dir, settings)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.path("app.db")).unwrap()
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.database().execute_batch(sql).unwrap();
    }

    /// A session that was created so many days ago.
    pub(crate) fn session(&self, id: &str, status: &str, file: &str, age_days: i64) {
        let created = SystemClock::new().now() - SignedDuration::from_hours(age_days * 24);
        let created = created.strftime("%Y-%m-%d %H:%M:%S").to_string();
        self.database().execute("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4)", (id, status, file, created)).unwrap();
    }

    /// A file of a thousand bytes that was last modified so many hours ago.
    pub(crate) fn file(&self, name: impl AsRef<[u8]>, age_hours: i64) {
        let path = self.uploads.join(std::ffi::OsStr::from_bytes(name.as_ref()));
        fs::write(&path, vec![b'~'; 1_000]).unwrap();
        let modified = self.hours_ago(age_hours);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::try_from(modified).unwrap())).unwrap();
    }

    pub(crate) fn hours_ago(&self, hours: i64) -> Timestamp {
        self.service.now() - SignedDuration::from_hours(hours)
    }

    /// The names in sight, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.uploads).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.retain(|name| name != ".upsweep" && !name.starts_with("live-"));
        names.sort();
        names
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.uploads.join(".upsweep").exists()
    }

    /// Everything that is hidden was hidden an hour ago, and its quarantine is over.
    pub(crate) fn let_quarantine_end(&self) {
        let ledger = Connection::open(self.uploads.join(".upsweep/ledger.db")).unwrap();
        let sql = "UPDATE ops SET quarantine_secs = 0, hidden_at = hidden_at - 3600 * 1000000";
        ledger.execute_batch(sql).unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Some("therapist")).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.ask("POST", path, Some("therapist")).await
    }

    pub(crate) async fn post_as(&self, role: &str, path: &str) -> Answer {
        self.ask("POST", path, Some(role)).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, role: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/admin/cleanup{path}"));
        if let Some(role) = role {
            request = request.extension(Caller { subject: "anna".to_owned(), role: role.to_owned() });
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}")) }
    }
}

/// Waits until something is so, with a generous limit.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("it did not come to that within half a minute");
}
