//! Ledger and quarantine in other places than the upload directory: nothing else changes by it.
#![allow(clippy::disallowed_methods, reason = "an operator moves and removes files by hand")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use support::Site;

/// Ten live files, with ledger and quarantine beside the uploads.
fn site() -> Site {
    let mut site = Site::sqlite();
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    fs::create_dir(site.dir.path().join("var")).unwrap();
    let ledger = format!("sqlite://{}", site.dir.path().join("var/ledger.db").display());
    site.set("UPSWEEP_LEDGER_URL", &ledger);
    let hidden = site.dir.path().join("uploads/hidden").display().to_string();
    site.set("UPSWEEP_QUARANTINE_DIR", &hidden);
    site
}

/// The hidden files, wherever they lie below `folder`.
fn hidden(site: &Site, folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![], vec![site.dir.path().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if !entry.ends_with("MANIFEST") {
                found.push(entry);
            }
        }
    }
    found
}

#[test]
fn files_are_hidden_beside_the_uploads_and_come_back() {
    let site = site();
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    let paths = hidden(&site, "uploads/hidden");
    assert_eq!(fs::read(&paths[0]).unwrap(), b"sound of orphan.m4a");
    let own: Vec<_> = fs::read_dir(site.uploads.join(".upsweep")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(own.len(), 2, "the marker and the lock stay with the uploads: {own:?}");
    let mode = |path: &str| fs::metadata(site.dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("var/ledger.db"), mode("uploads/hidden")), (0o600, 0o700));
    site.upsweep(&["history"]).expect(0).has("1 (19 B)");
    site.upsweep(&["restore", "--all"]).expect(0);
    assert!(site.has("orphan.m4a") && hidden(&site, "uploads/hidden").is_empty());
}

#[test]
fn who_forgets_the_settings_is_told_and_nothing_is_lost() {
    let mut site = site();
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let ledger = site.env.remove("UPSWEEP_LEDGER_URL").unwrap();
    site.upsweep(&["run"]).expect(1).has("set UPSWEEP_LEDGER_URL to where it is");
    site.set("UPSWEEP_LEDGER_URL", &ledger);
    let quarantine = site.env.remove("UPSWEEP_QUARANTINE_DIR").unwrap();
    site.file("another.m4a", 72.0);
    let said = site.upsweep(&["run"]).expect(1);
    said.has("(1 of them) lie in");
    said.has("set UPSWEEP_QUARANTINE_DIR back");
    assert!(site.has("another.m4a"));
    site.upsweep(&["doctor"]).expect(0).has("but are wanted in the folder .upsweep");
    // Undo needs no setting: the marker knows where hidden files lie.
    site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 1 file");
    site.release_holds(0);
    // And once nothing is hidden the next run moves it.
    site.upsweep(&["run"]).expect(0).has("Hid 2 files");
    assert_eq!((site.hidden(), hidden(&site, "uploads/hidden").len()), (2, 0));
    site.set("UPSWEEP_QUARANTINE_DIR", &quarantine);
    site.upsweep(&["run"]).expect(1).has("(2 of them) lie in");
}

#[test]
fn wrong_places_are_refused_before_anything_happens() {
    let mut site = site();
    site.file("orphan.m4a", 72.0);
    let text = |path: PathBuf| path.display().to_string();
    for (place, says) in [
        (text(site.uploads.join("hidden")), "visible part"),
        (text(site.dir.path().to_owned()), "has the upload directory in it"),
        (text(site.dir.path().join("no/such/folder")), "must exist"),
    ] {
        site.set("UPSWEEP_QUARANTINE_DIR", &place);
        for command in ["plan", "run", "status"] {
            site.upsweep(&[command]).expect(1).has(says);
        }
    }
    site.env.remove("UPSWEEP_QUARANTINE_DIR");
    for (place, says) in [
        (text(site.uploads.join("ledger.db")), "it is among the uploads"),
        (text(site.dir.path().join("no/such/ledger.db")), "its folder cannot be reached"),
        ("postgresql://user:hunter2@host/db".to_owned(), "must name an SQLite file"),
    ] {
        site.set("UPSWEEP_LEDGER_URL", &place);
        site.upsweep(&["run"]).expect(1).has(says);
    }
    assert!(site.has("orphan.m4a") && !site.uploads.join("ledger.db").exists());
}

#[test]
fn two_stores_never_share_a_ledger_but_may_share_a_quarantine() {
    let mut site = site();
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let first = site.uploads.clone();
    site.uploads = site.dir.path().join("uploads/second");
    fs::create_dir(&site.uploads).unwrap();
    let second = site.uploads.display().to_string();
    site.set("UPLOAD_DIR", &second);
    site.file("second-orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(1).has("each store needs one of its own");
    assert!(site.has("second-orphan.m4a") && !site.uploads.join(".upsweep/store.json").exists());
    let ledger = site.dir.path().join("var/second.db").display().to_string();
    site.set("UPSWEEP_LEDGER_URL", &ledger);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    assert_eq!(hidden(&site, "uploads/hidden").len(), 2);
    // Adopting in one store leaves the other's hidden files alone.
    fs::remove_file(&ledger).unwrap();
    site.upsweep(&["adopt", "--reason", "lost"]).expect(0).has("Brought back 1 file");
    assert!(site.has("second-orphan.m4a") && !first.join("orphan.m4a").exists());
    assert_eq!(hidden(&site, "uploads/hidden").len(), 1);
}

#[cfg(feature = "test-clock")]
#[test]
fn hidden_files_are_freed_there_after_their_time() {
    let site = site();
    for n in 0..3 {
        site.file(format!("orphan-{n}.m4a"), 72.0);
    }
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
    site.upsweep_after_days(6, &["run"]).expect(0).has("In quarantine: 3 files");
    site.upsweep_after_days(8, &["run"]).expect(0).has("Freed 3 hidden files");
    assert_eq!((hidden(&site, "uploads/hidden").len(), site.files().len()), (0, 10));
}

/// A crash between an intent and its outcome, at many moments.
#[test]
fn killed_runs_are_finished_there() {
    let site = site();
    let names: Vec<String> = (0..400).map(|n| format!("orphan-{n}.m4a")).collect();
    for name in &names {
        site.file(name, 72.0);
    }
    site.upsweep(&["run", "--allow", "G001,G003", "--reason", "many"]).expect(0).has("Hid 400 files");
    site.upsweep(&["restore", "--all"]).expect(0);
    site.release_holds(0);
    for millis in [5, 10, 20, 30, 40, 60, 80, 120] {
        let mut run = site.command(&["run", "--allow", "G001,G003", "--reason", "many"]);
        let mut run = run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let _ = run.kill();
        run.wait().unwrap();
        site.upsweep(&["recover"]).expect(0);
        let in_place = names.iter().filter(|name| site.has(name)).count();
        assert_eq!(in_place + hidden(&site, "uploads/hidden").len(), names.len());
        site.upsweep(&["restore", "--all"]).expect(0);
        assert!(names.iter().all(|name| site.has(name)));
        site.release_holds(0);
    }
}
