//! The classic scenarios on each kind of database, and the stories that the guards are for.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{BINARY, Database, Site};

/// Everything a clean-up meets, on one database.
fn walk(site: &Site) {
    for n in 0..10 {
        let name = format!("live-{n}.m4a");
        site.session(&format!("live-{n}"), "processed", Some(&name), 30);
        site.file(&name, 720.0);
    }
    site.file("live-0_processed.mp3", 700.0);
    site.file("orphan-old.m4a", 48.0);
    site.file("orphan-old_processed.mp3", 47.0);
    site.file("orphan-young.m4a", 2.0);
    site.session("f1", "failed", Some("failed-old.m4a"), 8);
    site.file("failed-old.m4a", 200.0);
    site.file("failed-old_processed.mp3", 200.0);
    site.session("f2", "failed", Some("failed-young.m4a"), 3);
    site.file("failed-young.m4a", 80.0);
    site.session("f3", "failed", Some("shared.m4a"), 60);
    site.session("l3", "processed", Some("shared.m4a"), 60);
    site.file("shared.m4a", 1_400.0);
    site.session("n1", "uploading", None, 60);
    site.session("n2", "failed", None, 60);
    site.session("n3", "failed", Some("../outside.m4a"), 60);
    site.session("n4", "processed", Some("/srv/elsewhere/by-last-name.m4a"), 60);
    site.file("by-last-name.m4a", 1_400.0);
    site.session("n5", "processed", Some("CAF\u{c9} ü'\"\\.m4a"), 60);
    site.file("caf\u{e9} ü'\"\\.m4a", 1_400.0);
    let outside = site.dir.path().join("uploads/outside.m4a");
    fs::write(&outside, "not ours").unwrap();

    let (files, rows) = (site.files(), site.database.sessions());
    let goes = ["failed-old.m4a", "failed-old_processed.mp3", "orphan-old.m4a", "orphan-old_processed.mp3"];
    assert_eq!(site.planned(), goes);
    site.upsweep(&["run", "--dry-run"]).expect(0);
    assert_eq!((site.files(), site.database.sessions()), (files.clone(), rows.clone()));

    site.upsweep(&["run"]).expect(0).has("Hid 4 files");
    let mut left = files.clone();
    left.retain(|path, _| !goes.contains(&path.to_str().unwrap()));
    assert_eq!(site.files(), left);
    assert_eq!(site.database.sessions(), rows);
    assert_eq!(fs::read(&outside).unwrap(), b"not ours");

    claimed_again(site);
    site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 3 files");
    assert_eq!(site.files(), files, "undo brings back every byte");
    assert_eq!(site.hidden(), 0);
}

/// A row that claims a hidden file brings it back by itself.
fn claimed_again(site: &Site) {
    site.session("again", "processed", Some("orphan-old.m4a"), 0);
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Brought back 2 files");
    assert!(site.has("orphan-old.m4a") && site.has("orphan-old_processed.mp3"), "a group comes back together");
    site.database.exec("DELETE FROM sessions WHERE id = 'again'");
    site.upsweep(&["run"]).expect(0).has("Hid 2 files");
    site.upsweep(&["restore", "orphan-old_processed.mp3"]).expect(0).has("Brought back 1 file");
}

#[test]
fn the_classic_scenarios_on_sqlite() {
    walk(&Site::sqlite());
}

#[test]
fn the_classic_scenarios_on_postgresql() {
    if let Some(site) = Site::postgres() {
        walk(&site);
    }
}

#[test]
fn the_classic_scenarios_on_mariadb() {
    if let Some(site) = Site::mariadb() {
        walk(&site);
    }
}

