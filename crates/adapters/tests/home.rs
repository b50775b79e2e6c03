//! The home inside a directory: one run at a time, and notes outside the store.
#![expect(clippy::disallowed_methods, reason = "tests remove what they made")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tempfile::TempDir;
use upsweep_adapters::home::{LocalHome, noted_about};
use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{Clock, Holder, Home as _, Ids, LeaseError, Store as _};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }
}

impl Ids for Fixed {
    fn fresh(&self, _now: Timestamp) -> String {
        "ledger-1".to_owned()
    }
}

fn holder(what: &str) -> Holder {
    Holder { what: what.to_owned(), pid: 4_711, host: "host-1".to_owned(), since: Fixed.now() }
}

fn home(store: &LocalStore, state_dir: Option<PathBuf>) -> LocalHome<'_> {
    LocalHome::new(store, &Fixed, &Fixed, state_dir)
}

fn store() -> (TempDir, LocalStore) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("uploads")).unwrap();
    let store = LocalStore::open(&dir.path().join("uploads")).unwrap();
    (dir, store)
}

#[test]
fn a_second_run_is_refused_and_told_who_works() {
    let (dir, store) = store();
    let (first, again) = (home(&store, None), LocalStore::open(&dir.path().join("uploads")).unwrap());
    let second = home(&again, None);
    assert_eq!(second.holder().unwrap(), None);
    let lease = first.acquire(&holder("run --night")).unwrap();
    for home in [&first, &second] {
        assert_eq!(home.holder().unwrap(), Some(holder("run --night")));
        let Err(error) = home.acquire(&holder("purge")) else { panic!("two at once") };
        assert!(matches!(&error, LeaseError::Held(Some(who)) if *who == holder("run --night")), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("'upsweep run --night' (process 4711 on host-1"), "{said}");
        assert!(said.contains("try again"), "{said}");
    }
    assert_eq!(first.holder().unwrap(), Some(holder("run --night")), "a refusal changes nothing");
    drop(lease);
    assert_eq!(second.holder().unwrap(), None, "a name that is left over holds nothing");
    // A shorter holder leaves nothing of a longer one behind.
    let lease = second.acquire(&holder("a")).unwrap();
    assert_eq!(first.holder().unwrap(), Some(holder("a")));
    drop(lease);
}

#[test]
fn asking_who_works_makes_nothing_and_disturbs_nobody() {
    let (dir, store) = store();
    let home = home(&store, Some(dir.path().join("state")));
    assert_eq!(home.holder().unwrap(), None);
    assert!(home.ledger().unwrap().is_none());
    assert_eq!(home.noted(&store.address()).unwrap(), None);
    assert_eq!(fs::read_dir(store.path()).unwrap().count(), 0);
    assert!(!dir.path().join("state").exists());
    drop(home.acquire(&holder("run")).unwrap());
    let _alone = ALONE.lock();
    // Somebody asking at this very moment must not look like somebody working.
    let asking = LocalStore::open(store.path()).unwrap();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let home = LocalHome::new(&asking, &Fixed, &Fixed, None);
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            home.holder().unwrap();
        }
    });
    let refused: Vec<String> =
        (0..2_000).filter_map(|_| home.acquire(&holder("run")).err()).map(|error| error.to_string()).collect();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    thread.join().unwrap();
    assert_eq!(refused, [""; 0]);
}

/// A process that is being started shares every lock of this one until its program runs.
static ALONE: Mutex<()> = Mutex::new(());

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
    let alone = ALONE.lock();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["the_lease_of_a_process_ends_with_it", "--exact", "--nocapture"])
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
fn the_ledger_is_made_once_inside_the_store() {
    let (_dir, store) = store();
    let home = home(&store, None);
    assert_eq!(home.create_ledger().unwrap().id(), "ledger-1");
    assert!(store.path().join(".upsweep/ledger.db").exists());
    assert_eq!(home.ledger().unwrap().unwrap().id(), "ledger-1");
    let mut said = 0;
    store.list(true, &mut |_| said += 1).unwrap();
    assert_eq!(said, 0, "none of it is listed");
}

#[test]
fn notes_tell_addresses_apart_and_can_be_renewed() {
    let (dir, store) = store();
    let state = dir.path().join("not/yet/there");
    let home = home(&store, Some(state.clone()));
    let addresses = ["/srv/audio", "/srv/audio/", "/srv/Audio", "/srv/audio\n", "s3://audio"];
    for (at, address) in addresses.iter().enumerate() {
        assert_eq!(home.noted(address).unwrap(), None);
        home.note(address, &format!("store-{at}")).unwrap();
    }
    for (at, address) in addresses.iter().enumerate() {
        assert_eq!(home.noted(address).unwrap().map(|n| n.store_id), Some(format!("store-{at}")));
        assert_eq!(noted_about(&state, address).unwrap().map(|n| n.store_id), Some(format!("store-{at}")));
    }
    home.note(addresses[0], "store-new").unwrap();
    assert_eq!(home.noted(addresses[0]).unwrap().unwrap().store_id, "store-new");
    assert_eq!(home.noted(addresses[1]).unwrap().unwrap().store_id, "store-1");
    assert_eq!(fs::read_dir(state.join("stores")).unwrap().count(), addresses.len(), "no leftovers");
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
