//! What only a directory can do: locks that end with their process, links, notes in files.
#![expect(clippy::disallowed_methods, reason = "tests remove what they made")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use upsweep_adapters::home::noted_about;
use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{Home as _, LeaseError, Store as _};

use crate::rig::{STARTING, holder, home, nobody_starts, store};

#[test]
fn asking_makes_no_file_and_no_folder() {
    let (dir, store) = store();
    let home = home(&store, Some(dir.path().join("state")));
    assert_eq!(home.holder().unwrap(), None);
    assert!(home.ledger().unwrap().is_none());
    assert_eq!(home.noted(&store.address()).unwrap(), None);
    assert_eq!(fs::read_dir(store.path()).unwrap().count(), 0);
    assert!(!dir.path().join("state").exists());
}

/// Names the store that the other process is to lease.
const STORE: &str = "UPSWEEP_TEST_LEASE";

#[test]
fn the_lease_of_a_process_ends_with_it() {
    if let Some(root) = std::env::var_os(STORE) {
        let store = LocalStore::open(Path::new(&root)).unwrap();
        let _lease = home(&store, None).acquire(&holder("elsewhere")).unwrap();
        println!("\nleased");
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let (_dir, store) = store();
    let alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["local::the_lease_of_a_process_ends_with_it", "--exact", "--nocapture"])
        .env(STORE, store.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(alone);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "leased"));
    let home = home(&store, None);
    let refused = home.acquire(&holder("here"));
    assert!(matches!(refused, Err(LeaseError::Held(Some(who))) if who == holder("elsewhere")));
    assert_eq!(home.holder().unwrap(), Some(holder("elsewhere")));
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    assert_eq!(home.holder().unwrap(), None);
    drop(home.acquire(&holder("here")).unwrap());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_lock_that_says_nothing_still_locks() {
    let _nobody_starts = nobody_starts();
    let (_dir, store) = store();
    let home = home(&store, None);
    let lease = home.acquire(&holder("run")).unwrap();
    fs::write(store.path().join(".upsweep/lock"), "not json").unwrap();
    let Err(error) = home.acquire(&holder("purge")) else { panic!("two at once") };
    assert!(error.to_string().starts_with("another upsweep works on this store"), "{error}");
    drop(lease);
    drop(home.acquire(&holder("purge")).unwrap());
}

#[test]
fn neither_lock_nor_ledger_is_reached_through_a_link() {
    let (dir, store) = store();
    let precious = dir.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    fs::create_dir(store.path().join(".upsweep")).unwrap();
    for name in ["lock", "ledger.db"] {
        symlink(&precious, store.path().join(".upsweep").join(name)).unwrap();
    }
    let home = home(&store, None);
    assert!(matches!(home.acquire(&holder("run")), Err(LeaseError::Io { .. })));
    assert!(home.holder().is_err());
    assert!(home.create_ledger().is_err());
    assert!(home.ledger().is_err());
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
    // Nor is one made where a link points to.
    fs::remove_file(&precious).unwrap();
    assert!(home.acquire(&holder("run")).is_err());
    assert!(home.create_ledger().is_err());
    assert!(!precious.exists());
}

#[test]
fn the_ledger_is_inside_the_store_and_never_listed() {
    let (_dir, store) = store();
    home(&store, None).create_ledger().unwrap();
    assert!(store.path().join(".upsweep/ledger.db").exists());
    let mut said = 0;
    store.list(true, &mut |_| said += 1).unwrap();
    assert_eq!(said, 0, "none of it is listed");
}

#[test]
fn notes_are_one_file_each_and_found_without_the_store() {
    let (dir, store) = store();
    let state = dir.path().join("not/yet/there");
    let home = home(&store, Some(state.clone()));
    for (address, store_id) in [("/srv/a", "old"), ("/srv/b", "store-b"), ("/srv/a", "store-a")] {
        home.note(address, store_id).unwrap();
    }
    for (address, store_id) in [("/srv/a", "store-a"), ("/srv/b", "store-b")] {
        let noted = noted_about(&state, address).unwrap().unwrap();
        assert_eq!(noted.store_id, store_id);
        assert!(Path::new(&noted.location).is_file(), "{}", noted.location);
        assert_eq!(home.noted(address).unwrap(), Some(noted));
    }
    assert_eq!(noted_about(&state, "/srv/c").unwrap(), None);
    assert_eq!(fs::read_dir(state.join("stores")).unwrap().count(), 2, "no leftovers");
}

