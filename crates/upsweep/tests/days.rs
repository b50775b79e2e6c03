//! What happens over days: quarantine, purge, and everything that stands in its way.
//!
//! Needs the feature `test-clock`, with which the program's clock can be shifted.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::{Database, Site};

/// Ten live sessions with their files.
fn with_live_files(site: Site) -> Site {
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    site
}

/// Ten live files and three hidden orphans.
fn with_hidden_orphans() -> Site {
    let site = with_live_files(Site::sqlite());
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        site.file(name, 72.0);
    }
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    site
}

fn hidden_paths(site: &Site) -> Vec<PathBuf> {
    let runs = fs::read_dir(site.uploads.join(".upsweep/quarantine")).unwrap().map(Result::unwrap);
    let files = runs.flat_map(|run| fs::read_dir(run.path()).unwrap().map(|file| file.unwrap().path()));
    files.filter(|path| !path.ends_with("MANIFEST")).collect()
}

#[test]
fn hidden_files_are_freed_after_their_quarantine_and_not_before() {
    let site = with_hidden_orphans();
    site.upsweep_after_days(6, &["run"]).expect(0).has("In quarantine: 3 files");
    assert_eq!(site.hidden(), 3);
    let said = site.upsweep_after_days(8, &["run"]).expect(0);
    said.has("Freed 3 hidden files");
    assert_eq!(site.hidden(), 0);
    assert_eq!(site.files().len(), 10);
    let quarantine = fs::read_dir(site.uploads.join(".upsweep/quarantine")).unwrap();
    assert_eq!(quarantine.count(), 0, "an emptied quarantine is tidied up");
    site.upsweep_after_days(8, &["restore", "--all"]).expect(0);
    assert_eq!(site.files().len(), 10, "what was freed is gone for good");
}

#[test]
fn a_longer_quarantine_is_kept() {
    let mut site = with_live_files(Site::sqlite());
    site.file("a.m4a", 72.0);
    site.set("UPSWEEP_QUARANTINE_DAYS", "30");
    site.upsweep(&["run"]).expect(0);
    site.set("UPSWEEP_QUARANTINE_DAYS", "1");
    site.upsweep_after_days(8, &["purge"]).expect(0);
    assert_eq!(site.hidden(), 1, "the promise made at hiding holds");
    site.upsweep_after_days(31, &["purge"]).expect(0).has("Freed 1 hidden file");
}

#[test]
fn an_approval_at_hiding_covers_freeing_exactly_those_files() {
    let site = Site::sqlite();
    for n in 0..30 {
        site.file(format!("old-{n}.m4a"), 72.0);
    }
    site.upsweep(&["run", "--allow", "G001,G003", "--reason", "imports"]).expect(0).has("Hid 30 files");
    // One more, hidden by a later run without approval: below no floor any more, so it is refused.
    site.file("late.m4a", 72.0);
    site.upsweep(&["run"]).expect(10).has("G001 refused");
    site.upsweep_after_days(8, &["run"]).expect(0).has("Freed 30 hidden files");
}

