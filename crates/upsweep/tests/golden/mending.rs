//! `upsweep adopt` and `upsweep recover`.

use std::fs;

use crate::support::Site;
use crate::tale::Tale;

fn lose_ledger(site: &Site) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(site.uploads.join(format!(".upsweep/ledger.db{end}")));
    }
}

#[test]
fn a_lost_ledger() {
    let site = Site::sqlite().acting("quarantine");
    site.file("a.m4a", 72.25);
    site.file("b.m4a", 72.25);
    Tale::new("adopt/lost", site)
        .upsweep(&["run"])
        .upsweep(&["adopt", "--reason", "nothing is wrong"])
        .meanwhile("the ledger is lost, and another b.m4a is uploaded", |site| {
            lose_ledger(site);
            site.file("b.m4a", 0.25);
        })
        .upsweep(&["run"])
        .upsweep(&["status"])
        .upsweep(&["doctor"])
        .upsweep(&["adopt", "--reason", " "])
        .upsweep(&["adopt", "--reason", "the disk died"])
        .meanwhile("the other b.m4a is moved away", |site| fs::remove_file(site.uploads.join("b.m4a")).unwrap())
        .json("adopt/again", &["adopt", "--reason", "the rest", "--json"], 0)
        .upsweep(&["history"])
        .end();
}

#[test]
fn an_interrupted_run() {
    let site = Site::sqlite().acting("quarantine");
    site.file("a.m4a", 72.25);
    Tale::new("recover/interrupted", site)
        .upsweep(&["run"])
        .upsweep(&["recover"])
        .meanwhile("the machine dies while a.m4a is brought back", |site| {
            let ledger = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
            let intent = "UPDATE ops SET state = 'restoring'; INSERT INTO journal (op, event, at) SELECT id, 'intend-restore', 0 FROM ops";
            ledger.execute_batch(intent).unwrap();
        })
        .upsweep(&["status"])
        .upsweep(&["plan"])
        .upsweep(&["doctor"])
        .json("recover/interrupted", &["recover", "--json"], 0)
        .upsweep(&["history"])
        .end();
}

#[test]
fn an_old_ledger() {
    let site = Site::sqlite().acting("quarantine");
    site.file("known.m4a", 72.25);
    Tale::new("adopt/old", site)
        .upsweep(&["run"])
        .meanwhile("the ledger is backed up, and another run hides unknown.m4a", |site| {
            let db = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
            db.execute("VACUUM INTO ?1", [site.dir.path().join("copy.db").to_str().unwrap()]).unwrap();
            site.file("unknown.m4a", 72.25);
        })
        .upsweep(&["run"])
        .meanwhile("the backup is restored", |site| {
            lose_ledger(site);
            fs::copy(site.dir.path().join("copy.db"), site.uploads.join(".upsweep/ledger.db")).unwrap();
        })
        .upsweep(&["run"])
        .upsweep(&["doctor"])
        .upsweep(&["adopt", "--reason", "restored the backup"])
        .end();
}
