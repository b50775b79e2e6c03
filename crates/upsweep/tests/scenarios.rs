//! The stories that the guards, saved plans and the lease are for, and what people see.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use support::{Database, Site, as_nobody, said};

#[test]
fn approvals_need_a_reason_and_some_guards_cannot_be_overruled() {
    let site = Site::sqlite();
    site.upsweep(&["run", "--allow", "G001"]).expect(64).has("--reason");
    site.upsweep(&["run", "--allow", "G008", "--reason", "x"]).expect(64).has("G008 cannot be overruled");
    site.upsweep(&["run", "--allow", "G999", "--reason", "x"]).expect(64).has("is no guard");
}

/// G002: the disk with the uploads is not mounted, and the empty mount point is all there is.
#[test]
fn an_unmounted_disk_is_refused() {
    let site = Site::sqlite();
    site.live("live.m4a");
    site.upsweep(&["run"]).expect(0);
    let elsewhere = site.dir.path().join("unmounted");
    fs::rename(&site.uploads, &elsewhere).unwrap();
    site.upsweep(&["run"]).expect(10).has("G002");
    fs::create_dir(&site.uploads).unwrap();
    site.file("written-to-the-mount-point.m4a", 72.0);
    let said = site.upsweep(&["run"]).expect(10);
    said.has("G002 refused");
    said.has("the disk is not mounted");
    assert!(site.has("written-to-the-mount-point.m4a"));
    site.upsweep(&["purge"]).expect(10).has("G002");
    site.upsweep(&["history"]).expect(10).has("G002");
    site.upsweep(&["status"]).expect(0).has("there is no marker now");
    fs::remove_file(site.uploads.join("written-to-the-mount-point.m4a")).unwrap();
    fs::remove_dir(&site.uploads).unwrap();
    fs::rename(&elsewhere, &site.uploads).unwrap();
    site.upsweep(&["run"]).expect(0);
}

/// G004: the configuration points to a copy of the database.
#[test]
fn another_database_is_refused() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.upsweep(&["run"]).expect(0);
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    let (path, staging) = (path.clone(), site.dir.path().join("staging.db"));
    fs::copy(&path, &staging).unwrap();
    site.file("orphan.m4a", 72.0);
    site.set("DATABASE_URL", &format!("sqlite:///{}", staging.display()));
    let said = site.upsweep(&["run"]).expect(10);
    said.has("G004 refused: the store is bound to sqlite app.db");
    said.has("set DATABASE_URL to the database the store belongs to");
    assert!(site.has("orphan.m4a"));
    site.set("DATABASE_URL", &format!("sqlite:///{}", path.display()));
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
}

/// G008: a folder that may not be read. Root may read everything, so another user runs the program.
#[test]
fn an_unreadable_folder_is_refused() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    let folder = site.uploads.join("private");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    site.set("UPSWEEP_RECURSIVE", "true");
    let said = as_nobody(&site, &["run"]).expect(10);
    said.has("G008 refused: the survey did not complete: private: Permission denied");
    as_nobody(&site, &["plan"]).expect(3).has("The survey did not complete, so nothing would be removed");
    assert!(site.has("orphan.m4a"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    as_nobody(&site, &["run"]).expect(0).has("Hid 1 file");
}

/// A folder that may be listed but not searched gives names and nothing else: whoever looked at a claimed file
/// there, or at anything but a candidate, would fail.
#[test]
fn only_candidates_are_looked_at() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    for n in 0..3 {
        site.live(&format!("closed/live-{n}.m4a"));
    }
    let folder = site.uploads.join("closed");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o444)).unwrap();
    as_nobody(&site, &["plan"]).expect(0).has("Would keep 3: 3 claimed.");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    site.file("closed/orphan.m4a", 72.0);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o444)).unwrap();
    as_nobody(&site, &["plan"]).expect(3).has("error: cannot look at closed/orphan.m4a");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// One folder that cannot even be opened holds up its own files, and nobody else's.
#[test]
fn an_unreadable_folder_does_not_hold_up_other_files_on_their_way_back() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    for n in 0..3 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.file("a/old.m4a", 72.0);
    site.file("other.m4a", 72.0);
    as_nobody(&site, &["run"]).expect(0).has("Hid 2 files");
    site.session("x", "processed", Some("a/old.m4a"), 0);
    site.session("y", "processed", Some("other.m4a"), 0);
    let folder = site.uploads.join("a");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    as_nobody(&site, &["run"]).expect(10).has("Brought back 1 file");
    assert!(site.has("other.m4a"));
    as_nobody(&site, &["recover"]).expect(0);
    as_nobody(&site, &["restore", "--all"]).expect(3).has("a/old.m4a");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    as_nobody(&site, &["run"]).expect(0).has("Brought back 1 file");
    assert!(site.has("a/old.m4a"));
}