#[test]
fn what_is_claimed_again_comes_back_instead_of_being_freed() {
    let site = with_hidden_orphans();
    site.session("again", "processed", Some("B.m4a"), 0);
    let said = site.upsweep_after_days(8, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 2 hidden files");
    assert!(site.has("b.m4a"), "even a nearly claimed file comes back");
}

#[test]
fn a_failed_session_that_recovers_gets_its_audio_back() {
    let site = with_live_files(Site::sqlite());
    site.session("f", "failed", Some("failed.m4a"), 9);
    site.file("failed.m4a", 200.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    site.database.exec("UPDATE sessions SET status = 'processed' WHERE id = 'f'");
    site.upsweep_after_days(8, &["purge"]).expect(0).has("Brought back 1 file");
    assert!(site.has("failed.m4a"));
}

#[test]
fn a_hidden_file_that_grew_comes_back() {
    let site = with_hidden_orphans();
    let path = hidden_paths(&site).remove(0);
    File::options().append(true).open(path).unwrap().write_all(b" and more").unwrap();
    let said = site.upsweep_after_days(8, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("somebody still wrote to them");
    said.has("Freed 2 hidden files");
    assert_eq!(site.files().len(), 11);
}

#[test]
fn a_taken_place_is_a_conflict_and_both_files_are_kept() {
    let site = with_hidden_orphans();
    site.file("a.m4a", 1.0);
    let said = site.upsweep(&["restore", "a.m4a"]).expect(3);
    said.has("conflict: a.m4a: its place is taken");
    assert_eq!(site.hidden(), 3);
    assert!(site.has("a.m4a"));
    fs::rename(site.uploads.join("a.m4a"), site.uploads.join("a-new.m4a")).unwrap();
    site.upsweep(&["restore", "a.m4a"]).expect(0).has("Brought back 1 file");
}

#[test]
fn purging_refuses_what_hiding_would() {
    let mut site = with_hidden_orphans();
    // Another database.
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    let (path, staging) = (path.clone(), site.dir.path().join("staging.db"));
    fs::copy(&path, &staging).unwrap();
    site.set("DATABASE_URL", &format!("sqlite:///{}", staging.display()));
    site.upsweep_after_days(8, &["purge"]).expect(10).has("G004 refused");
    site.set("DATABASE_URL", &format!("sqlite:///{}", path.display()));
    // A database that lost nearly everything.
    fs::copy(&path, site.dir.path().join("backup.db")).unwrap();
    site.database.exec("DELETE FROM sessions");
    site.upsweep_after_days(8, &["purge"]).expect(10).has("G001 refused");
    assert_eq!(site.hidden(), 3);
    fs::copy(site.dir.path().join("backup.db"), &path).unwrap();
    // The disk is not mounted.
    let elsewhere = site.dir.path().join("unmounted");
    fs::rename(&site.uploads, &elsewhere).unwrap();
    fs::create_dir(&site.uploads).unwrap();
    site.upsweep_after_days(8, &["purge"]).expect(10).has("G002");
    fs::remove_dir(&site.uploads).unwrap();
    fs::rename(&elsewhere, &site.uploads).unwrap();
    assert_eq!(site.hidden(), 3);
    // And when the evidence is back, so is the purge.
    site.upsweep_after_days(8, &["purge"]).expect(0).has("Freed 3 hidden files");
}

/// A store that is bound anew keeps its ledger: what that hid counts against the floor, and comes back.
#[test]
fn a_store_bound_anew_keeps_its_past() {
    let site = Site::sqlite();
    let write = |from: u32, to: u32| (from..to).for_each(|n| drop(site.file(format!("old-{n}.m4a"), 72.0)));
    write(0, 20);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
    fs::remove_file(site.uploads.join(".upsweep/store.json")).unwrap();
    fs::remove_dir_all(site.dir.path().join("state")).unwrap();
    write(20, 25);
    site.session("again", "processed", Some("old-0.m4a"), 0);
    let said = site.upsweep(&["run"]).expect(10);
    said.has("G001 refused");
    said.has("Brought back 1 file");
    assert_eq!(site.hidden(), 19);
}

#[test]
fn a_plan_expires() {
    let site = with_live_files(Site::sqlite());
    site.file("a.m4a", 72.0);
    let plan = site.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    site.upsweep(&["plan", "--out", plan]).expect(0);
    site.upsweep_after_days(2, &["apply", plan]).expect(1).has("the plan expired at");
    site.upsweep_after_days(-2, &["apply", plan]).expect(1).has("in the future");
    site.upsweep(&["apply", plan]).expect(0).has("Hid 1 file");
}

#[test]
fn a_transaction_that_was_open_at_hiding_is_waited_for_on_postgresql() {
    let Some(site) = Site::postgres() else { return };
    let site = with_live_files(site);
    for n in 0..3 {
        site.file(format!("orphan-{n}.m4a"), 72.0);
    }
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let mut writer = Command::new("psql");
    writer.args(["-q", &server.superuser_url("app")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut writer = writer.spawn().unwrap();
    let mut to_writer = writer.stdin.take().unwrap();
    writeln!(
        to_writer,
        "BEGIN; INSERT INTO sessions VALUES ('late', 'uploading', 'orphan-0.m4a', now()); SELECT 'ready';"
    )
    .unwrap();
    let mut answer = [0_u8; 20];
    std::io::Read::read(writer.stdout.as_mut().unwrap(), &mut answer).unwrap();

    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    site.upsweep_after_days(8, &["run"]).expect(0).has("Not freed yet: 3 hidden files");
    assert_eq!(site.hidden(), 3);
    writeln!(to_writer, "COMMIT;").unwrap();
    drop(to_writer);
    writer.wait().unwrap();
    let said = site.upsweep_after_days(8, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 2 hidden files");
    assert!(site.has("orphan-0.m4a"));
}
