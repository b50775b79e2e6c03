//! The classic service's own cases, with the real program on a real directory and an SQLite database.

mod support;

use support::Site;

/// A site with two live sessions, so that a few removals are an ordinary clean-up.
fn site() -> Site {
    let site = Site::sqlite();
    for id in ["1", "2"] {
        site.live(&format!("live-{id}.m4a"));
    }
    site
}

#[test]
fn test_cleanup_orphaned_files_dry_run() {
    let site = site();
    site.file("orphan.m4a", 48.0);
    let (files, rows) = (site.files(), site.database.sessions());
    let said = site.upsweep(&["run", "--dry-run"]).expect(0);
    said.has("orphan.m4a");
    said.has("Nothing was changed");
    for word in ["deleted", "removed", "Hid ", "Freed"] {
        assert!(!said.out.contains(word), "a dry run must not say '{word}':\n{}", said.out);
    }
    assert_eq!((site.files(), site.database.sessions()), (files, rows));
    assert!(!site.has(".upsweep"), "a dry run leaves nothing behind");
}

#[test]
fn test_cleanup_orphaned_files_actual() {
    let site = site();
    site.file("orphan.m4a", 48.0);
    let report = site.upsweep(&["run", "--json"]).expect(0).json();
    assert_eq!(report["hidden"]["files"], 1);
    assert!(!site.has("orphan.m4a"));
    assert!(site.has("live-1.m4a") && site.has("live-2.m4a"));
    assert_eq!(site.hidden(), 1);
}

#[test]
fn test_cleanup_orphaned_files_respects_retention() {
    let mut site = site();
    site.file("young.m4a", 23.9);
    site.file("old.m4a", 24.1);
    assert_eq!(site.planned(), ["old.m4a"]);
    site.set("ORPHANED_FILE_RETENTION_HOURS", "1");
    assert_eq!(site.planned(), ["old.m4a", "young.m4a"]);
}

#[test]
fn test_cleanup_keeps_files_with_sessions() {
    let site = site();
    site.session("3", "uploading", Some("arriving.m4a"), 9);
    site.file("arriving.m4a", 200.0);
    assert!(site.planned().is_empty());
}

#[test]
fn test_cleanup_keeps_processed_variant_of_live_session() {
    let site = site();
    site.file("live-1_processed.mp3", 700.0);
    assert!(site.planned().is_empty());
}

#[test]
fn test_cleanup_orphaned_processed_variant() {
    let site = site();
    site.file("gone.m4a", 48.0);
    site.file("gone_processed.mp3", 47.0);
    assert_eq!(site.planned(), ["gone.m4a", "gone_processed.mp3"]);
}

#[test]
fn test_cleanup_failed_sessions_dry_run() {
    let site = site();
    site.session("9", "failed", Some("failed.m4a"), 8);
    site.file("failed.m4a", 1.0);
    let files = site.files();
    assert_eq!(site.planned(), ["failed.m4a"], "its age counts from created_at, not from the file");
    assert_eq!(site.files(), files);
}

#[test]
fn test_cleanup_failed_sessions_actual() {
    let site = site();
    site.session("9", "failed", Some("failed.m4a"), 8);
    site.file("failed.m4a", 200.0);
    site.file("failed_processed.mp3", 200.0);
    let rows = site.database.sessions();
    site.upsweep(&["run"]).expect(0).has("Hid 2 files");
    assert!(!site.has("failed.m4a") && !site.has("failed_processed.mp3"));
    assert_eq!(site.database.sessions(), rows, "rows stay untouched");
}

#[test]
fn test_cleanup_failed_sessions_respects_retention() {
    let mut site = site();
    site.session("9", "failed", Some("failed.m4a"), 6);
    site.file("failed.m4a", 200.0);
    assert!(site.planned().is_empty());
    site.set("FAILED_SESSION_RETENTION_DAYS", "5");
    assert_eq!(site.planned(), ["failed.m4a"]);
}

#[test]
fn test_cleanup_keeps_file_shared_by_failed_and_live_session() {
    let site = site();
    site.session("9", "failed", Some("live-1.m4a"), 60);
    assert!(site.planned().is_empty());
}

#[test]
fn test_cleanup_failed_session_without_file() {
    let site = site();
    site.session("9", "failed", None, 60);
    site.session("10", "failed", Some(""), 60);
    site.session("11", "failed", Some("never-arrived.m4a"), 60);
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

#[test]
fn test_cleanup_all() {
    let site = site();
    site.file("orphan.m4a", 48.0);
    site.session("9", "failed", Some("failed.m4a"), 8);
    site.file("failed.m4a", 200.0);
    let plan = site.upsweep(&["plan", "--json"]).expect(0).json();
    let kinds: Vec<&str> = plan["removals"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["failed_session", "orphan"]);
    site.upsweep(&["run"]).expect(0).has("Hid 2 files");
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

#[test]
fn test_cleanup_preserves_gitkeep_dotfiles_folders_and_links() {
    let site = site();
    site.file(".gitkeep", 9_000.0);
    site.file(".hidden.m4a", 9_000.0);
    site.file("folder/inside.m4a", 9_000.0);
    let outside = site.dir.path().join("outside.m4a");
    std::fs::write(&outside, "outside").unwrap();
    std::os::unix::fs::symlink(&outside, site.uploads.join("link.m4a")).unwrap();
    let before = site.files();
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Nothing was hidden");
    assert_eq!(site.files(), before);
    assert!(site.has("link.m4a") && outside.exists());
    site.upsweep(&["plan"]).expect(0).has("Not looked into: 1 folder (folder)");
}

#[test]
fn test_cleanup_name_with_dots_reaches_nothing_outside() {
    let site = site();
    let outside = site.dir.path().join("secret.m4a");
    std::fs::write(&outside, "secret").unwrap();
    site.session("9", "failed", Some("../../secret.m4a"), 60);
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Nothing was hidden");
    assert_eq!(std::fs::read(&outside).unwrap(), b"secret");
    site.upsweep(&["plan"]).expect(0).has("'../../secret.m4a' (row 9)");
}

#[test]
fn test_cleanup_status() {
    let site = site();
    site.file("orphan.m4a", 48.0);
    let files = site.files();
    let status = site.upsweep(&["status", "--json"]).expect(0).json();
    assert_eq!(status["potential"]["removals"]["files"], 1);
    assert_eq!(status["potential"]["files"], 3);
    assert_eq!(status["hidden"]["files"], 0);
    assert_eq!(site.files(), files);
    assert!(!site.has(".upsweep"));
}

#[test]
fn test_cleanup_missing_upload_directory() {
    let mut site = site();
    site.set("UPLOAD_DIR", "/nonexistent/uploads");
    let said = site.upsweep(&["run"]).expect(1);
    said.has("the upload directory /nonexistent/uploads does not exist");
    said.has("set UPLOAD_DIR");
}

#[test]
fn test_cleanup_missing_database() {
    let mut site = site();
    site.set("DATABASE_URL", "sqlite:////nonexistent/app.db");
    site.file("orphan.m4a", 48.0);
    site.upsweep(&["run"]).expect(1).has("/nonexistent/app.db");
    assert!(site.has("orphan.m4a"));
    site.env.remove("DATABASE_URL");
    site.upsweep(&["run"]).expect(1).has("set DATABASE_URL");
}