#[test]
fn a_saved_plan_is_carried_out_exactly_or_refused() {
    let mut site = Site::sqlite();
    for n in 0..6 {
        site.live(&format!("live-{n}.m4a"));
    }
    for name in ["a.m4a", "b.m4a", "c.m4a", "d.m4a"] {
        site.file(name, 72.0);
    }
    let plan = site.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    site.upsweep(&["plan", "--out", plan]).expect(0).has(&format!("apply {plan}"));

    let whole = fs::read_to_string(plan).unwrap();
    fs::write(plan, whole.replace("a.m4a", "live-0.m4a")).unwrap();
    site.upsweep(&["apply", plan]).expect(1).has("altered after it was made");
    fs::write(plan, &whole[..whole.len() / 2]).unwrap();
    site.upsweep(&["apply", plan]).expect(1).has("no plan that can be read");
    fs::write(plan, &whole).unwrap();
    site.set("ORPHANED_FILE_RETENTION_HOURS", "48");
    let said = site.upsweep(&["apply", plan]).expect(1);
    said.has("orphaned_file_retention_hours was 24 h, is now 48 h");
    site.env.remove("ORPHANED_FILE_RETENTION_HOURS");

    // Meanwhile one file is claimed, one is rewritten, one is gone, and a new orphan appears.
    site.session("new", "processed", Some("a.m4a"), 0);
    site.file("b.m4a", 72.0);
    fs::write(site.uploads.join("b.m4a"), "rewritten").unwrap();
    fs::remove_file(site.uploads.join("c.m4a")).unwrap();
    site.file("e.m4a", 72.0);
    let said = site.upsweep(&["apply", plan]).expect(0);
    said.has("Hid 1 file");
    said.has("left alone: a.m4a: a claim appeared");
    said.has("left alone: b.m4a: it changed");
    said.has("left alone: c.m4a: it was gone");
    assert!(site.has("a.m4a") && site.has("b.m4a") && !site.has("d.m4a") && site.has("e.m4a"));

    let other = Site::sqlite();
    other.upsweep(&["apply", plan]).expect(1).has("the plan was made for");
}

#[test]
fn a_second_run_is_told_who_works() {
    let site = Site::sqlite();
    site.live("live.m4a");
    site.upsweep(&["run"]).expect(0);
    let path = site.uploads.join(".upsweep/lock");
    let lock = fs::File::options().read(true).write(true).open(&path).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let who = r#"{"what":"run","user":"cron","pid":7,"host":"app","since":"2026-11-01T03:00:00Z","run":null}"#;
    fs::write(&path, who).unwrap();
    let said = site.upsweep(&["run"]).expect(11);
    said.has("'upsweep run' (process 7");
    said.has("wait until it is done");
    site.upsweep(&["plan"]).expect(0);
    site.upsweep(&["status"]).expect(0).has("At work: 'upsweep run'");
    drop(lock);
    site.upsweep(&["run"]).expect(0);
}

#[test]
fn folders_are_cleaned_and_restored_when_asked_for() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    for n in 0..5 {
        site.live(&format!("2026/{n}/live.m4a"));
    }
    site.file("2025/old/orphan.m4a", 720.0);
    site.file("2026/1/orphan.m4a", 720.0);
    let files = site.files();
    site.upsweep(&["run"]).expect(0).has("Hid 2 files");
    fs::remove_dir_all(site.uploads.join("2025")).unwrap();
    site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 2 files");
    assert_eq!(site.files(), files);
}

#[test]
fn a_database_in_the_upload_directory_is_no_upload() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    let inside = site.uploads.join("app.db");
    fs::copy(path, &inside).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 86_400);
    let file = fs::File::options().write(true).open(&inside).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(old)).unwrap();
    site.set("DATABASE_URL", &format!("sqlite:///{}", inside.display()));
    assert!(site.planned().is_empty());
    for _ in 0..2 {
        site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
    }
}

/// Words that nobody hears must not stop a run half-way, and must not pass for success either.
#[test]
fn a_full_standard_output_is_reported_after_the_work() {
    let site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = site.command(&["run"]);
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the work itself was done"), "{output:?}");
    assert!(!site.has("orphan.m4a"));
}

#[test]
fn undo_needs_no_database() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    site.env.remove("DATABASE_URL");
    site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 1 file");
    assert!(site.has("orphan.m4a"));
    site.upsweep(&["history"]).expect(0).has("restore");
}

/// A night without a database must not look like a night on which nothing was to be done.
#[test]
fn a_failed_run_leaves_its_trace_in_the_history() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.upsweep(&["run"]).expect(0);
    let url = site.database.url();
    site.set("DATABASE_URL", "sqlite:////nonexistent/app.db");
    site.upsweep(&["run"]).expect(1).has("/nonexistent/app.db");
    site.upsweep(&["history"]).expect(0).has("stopped: ");
    let said = site.upsweep(&["status"]).expect(1);
    said.has("In quarantine: 0 files");
    said.has("what a run would do now is unknown");
    site.set("DATABASE_URL", &url);
    site.upsweep(&["run"]).expect(0);
}

