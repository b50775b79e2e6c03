//! Status and configuration: they look, and change nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::scene::{ALL, CONFIG, ORPHAN_NAMES, STATUS, Scene, assert_empty, furnish, potential_of, sorted};
use crate::serve::Serve;
use crate::support::Site;
use crate::tokens::Callers;

on_each_database!(status_tells_what_would_go_and_changes_nothing);
on_each_database!(config_tells_what_is_set);

/// Everything below a folder, hidden parts included: kind, size, inode, times, content.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let facts = entry.metadata().unwrap();
            // Whoever reads an SQLite database in WAL mode has to open these two, which hold nothing of their own then.
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with("-shm") || name.ends_with("-wal") {
                continue;
            }
            let content = if facts.is_file() { std::fs::read(entry.path()).unwrap() } else { vec![] };
            let times = if facts.is_file() { (facts.mtime(), facts.ctime()) } else { (0, 0) };
            found.insert(entry.path(), (facts.ino(), times.0, times.1, facts.mode(), content));
            if facts.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

fn status_tells_what_would_go_and_changes_nothing(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "0")]) else { return };
    let uploads = scene.site.uploads.clone();
    let before = (snapshot(&uploads), scene.site.database.sessions());
    for _ in 0..2 {
        let potential = scene.status();
        assert_eq!(sorted(&potential["orphaned_files_deleted"]), ORPHAN_NAMES);
        assert_eq!(potential["failed_sessions_cleaned"], json!(["f-old"]));
        assert_eq!(potential["total_space_freed_mb"].as_f64(), Some(4.25));
        assert_eq!(potential["dry_run"], true);
        assert!(surveyed_at(&potential).parse::<jiff::Timestamp>().is_ok(), "{potential}");
    }
    assert_eq!((snapshot(&uploads), scene.site.database.sessions()), before);
    assert!(!scene.site.has(".upsweep"), "looking binds nothing");

    // The same where the store is bound, and a ledger could be written to.
    scene.post(ALL);
    scene.site.file("another.m4a", 48.0);
    let bound = (snapshot(&uploads), scene.site.upsweep(&["history", "--json"]).expect(0).out);
    let potential = scene.status();
    assert_eq!(potential["orphaned_files_deleted"], json!(["another.m4a"]), "{potential}");
    assert_eq!((snapshot(&uploads), scene.site.upsweep(&["history", "--json"]).expect(0).out), bound);
}

fn surveyed_at(potential: &Value) -> String {
    potential["surveyed_at"].as_str().unwrap_or_else(|| panic!("surveyed_at: {potential}")).to_owned()
}

#[test]
fn many_callers_are_served_from_one_survey() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "3600")]) else { return };
    let token = &scene.callers.therapist;
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let ask = || potential_of(&scene.serve.get(STATUS, token).expect(200));
        let callers: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    scene.site.file("since.m4a", 48.0);
    let again = scene.status();
    assert_eq!(surveyed_at(&again), surveyed_at(&answers[0]));
    assert_eq!(again["orphaned_files_count"], 2, "one survey, and it says of when it is");
}

#[test]
fn after_a_clean_up_status_does_not_tell_of_before() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "3600")]) else { return };
    assert_eq!(scene.status()["orphaned_files_count"], 2);
    scene.post(ALL);
    assert_empty(&scene.status());
}

fn config_tells_what_is_set(mut site: Site) {
    let Some(callers) = Callers::new() else { return };
    // Relative, as it is written in the application's own file.
    site.set("UPLOAD_DIR", "uploads/audio");
    let serve = Serve::start(&site);
    let config = serve.get(CONFIG, &callers.therapist).expect(200).json();
    assert_eq!(config["failed_session_retention_days"], 7, "{config}");
    assert_eq!(config["orphaned_file_retention_hours"], 24, "{config}");
    assert_eq!(config["upload_dir"], "uploads/audio", "{config}");
    assert_eq!(config["auto_cleanup_on_startup"], false, "{config}");
    assert_eq!(config["cleanup_schedule_hour"], 3, "{config}");
    drop(serve);

    let uploads = site.uploads.to_str().unwrap().to_owned();
    let set = [
        ("FAILED_SESSION_RETENTION_DAYS", "30"),
        ("ORPHANED_FILE_RETENTION_HOURS", "48"),
        ("UPLOAD_DIR", uploads.as_str()),
        ("AUTO_CLEANUP_ON_STARTUP", "true"),
        ("CLEANUP_SCHEDULE_HOUR", "23"),
    ];
    let serve = Serve::with(&site, &set);
    let answer = serve.get(CONFIG, &callers.therapist).expect(200);
    let config = answer.json();
    assert_eq!(config["failed_session_retention_days"], 30, "{config}");
    assert_eq!(config["orphaned_file_retention_hours"], 48, "{config}");
    assert_eq!(config["upload_dir"], uploads, "{config}");
    assert_eq!(config["auto_cleanup_on_startup"], true, "{config}");
    assert_eq!(config["cleanup_schedule_hour"], 23, "{config}");
    // What it says beside is nobody's secret.
    for secret in [crate::serve::SECRET, site.env["DATABASE_URL"].as_str()] {
        assert!(!answer.text.contains(secret) || secret.starts_with("sqlite"), "{}", answer.text);
    }
}

#[test]
fn the_upload_directory_is_uploads_audio_unless_told() {
    let mut site = Site::sqlite();
    site.env.remove("UPLOAD_DIR");
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let config = scene.serve.get(CONFIG, &scene.callers.therapist).expect(200).json();
    assert_eq!(config["upload_dir"], "uploads/audio");
    assert_eq!(scene.post(ALL)["orphaned_files_count"], 2);
}

#[test]
fn an_hour_that_is_none_is_refused_at_start() {
    let site = Site::sqlite();
    let mut command = Serve::command(&site, &[("CLEANUP_SCHEDULE_HOUR", "24")]);
    command.stdin(std::process::Stdio::null());
    let said = crate::support::said(command);
    assert_ne!(said.code, 0);
    said.has("CLEANUP_SCHEDULE_HOUR");
}
