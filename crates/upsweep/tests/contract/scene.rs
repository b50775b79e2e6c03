//! What most stories begin with: an application with recordings of every kind, its service, and who calls it.

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::serve::{Answer, Serve, until};
use crate::support::{Database, Site};
use crate::tokens::Callers;

pub const ORPHANS: &str = "/api/admin/cleanup/orphaned-files";
pub const FAILED: &str = "/api/admin/cleanup/failed-sessions";
pub const ALL: &str = "/api/admin/cleanup/all";
pub const STATUS: &str = "/api/admin/cleanup/status";
pub const CONFIG: &str = "/api/admin/cleanup/config";

pub const MIB: u64 = 1 << 20;

/// The site, its service and its people.
pub struct Scene {
    pub site: Site,
    pub serve: Serve,
    pub callers: Callers,
}

impl Scene {
    pub fn of(site: Site) -> Option<Self> {
        Self::with(site, &[])
    }

    pub fn with(site: Site, more: &[(&str, &str)]) -> Option<Self> {
        let callers = Callers::new()?;
        let serve = Serve::with(&site, more);
        Some(Self { site, serve, callers })
    }

    /// As the therapist; the answer must be a good one.
    #[track_caller]
    pub fn post(&self, path: &str) -> Value {
        let answer = self.serve.post(path, &self.callers.therapist).expect(200);
        result_of(&answer, path)
    }

    /// What would go, as the therapist sees it.
    #[track_caller]
    pub fn status(&self) -> Value {
        potential_of(&self.serve.get(STATUS, &self.callers.therapist).expect(200))
    }
}

/// Writes a file of this size.
pub fn sized(site: &Site, name: &str, bytes: u64, age_hours: f64) -> PathBuf {
    let path = site.file(name, age_hours);
    let file = File::options().write(true).open(&path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_len(bytes).unwrap();
    file.set_modified(modified).unwrap();
    path
}

/// Ten live recordings, and some of everything that a clean-up meets. What goes: two orphans of 1.5 MiB and 0.25 MiB,
/// and the files of the session `f-old`, 2 MiB and 0.5 MiB.
pub fn furnish(site: &Site) {
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.file("live-0_processed.mp3", 700.0);
    sized(site, "orphan.m4a", 3 * MIB / 2, 48.0);
    sized(site, "orphan_processed.mp3", MIB / 4, 47.0);
    site.file("orphan-young.m4a", 2.0);
    site.session("f-old", "failed", Some("failed.m4a"), 8);
    sized(site, "failed.m4a", 2 * MIB, 192.0);
    sized(site, "failed_processed.mp3", MIB / 2, 191.0);
    site.session("f-young", "failed", Some("failed-young.m4a"), 3);
    site.file("failed-young.m4a", 72.0);
    site.session("f-empty", "failed", None, 60);
    site.session("f-shared", "failed", Some("live-1.m4a"), 60);
}

/// The orphans that [`furnish`] leaves.
pub const ORPHAN_NAMES: [&str; 2] = ["orphan.m4a", "orphan_processed.mp3"];
pub const FAILED_NAMES: [&str; 2] = ["failed.m4a", "failed_processed.mp3"];

/// The `result` of a good answer, which has every classic field.
#[track_caller]
pub fn result_of(answer: &Answer, path: &str) -> Value {
    let body = answer.json();
    assert_eq!(body["success"], true, "{body}");
    let message = match path.split('?').next().unwrap() {
        ORPHANS => "Orphaned file cleanup completed",
        FAILED => "Failed session cleanup completed",
        ALL => "Full cleanup completed",
        other => panic!("{other} is no clean-up"),
    };
    assert_eq!(body["message"], message, "{body}");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    classic(&body["result"])
}

/// The `potential_cleanup` of a good answer, which has every classic field.
#[track_caller]
pub fn potential_of(answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(body["success"], true, "{body}");
    assert_eq!(body["message"], "Cleanup status retrieved", "{body}");
    classic(&body["potential_cleanup"])
}

/// Every classic field is there, has its type, and agrees with the others.
#[track_caller]
fn classic(result: &Value) -> Value {
    let texts = |field: &str| {
        let list = result[field].as_array().unwrap_or_else(|| panic!("{field} is a list: {result}"));
        assert!(list.iter().all(Value::is_string), "{field} holds texts: {result}");
        list.len()
    };
    let number = |field: &str| result[field].as_u64().unwrap_or_else(|| panic!("{field} is a count: {result}"));
    let counts = ["orphaned_files_count", "failed_sessions_count", "error_count"].map(number);
    let lengths = ["orphaned_files_deleted", "failed_sessions_cleaned", "errors"].map(texts);
    if result["truncated"] != json!(true) {
        assert_eq!(counts, lengths.map(|length| length as u64), "{result}");
    }
    let mb = result["total_space_freed_mb"].as_f64().unwrap_or_else(|| panic!("a number: {result}"));
    assert!(mb >= 0.0 && (mb * 100.0 - (mb * 100.0).round()).abs() < 1e-6, "two decimals: {result}");
    assert!(result["dry_run"].is_boolean(), "{result}");
    result.clone()
}

/// A list of texts, in order.
#[track_caller]
pub fn sorted(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> = serde_json::from_value(list.clone()).unwrap();
    texts.sort();
    texts
}

/// That nothing went, or would go.
#[track_caller]
pub fn assert_empty(result: &Value) {
    assert_eq!(result["orphaned_files_deleted"], json!([]), "{result}");
    assert_eq!(result["failed_sessions_cleaned"], json!([]), "{result}");
    assert_eq!(result["total_space_freed_mb"].as_f64(), Some(0.0), "{result}");
    assert_eq!(result["error_count"], 0, "{result}");
}

/// A problem's fields, of which both worlds were promised some.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(body["status"], status, "{body}");
    for field in ["type", "title", "detail", "code", "request_id"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body}");
    }
    assert_eq!(body["request_id"], answer.header("x-request-id"), "{body}");
    assert!(answer.header("content-type").starts_with("application/problem+json"), "{answer:?}");
    body
}

