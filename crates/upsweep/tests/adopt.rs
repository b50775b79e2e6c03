//! The ledger is lost, or an old copy of it came back: `upsweep adopt`.
#![allow(clippy::disallowed_methods, reason = "an operator moves and removes files by hand")]

mod support;

use std::fs;
use std::path::PathBuf;

use support::Site;

fn site() -> Site {
    let site = Site::sqlite();
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    site
}

fn ledger(site: &Site) -> PathBuf {
    site.uploads.join(".upsweep/ledger.db")
}

/// Removes the ledger with what SQLite keeps beside it.
fn lose_ledger(site: &Site) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", ledger(site).display()));
    }
}

#[test]
fn without_its_ledger_a_store_says_what_to_do_and_that_works() {
    let mut site = site();
    for name in ["a.m4a", "with blank %.m4a", "ü.m4a"] {
        site.file(name, 72.0);
    }
    let all = site.files();
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    lose_ledger(&site);
    for command in [&["run"][..], &["restore", "--all"], &["purge"], &["history"]] {
        site.upsweep(command).expect(1).has("upsweep adopt --reason");
    }
    site.upsweep(&["adopt"]).expect(64);
    site.upsweep(&["adopt", "--reason", " "]).expect(64).has("--reason must say");
    // The database may be gone as well.
    let url = site.env.remove("DATABASE_URL").unwrap();
    let said = site.upsweep(&["adopt", "--reason", "the disk died", "--json"]).expect(0).json();
    assert_eq!(said["restored"]["files"], 3);
    assert!(said["replaced"].is_string() && said["ledger"].is_string() && said["replaced"] != said["ledger"]);
    assert_eq!(site.files(), all, "everything is where it was");
    site.set("DATABASE_URL", &url);
    site.upsweep(&["history"]).expect(0).has("the disk died");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    site.upsweep(&["adopt", "--reason", "once more"]).expect(0).has("No hidden file had to be brought back");
    assert_eq!(site.hidden(), 3);
}

#[test]
fn a_ledger_from_a_backup_is_noticed_by_every_run() {
    let site = site();
    site.file("known.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let copy = site.dir.path().join("copy.db");
    let db = rusqlite::Connection::open(ledger(&site)).unwrap();
    db.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    drop(db);
    site.file("unknown.m4a", 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    lose_ledger(&site);
    fs::copy(&copy, ledger(&site)).unwrap();
    for command in [&["run"][..], &["purge"], &["recover"]] {
        let said = site.upsweep(command).expect(0);
        said.has("the quarantine holds 1 file that this ledger does not know");
        said.has("adopt --reason");
    }
    assert_eq!(site.upsweep(&["run", "--json"]).expect(0).json()["stray_hidden_files"], 1);
    site.upsweep(&["doctor"]).expect(0).has("the quarantine holds 1 file that this ledger does not know");
    site.upsweep(&["adopt", "--reason", "restored the backup"]).expect(0).has("The store keeps its ledger");
    assert!(site.has("unknown.m4a") && !site.has("known.m4a"));
    let said = site.upsweep(&["run"]).expect(0);
    assert!(!said.err.contains("does not know"), "{said:?}");
}

#[test]
fn a_taken_place_is_kept_and_told() {
    let site = site();
    site.file("a.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    site.file("a.m4a", 0.0);
    fs::write(site.uploads.join("a.m4a"), "new upload").unwrap();
    lose_ledger(&site);
    site.upsweep(&["adopt", "--reason", "lost"]).expect(3).has("conflict: a.m4a");
    assert_eq!(fs::read(site.uploads.join("a.m4a")).unwrap(), b"new upload");
    assert_eq!(site.hidden(), 1);
}

#[test]
fn a_damaged_ledger_is_moved_away_and_replaced() {
    let site = site();
    site.file("a.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    lose_ledger(&site);
    fs::write(ledger(&site), vec![0x5a; 8_192]).unwrap();
    site.upsweep(&["adopt", "--reason", "damaged"]).expect(1);
    assert_eq!(fs::read(ledger(&site)).unwrap(), vec![0x5a; 8_192], "what may still be mended is not written over");
    fs::rename(ledger(&site), site.dir.path().join("damaged.db")).unwrap();
    site.upsweep(&["adopt", "--reason", "damaged"]).expect(0).has("Brought back 1 file");
    assert!(site.has("a.m4a"));
}

#[test]
fn a_ledger_that_moved_is_found_by_its_setting() {
    let mut site = site();
    site.file("a.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let elsewhere = site.dir.path().join("ledger.db");
    fs::rename(ledger(&site), &elsewhere).unwrap();
    site.set("UPSWEEP_LEDGER_URL", &format!("sqlite://{}", elsewhere.display()));
    site.upsweep(&["status"]).expect(0).has("In quarantine: 1 file");
    site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 1 file");
}