/// The host's mismatch: rows hold the clients' names, files are stored as `{id}{ext}`.
fn mismatch(site: &mut Site) {
    for n in 0..50 {
        let id = format!("{n:08x}-aaaa-4bbb-8ccc-dddddddddddd");
        site.session(&id, "processed", Some(&format!("My voice {n}.M4A")), 30);
        site.file(format!("{id}.M4A"), 720.0);
    }
    site.file("ffffffff-aaaa-4bbb-8ccc-dddddddddddd.m4a", 720.0);
    let files = site.files();

    let said = site.upsweep(&["run"]).expect(10);
    said.has("G001 refused: 0 of 51 files are explained by a claim");
    said.has("files are stored under the row's identifier, not under the name in the claimed column");
    said.has("{id}{ext(audio_filename)}");
    assert_eq!(site.files(), files, "a refusal hides nothing");
    assert!(!site.has(".upsweep"), "a refused first run does not bind the store");

    let config = site.dir.path().join("upsweep.toml");
    fs::write(
        &config,
        "[[claims]]\nname = \"sessions\"\ntable = \"sessions\"\nkey = \"{id}{ext(audio_filename)}\"\nowner = \"id\"\nstatus = \"status\"\nsince = \"created_at\"\n",
    )
    .unwrap();
    assert_eq!(site.planned(), ["ffffffff-aaaa-4bbb-8ccc-dddddddddddd.m4a"]);
}

#[test]
fn a_column_of_client_names_is_refused_and_named() {
    mismatch(&mut Site::sqlite());
}

#[test]
fn a_column_of_client_names_is_refused_and_named_on_postgresql() {
    if let Some(mut site) = Site::postgres() {
        mismatch(&mut site);
    }
}

#[test]
fn a_column_of_client_names_is_refused_and_named_on_mariadb() {
    if let Some(mut site) = Site::mariadb() {
        mismatch(&mut site);
    }
}

#[test]
fn a_hundred_orphans_beside_three_live_files_are_refused_until_approved() {
    let site = Site::sqlite();
    for n in 0..3 {
        site.session(&format!("l{n}"), "processed", Some(&format!("live-{n}.m4a")), 30);
        site.file(format!("live-{n}.m4a"), 720.0);
    }
    for n in 0..100 {
        site.file(format!("orphan-{n}.m4a"), 72.0);
    }
    let said = site.upsweep(&["run"]).expect(10);
    said.has("G001 refused: 3 of 103 files");
    said.has("G003 refused: 100 of 103 files");
    assert_eq!(site.hidden(), 0);
    site.upsweep(&["run", "--allow", "G001", "--reason", "only one of two"]).expect(10).has("G003 refused");
    assert_eq!(site.hidden(), 0);
    site.upsweep(&["run", "--allow", "G001,G003", "--reason", "old imports, checked by hand"])
        .expect(0)
        .has("Hid 100 files");
    assert_eq!(site.hidden(), 100);
    site.upsweep(&["history"]).expect(0).has("G001, G003 overruled: old imports, checked by hand");
}

#[test]
fn approvals_need_a_reason_and_some_guards_cannot_be_overruled() {
    let site = Site::sqlite();
    site.upsweep(&["run", "--allow", "G001"]).expect(64).has("--reason");
    site.upsweep(&["run", "--allow", "G008", "--reason", "x"]).expect(1).has("G008 cannot be overruled");
    site.upsweep(&["run", "--allow", "G999", "--reason", "x"]).expect(64).has("is no guard");
}

/// G002: the disk with the uploads is not mounted, and the empty mount point is all there is.
#[test]
fn an_unmounted_disk_is_refused() {
    let site = Site::sqlite();
    site.session("1", "processed", Some("live.m4a"), 30);
    site.file("live.m4a", 720.0);
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
    fs::remove_file(site.uploads.join("written-to-the-mount-point.m4a")).unwrap();
    fs::remove_dir(&site.uploads).unwrap();
    fs::rename(&elsewhere, &site.uploads).unwrap();
    site.upsweep(&["run"]).expect(0);
}

