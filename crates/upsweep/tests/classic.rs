//! The classic scenarios, each with the real program on each kind of database.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Site, as_nobody_beside};

/// One test per database; without its server a test says so and passes.
macro_rules! on_each_database {
    ($story:ident) => {
        mod $story {
            use super::support::Site;

            #[test]
            fn on_sqlite() {
                super::$story(&mut Site::sqlite());
            }

            #[test]
            fn on_postgresql() {
                if let Some(mut site) = Site::postgres() {
                    super::$story(&mut site);
                }
            }

            #[test]
            fn on_mariadb() {
                if let Some(mut site) = Site::mariadb() {
                    super::$story(&mut site);
                }
            }
        }
    };
}

on_each_database!(walk);
on_each_database!(mismatch);
on_each_database!(hundred_orphans);
on_each_database!(unremovable);
#[cfg(feature = "test-clock")]
on_each_database!(orphans_beside_an_empty_table);

/// Everything a clean-up meets, on one database.
fn walk(site: &mut Site) {
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
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

/// A large part of everything is refused until a human approves it.
fn hundred_orphans(site: &mut Site) {
    for n in 0..3 {
        site.live(&format!("live-{n}.m4a"));
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

/// A file that cannot be moved is reported, and the others are hidden all the same.
fn unremovable(site: &mut Site) {
    for n in 0..5 {
        site.live(&format!("live-{n}.m4a"));
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
    let said = as_nobody_beside(site, &["run"], stuck).expect(3);
    said.has("Hid 1 file");
    said.has(&format!("error: {stuck}:"));
    said.has("1 problem; everything else was done");
    assert!(!site.has("mine.m4a") && site.has(stuck));
    as_nobody_beside(site, &["restore", "--all"], stuck).expect(0);
    assert!(site.has("mine.m4a"));
}

/// Few files are hidden, as that can be undone; freeing them for good is another matter.
#[cfg(feature = "test-clock")]
fn orphans_beside_an_empty_table(site: &mut Site) {
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        site.file(name, 72.0);
    }
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    let said = site.upsweep_after_days(8, &["run"]).expect(10);
    said.has("Refused to free 3 hidden files");
    said.has("G001 refused: 0 of 3 files are explained");
    said.has("upsweep purge --allow G001");
    assert_eq!(site.hidden(), 3);
    let said = site.upsweep_after_days(8, &["purge", "--allow", "G001", "--reason", "leftovers of a test"]).expect(0);
    said.has("Freed 3 hidden files");
    assert_eq!(site.hidden(), 0);
}
