//! The actions with the real program: what they need, what a plan says of them, and deleting at once.
//!
//! Needs the feature `test-clock`: a shifted clock skips what it would wait for.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

#[macro_use]
mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Database, Site, said};

/// After how many days every file here has lain unchanged for long enough to be deleted at once.
const LATER: i64 = 3;

on_each_database!(deleted_at_once);

fn deleted_at_once(site: Site) {
    let site = site.acting("delete").later(LATER);
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        site.file(name, 72.0);
    }
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Hid 3 files");
    said.has("Freed 3 hidden files");
    assert!(!said.out.contains("Undo"), "{}", said.out);
    assert_eq!((site.hidden(), site.files().len()), (0, 10));
    // And by a saved plan.
    site.file("d.m4a", 72.0);
    let plan = site.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    site.upsweep(&["plan", "--out", plan]).expect(0).has("delete them for good");
    site.upsweep(&["apply", plan]).expect(0).has("Freed 1 hidden file");
    assert_eq!((site.hidden(), site.files().len()), (0, 10));
}

#[test]
fn deleting_with_a_backup_leaves_a_copy() {
    let mut site = Site::sqlite().archiving("delete").later(LATER);
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true");
    let path = site.file("a.m4a", 72.0);
    let content = fs::read(&path).unwrap();
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Copied 1 hidden file");
    said.has("Freed 1 hidden file");
    said.has("Undo:");
    let run = said.out.split("restore --run ").nth(1).unwrap().trim().to_owned();
    site.upsweep(&["restore", "--all"]).expect(0);
    assert!(!site.has("a.m4a"), "all means what is hidden");
    site.upsweep(&["restore", "--run", &run]).expect(0).has("from the archive");
    assert_eq!(fs::read(path).unwrap(), content);
}

#[test]
fn a_plan_names_the_action() {
    let mut site = Site::sqlite().archiving("quarantine").later(LATER);
    site.file("a.m4a", 72.0);
    site.upsweep(&["plan"]).expect(0).has("would hide these files; for 7 days");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true");
    site.upsweep(&["plan"]).expect(0).has(&format!("copy them to {}", site.backup().display()));
    site.set("UPSWEEP_ACTION", "delete");
    site.upsweep(&["plan"]).expect(0).has("again, and delete them for good here");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "false");
    site.upsweep(&["plan"]).expect(0).has("nothing could bring them back");
    assert_eq!((site.files().len(), site.hidden()), (11, 0));
}

#[test]
fn an_archive_must_be_given_and_lie_elsewhere() {
    let mut site = Site::sqlite();
    for (name, value) in [("UPSWEEP_ACTION", "archive"), ("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true")] {
        site.set(name, value);
        site.upsweep(&["plan"]).expect(1).has("needs an archive: set archive_url");
        site.env.remove(name);
    }
    site.set("UPSWEEP_ACTION", "burn");
    site.upsweep(&["plan"]).expect(1).has("must be quarantine, archive or delete");
    site.set("UPSWEEP_ACTION", "archive");
    site.set("UPSWEEP_ARCHIVE_URL", "s3://bucket/audio");
    site.upsweep(&["plan"]).expect(1).has("'s3' is no kind of archive");
    let link = site.dir.path().join("link");
    symlink(&site.uploads, &link).unwrap();
    let up = site.uploads.clone();
    for inside in [up.clone(), up.join("archive"), link.join("not there/yet"), up.join("../audio/x")] {
        site.set("UPSWEEP_ARCHIVE_URL", inside.to_str().unwrap());
        site.upsweep(&["plan"]).expect(1).has("lies in the upload directory");
    }
    symlink(site.dir.path(), site.dir.path().join("above")).unwrap();
    for around in ["uploads", "", "above/uploads"] {
        let around = site.dir.path().join(around);
        site.set("UPSWEEP_ARCHIVE_URL", &format!("file://{}", around.display()));
        site.upsweep(&["plan"]).expect(1).has("holds the upload directory");
    }
    site.set("UPSWEEP_ARCHIVE_URL", site.backup().to_str().unwrap());
    let shown = site.upsweep(&["config", "show"]).expect(0);
    for key in ["action", "archive_url", "archive_compression", "backup_before_cleanup"] {
        shown.has(key);
    }
}

#[test]
fn a_file_with_another_name_frees_no_bytes() {
    let site = Site::sqlite().acting("delete").later(LATER);
    let path = site.file("a.m4a", 72.0);
    fs::hard_link(&path, site.dir.path().join("kept.m4a")).unwrap();
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Freed 1 hidden file, 0 B");
    said.has("1 had other names");
    assert_eq!(fs::read(site.dir.path().join("kept.m4a")).unwrap(), b"sound of a.m4a");
}

/// A transaction that claims `name` and is not committed yet.
struct Writer {
    psql: std::process::Child,
    to: std::process::ChildStdin,
}

impl Writer {
    fn begin(site: &Site, name: &str) -> Self {
        let Database::Postgres(server) = &site.database else { unreachable!() };
        let mut psql = Command::new("psql");
        psql.args(["-q", &server.superuser_url("app")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        let mut to = psql.stdin.take().unwrap();
        let row = format!("INSERT INTO sessions VALUES ('late', 'uploading', '{name}', now())");
        writeln!(to, "BEGIN; {row}; SELECT 'ready';").unwrap();
        let mut answer = [0_u8; 20];
        psql.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
        Self { psql, to }
    }

    fn commit(self) {
        let Self { mut psql, mut to } = self;
        writeln!(to, "COMMIT;").unwrap();
        drop(to);
        psql.wait().unwrap();
    }
}

#[test]
fn an_open_transaction_leaves_what_was_to_be_deleted_hidden() {
    let Some(site) = Site::postgres() else { return };
    let site = site.acting("delete").later(LATER);
    site.file("a.m4a", 72.0);
    site.file("b.m4a", 72.0);
    let writer = Writer::begin(&site, "a.m4a");
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Not freed yet: 2 hidden files");
    said.has("The next run or purge frees them");
    assert_eq!(site.hidden(), 2);
    site.upsweep_after_days(LATER + 1, &["purge"]).expect(0).has("Not freed yet: 2 hidden files");
    writer.commit();
    let said = site.upsweep_after_days(LATER + 1, &["purge"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 1 hidden file");
    assert!(site.has("a.m4a"));
}

/// By the real clock: the run waits until the transaction ends, and then sees what it claimed.
#[test]
fn a_claim_that_is_committed_while_deleting_waits_brings_the_file_back() {
    let Some(site) = Site::postgres() else { return };
    let site = site.acting("delete");
    // Their sessions failed long ago: that counts from the rows alone, so no shifted clock is needed.
    for name in ["a.m4a", "b.m4a"] {
        site.session(name, "failed", Some(name), 30);
        site.file(name, 72.0);
    }
    let writer = Writer::begin(&site, "a.m4a");
    let command = site.command(&["run"]);
    let waiting = std::thread::spawn(move || said(command));
    while site.hidden() < 2 {
        assert!(!waiting.is_finished(), "{:?}", waiting.join());
        std::thread::sleep(Duration::from_millis(20));
    }
    writer.commit();
    let said = waiting.join().unwrap().expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 1 hidden file");
    assert!(site.has("a.m4a") && !site.has("b.m4a"));
}