/// Without its note outside the store a missing disk would go unnoticed for ever.
#[test]
fn a_store_is_noted_outside_even_when_the_first_attempt_fails() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    let state = site.env["UPSWEEP_STATE_DIR"].clone();
    site.set("UPSWEEP_STATE_DIR", "/dev/null/state");
    for _ in 0..2 {
        site.upsweep(&["run"]).expect(1).has("set UPSWEEP_STATE_DIR");
        assert!(site.has("orphan.m4a"));
    }
    site.set("UPSWEEP_STATE_DIR", &state);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    fs::rename(&site.uploads, site.dir.path().join("unmounted")).unwrap();
    site.upsweep(&["run"]).expect(10).has("G002");
}

#[test]
fn restore_says_what_it_does_not_know() {
    let site = Site::sqlite();
    site.upsweep(&["restore", "--all"]).expect(1).has("nothing was ever removed");
    site.live("live.m4a");
    site.upsweep(&["run"]).expect(0);
    site.upsweep(&["restore", "--run", "20200101-000000-abcdef"]).expect(1).has("there is no run");
    site.upsweep(&["restore", "never.m4a"])
        .expect(3)
        .has("neither hidden nor archived, so not brought back: never.m4a");
    site.upsweep(&["restore", "../x"]).expect(64).has("no name of a file below the upload directory");
    site.upsweep(&["restore"]).expect(64);
    site.upsweep(&["restore", "--json"]).expect(64);
    let report = site.upsweep(&["restore", "--all", "--json"]).expect(0).json();
    assert_eq!(report["restored"]["files"], 0);
}

/// Names are bytes, on the command line too.
#[test]
fn a_name_that_is_no_utf8_can_be_restored() {
    let site = Site::sqlite();
    site.live("live.m4a");
    let name = OsStr::from_bytes(b"caf\xe9.m4a");
    site.file(name, 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    let mut command = site.command(&["restore"]);
    command.arg(name);
    said(command).expect(0).has("Brought back 1 file");
    assert!(site.uploads.join(name).exists());
}

#[test]
fn what_is_said_into_a_file_is_plain_text() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    site.file(format!("{}.m4a", "long".repeat(50)), 72.0);
    site.set("FAILED_SESSION_RETENTION_DAYS", "1000");
    let said = site.upsweep(&["plan"]).expect(0);
    assert!(said.err.contains("WARN") && !said.err.contains('\u{1b}'), "{:?}", said.err);
    assert!(said.out.lines().all(|line| !line.ends_with(' ')), "{:?}", said.out);
    said.has("restore --all");
    site.upsweep(&["history", "--limit", "0"]).expect(64);
}

#[test]
fn logs_are_structured_and_hold_no_names() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("anna-private.m4a", 72.0);
    site.set("JSON_LOGS", "true").set("UPSWEEP_LOG_LEVEL", "debug");
    let said = site.upsweep(&["run"]).expect(0);
    assert!(said.err.lines().count() >= 2, "{}", said.err);
    for line in said.err.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(event["level"].is_string() && event["timestamp"].is_string(), "{line}");
    }
    assert!(!said.err.contains("anna-private"), "{}", said.err);
}

#[test]
fn a_spreadsheet_lists_every_file_and_takes_no_name_for_a_formula() {
    let site = Site::sqlite();
    site.live("live.m4a");
    site.file("=HYPERLINK(1).m4a", 72.0);
    site.session("9", "failed", Some("failed.m4a"), 8);
    site.file("failed.m4a", 200.0);
    let said = site.upsweep(&["plan", "--csv"]).expect(0);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "file,reason,since,age_secs,size_bytes,format,duration_secs,sessions");
    assert!(lines[1].starts_with("'=HYPERLINK(1).m4a,orphan,"), "{}", lines[1]);
    assert!(lines[2].starts_with("failed.m4a,failed session,") && lines[2].ends_with(",9"), "{}", lines[2]);
    site.upsweep(&["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn the_example_is_complete_and_its_commands_work() {
    let site = Site::sqlite();
    let dir = site.dir.path().join("example");
    let said = site.upsweep(&["demo", "--dir", dir.to_str().unwrap()]).expect(0);
    for text in ["orphan", "failed session", "nearly claimed", "too young", "m4a 0:", "Missing: ", "../../etc/passwd"] {
        said.has(text);
    }
    let commands: Vec<Vec<&str>> = said
        .out
        .lines()
        .skip_while(|line| *line != "Try next:")
        .filter(|line| line.starts_with("  ") && !line.starts_with("      "))
        .map(|line| line.split_whitespace().skip(1).collect())
        .collect();
    assert!(commands.len() >= 5, "{said:?}");
    // Nothing of the caller's environment may reach into the example, nor the example out of its folder.
    site.file("precious.m4a", 720.0);
    for command in commands {
        site.upsweep(&command).expect(0);
    }
    let config = dir.join("upsweep.toml");
    let status = site.upsweep(&["--config", config.to_str().unwrap(), "status", "--json"]).expect(0).json();
    assert_eq!(status["hidden"]["files"], 4, "the example's own files were hidden, but for the one brought back");
    assert!(dir.join("uploads/audio/upload-broke-off.ogg").exists(), "which the run left where it was");
    assert!(site.has("precious.m4a") && !site.has(".upsweep"));
    site.upsweep(&["demo", "--dir", dir.to_str().unwrap()]).expect(1).has("is not empty");
}