/// G004: the configuration points to a copy of the database.
#[test]
fn another_database_is_refused() {
    let mut site = Site::sqlite();
    site.session("1", "processed", Some("live.m4a"), 30);
    site.file("live.m4a", 720.0);
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
    site.session("1", "processed", Some("live.m4a"), 30);
    site.file("live.m4a", 720.0);
    site.file("orphan.m4a", 72.0);
    let folder = site.uploads.join("private");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    site.set("UPSWEEP_RECURSIVE", "true");
    let said = as_nobody(&site, &["run"]).expect(10);
    said.has("G008 refused: the survey did not complete: private/: Permission denied");
    as_nobody(&site, &["plan"]).expect(0).has("The survey did not complete, so nothing would be removed");
    assert!(site.has("orphan.m4a"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    as_nobody(&site, &["run"]).expect(0).has("Hid 1 file");
}

/// A file that cannot be moved is reported, and the others are hidden all the same.
#[test]
fn an_unremovable_file_does_not_stop_the_others() {
    let mut site = Site::sqlite();
    for n in 0..5 {
        site.session(&format!("l{n}"), "processed", Some(&format!("live-{n}.m4a")), 30);
        site.file(format!("live-{n}.m4a"), 720.0);
    }
    site.file("mine.m4a", 72.0);
    let stuck = if rustix::process::geteuid().is_root() {
        // Another owner's file in a sticky directory, as in /tmp.
        site.file("another-s.m4a", 72.0);
        "another-s.m4a"
    } else {
        // Without root nobody can make another owner's file: a directory that may not be written stands in.
        site.set("UPSWEEP_RECURSIVE", "true");
        let path = site.file("locked/mine-too.m4a", 72.0);
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o555)).unwrap();
        "locked/mine-too.m4a"
    };
    let said = as_nobody_beside(&site, &["run"], stuck).expect(3);
    said.has("Hid 1 file");
    said.has(&format!("error: {stuck}:"));
    said.has("1 problem; everything else was done");
    assert!(!site.has("mine.m4a") && site.has(stuck));
    as_nobody_beside(&site, &["restore", "--all"], stuck).expect(0);
    assert!(site.has("mine.m4a"));
}

fn as_nobody(site: &Site, args: &[&str]) -> support::Said {
    as_nobody_beside(site, args, "")
}

/// Runs the program as an unprivileged user who owns everything of the site but `foreign`, in a sticky
/// directory of somebody else's. Without root it is the present user.
fn as_nobody_beside(site: &Site, args: &[&str], foreign: &str) -> support::Said {
    if !rustix::process::geteuid().is_root() {
        return site.upsweep(args);
    }
    const NOBODY: u32 = 65_534;
    let program = site.dir.path().join("upsweep-for-all");
    if !program.exists() {
        fs::copy(BINARY, &program).unwrap();
    }
    own(site.dir.path(), NOBODY, foreign);
    std::os::unix::fs::chown(&site.uploads, Some(0), None).unwrap();
    fs::set_permissions(&site.uploads, fs::Permissions::from_mode(0o1777)).unwrap();
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(args);
    command.env_clear().envs(&site.env).current_dir(site.dir.path());
    support::said(command)
}

fn own(path: &std::path::Path, owner: u32, foreign: &str) {
    if !foreign.is_empty() && path.ends_with(foreign) {
        return;
    }
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), owner, foreign);
        }
    }
}

#[test]
fn a_saved_plan_is_carried_out_exactly_or_refused() {
    let mut site = Site::sqlite();
    for n in 0..6 {
        site.session(&format!("l{n}"), "processed", Some(&format!("live-{n}.m4a")), 30);
        site.file(format!("live-{n}.m4a"), 720.0);
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
    site.session("1", "processed", Some("live.m4a"), 30);
    site.file("live.m4a", 720.0);
    site.upsweep(&["run"]).expect(0);
    let lock = fs::File::options().read(true).write(true).open(site.uploads.join(".upsweep/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let said = site.upsweep(&["run"]).expect(11);
    said.has("'upsweep run' (process ");
    said.has("wait until it is done");
    site.upsweep(&["plan"]).expect(0);
    site.upsweep(&["status"]).expect(0).has("At work: 'upsweep run'");
    drop(lock);
    site.upsweep(&["run"]).expect(0);
}