#[test]
fn a_note_about_another_address_or_a_damaged_one_is_never_believed() {
    let (dir, store) = store();
    let state = dir.path().join("state");
    let home = home(&store, Some(state.clone()));
    home.note("/srv/a", "store-a").unwrap();
    let path = fs::read_dir(state.join("stores")).unwrap().next().unwrap().unwrap().path();
    fs::write(&path, r#"{"address":"/srv/b","store_id":"store-b"}"#).unwrap();
    assert_eq!(home.noted("/srv/a").unwrap(), None);
    for damaged in ["", "{", "null"] {
        fs::write(&path, damaged).unwrap();
        let said = home.noted("/srv/a").unwrap_err();
        assert!(said.contains("/srv/a") && said.contains(path.to_str().unwrap()), "{said}");
    }
}

#[test]
fn where_notes_cannot_be_kept_it_says_what_to_do() {
    let (dir, store) = store();
    let address = store.address();
    let nowhere = home(&store, None);
    assert_eq!(nowhere.noted(&address).unwrap(), None);
    let said = nowhere.note(&address, "s").unwrap_err();
    assert!(said.contains("set UPSWEEP_STATE_DIR"), "{said}");
    // Nobody, not even root, can make a folder inside a file.
    fs::write(dir.path().join("file"), "").unwrap();
    let unwritable = home(&store, Some(dir.path().join("file/state")));
    let said = unwritable.note(&address, "s").unwrap_err();
    assert!(said.contains(&address) && said.contains("make that folder writable"), "{said}");
    assert!(said.contains("UPSWEEP_STATE_DIR"), "{said}");
    assert!(unwritable.noted(&address).is_err(), "unknown is not unbound");
}

#[test]
fn a_ledger_elsewhere_is_a_private_file_and_the_lock_stays() {
    let _nobody_starts = nobody_starts();
    let (dir, store) = store();
    let path = dir.path().join("ledger.db");
    let elsewhere = || home(&store, None).with_ledger(Some(path.clone()));
    assert!(elsewhere().ledger().unwrap().is_none());
    assert!(!path.exists());
    let id = elsewhere().create_ledger().unwrap().id().to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(elsewhere().ledger().unwrap().unwrap().id(), id);
    assert!(home(&store, None).ledger().unwrap().is_none(), "there is none in the store");
    assert!(!store.path().join(".upsweep").exists());
    let place = elsewhere().ledger_place();
    assert_eq!((place.shown, place.is_inside), (path.display().to_string(), false));
    assert!(home(&store, None).ledger_place().is_inside);
    // Whoever keeps it where: they lock the same store.
    let _lease = elsewhere().acquire(&holder("run")).unwrap();
    assert!(matches!(home(&store, None).acquire(&holder("run")), Err(LeaseError::Held(_))));
}

#[test]
fn a_ledger_elsewhere_is_neither_among_the_uploads_nor_reached_by_a_link() {
    let (dir, store) = store();
    fs::create_dir_all(store.path().join("sub/.dot")).unwrap();
    symlink(store.path(), dir.path().join("way-in")).unwrap();
    symlink(dir.path().join("precious"), dir.path().join("link.db")).unwrap();
    for wrong in ["uploads/ledger.db", "uploads/sub/ledger.db", "way-in/ledger.db", "no/such/ledger.db", "link.db"] {
        let home = home(&store, None).with_ledger(Some(dir.path().join(wrong)));
        assert!(home.create_ledger().is_err(), "{wrong}");
        assert!(home.ledger().is_err() || wrong == "link.db", "{wrong}");
        assert!(!dir.path().join(wrong).exists(), "{wrong}");
    }
    assert!(!dir.path().join("precious").exists());
    for right in ["uploads/sub/.dot/ledger.db", "uploads/.ledger.db"] {
        home(&store, None).with_ledger(Some(dir.path().join(right))).create_ledger().unwrap();
    }
}