/// Adds so many month-old sessions with their files, in one statement.
pub fn live_many(site: &Site, count: usize) {
    let created = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(720);
    let created = created.strftime("%Y-%m-%d %H:%M:%S");
    let row = |n| format!("('many-{n}', 'processed', 'many-{n}.m4a', '{created}')");
    let rows: Vec<String> = (0..count).map(row).collect();
    site.database.exec(&format!("INSERT INTO sessions VALUES {}", rows.join(", ")));
    for n in 0..count {
        site.file(format!("many-{n}.m4a"), 720.0);
    }
}

/// Writes so many old orphans.
pub fn orphans_many(site: &Site, count: usize) {
    for n in 0..count {
        site.file(format!("orphan-{n}.m4a"), 48.0);
    }
}

/// What the hidden files hold: what is hidden twice is there twice.
pub fn hidden_contents(site: &Site) -> Vec<String> {
    let runs = std::fs::read_dir(site.uploads.join(".upsweep/quarantine")).into_iter().flatten().map(Result::unwrap);
    let files = runs.flat_map(|run| std::fs::read_dir(run.path()).unwrap().map(Result::unwrap));
    let kept = files.filter(|file| file.file_name() != "MANIFEST");
    let mut contents: Vec<String> = kept.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
    contents.sort();
    contents
}

/// Takes the database away, as a crash or a cut cable does.
pub fn take_database_away(site: &mut Site) {
    match &mut site.database {
        Database::Sqlite(path) => std::fs::rename(path.clone(), path.with_extension("away")).unwrap(),
        Database::Postgres(server) => server.stop(),
        Database::MariaDb(server) => server.stop(),
    }
}

/// Whether it is ready is remembered for a moment, and then it is told as it is.
pub fn until_ready(scene: &Scene, status: u16) {
    until("readiness is told", || (scene.serve.get("/readyz", "").status == status).then_some(()));
}
