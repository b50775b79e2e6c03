//! What real directories add: changes in place, things that are no files, damaged folders of our own.
#![expect(clippy::disallowed_methods, reason = "an application removes its own files")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, UNIX_EPOCH};

use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{FreeOutcome, HideOrder, HideOutcome, Place, PutBackOutcome, Store as _, StoreError};

use crate::rig::{LONG_AGO, Rig, key, marker, place};

#[test]
fn any_change_in_place_keeps_a_file() {
    let long_ago = UNIX_EPOCH + Duration::from_secs(LONG_AGO.unsigned_abs());
    let open = |path: &std::path::Path| fs::OpenOptions::new().write(true).open(path).unwrap();
    type Change<'a> = (&'a str, &'a dyn Fn(&std::path::Path));
    let changes: [Change<'_>; 6] = [
        ("appended", &|path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"!").unwrap()),
        ("truncated", &|path| open(path).set_len(1).unwrap()),
        ("rewritten, and its time set back", &|path| {
            let mut file = open(path);
            file.write_all(b"RECORDING").unwrap();
            file.set_modified(long_ago).unwrap();
        }),
        ("touched", &|path| open(path).set_modified(long_ago + Duration::from_nanos(1)).unwrap()),
        ("made readable", &|path| fs::set_permissions(path, fs::Permissions::from_mode(0o604)).unwrap()),
        ("linked a second time", &|path| fs::hard_link(path, path.with_extension("bak")).unwrap()),
    ];
    for (what, change) in changes {
        let rig = Rig::local();
        rig.write(b"a.m4a", b"recording");
        let order = rig.order(b"a.m4a", 1);
        // The kernel's clock for inodes ticks every few milliseconds.
        std::thread::sleep(Duration::from_millis(20));
        change(&rig.path(b"a.m4a"));
        let (content, stands) = (rig.content(b"a.m4a"), rig.facts(b"a.m4a"));
        assert_eq!(rig.hide(order), HideOutcome::OtherFound, "{what}");
        assert_eq!((rig.content(b"a.m4a"), rig.facts(b"a.m4a")), (content, stands), "{what}: untouched");
    }
}

#[test]
fn what_took_a_files_name_is_left_alone() {
    let rig = Rig::local();
    for name in [&b"folder"[..], b"link", b"dangling", b"pipe"] {
        rig.write(name, b"recording");
    }
    let orders: Vec<HideOrder> =
        (1..).zip([&b"folder"[..], b"link", b"dangling", b"pipe"]).map(|(op, name)| rig.order(name, op)).collect();
    rig.write(b"target", b"precious");
    for order in &orders {
        rig.remove(order.key.as_bytes());
    }
    fs::create_dir(rig.path(b"folder")).unwrap();
    fs::write(rig.path(b"folder/inside"), "precious").unwrap();
    symlink("target", rig.path(b"link")).unwrap();
    symlink("nowhere", rig.path(b"dangling")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, rig.path(b"pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(rig.hide_all(&orders), [const { HideOutcome::OtherFound }; 4]);
    assert_eq!(fs::read(rig.path(b"folder/inside")).unwrap(), b"precious");
    assert_eq!(fs::read(rig.path(b"target")).unwrap(), b"precious");
    assert_eq!(fs::read_link(rig.path(b"dangling")).unwrap().to_str(), Some("nowhere"));
    assert!(fs::symlink_metadata(rig.path(b"pipe")).is_ok());
}

#[test]
fn nothing_is_put_back_over_a_folder_or_a_link() {
    let rig = Rig::local();
    for (op, name) in [(1, &b"folder"[..]), (2, b"dangling"), (3, b"sub/a.m4a")] {
        rig.write(name, b"recording");
        rig.hide_now(name, op);
    }
    fs::create_dir(rig.path(b"folder")).unwrap();
    symlink("nowhere", rig.path(b"dangling")).unwrap();
    assert_eq!(rig.put_back(1, b"folder"), PutBackOutcome::PlaceTaken);
    assert_eq!(rig.put_back(2, b"dangling"), PutBackOutcome::PlaceTaken);
    assert!(!rig.root().join("nowhere").exists());
    // A file stands where its folder was: an error, and the recording stays where it is.
    fs::remove_dir(rig.path(b"sub")).unwrap();
    fs::write(rig.path(b"sub"), "a file now").unwrap();
    assert!(rig.store().put_back(&place(3), &key(b"sub/a.m4a")).is_err());
    assert_eq!(fs::read(rig.path(b"sub")).unwrap(), b"a file now");
    for op in 1..=3 {
        assert!(rig.hidden(op).is_some());
    }
}

#[test]
fn a_hidden_file_that_was_rewritten_is_not_freed() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"recording");
    let hidden = rig.hide_now(b"a.m4a", 1);
    fs::OpenOptions::new().write(true).open(rig.hidden_path(1)).unwrap().write_all(b"RECORDING").unwrap();
    assert_eq!(rig.free(1, hidden), FreeOutcome::Changed);
    assert_eq!(fs::read(rig.hidden_path(1)).unwrap(), b"RECORDING");
    fs::remove_file(rig.hidden_path(1)).unwrap();
    assert_eq!(rig.free(1, hidden), FreeOutcome::Gone);
    // Another file under the number of the hidden one is not the hidden one.
    fs::write(rig.hidden_path(1), "recording").unwrap();
    assert_eq!(rig.free(1, hidden), FreeOutcome::Changed);
}

#[test]
fn a_second_name_of_a_file_keeps_its_bytes() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"recording");
    fs::hard_link(rig.path(b"a.m4a"), rig.path(b"b.m4a")).unwrap();
    assert_eq!(rig.facts(b"a.m4a").links, 2);
    let hidden = rig.hide_now(b"a.m4a", 1);
    assert_eq!(hidden.links, 2);
    assert_eq!(rig.free(1, hidden), FreeOutcome::OtherNames);
    assert_eq!(rig.content(b"b.m4a").unwrap(), b"recording");
    assert_eq!(rig.facts(b"b.m4a").links, 1);
}

#[test]
fn what_is_hidden_is_private_and_keeps_its_own_mode() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"recording");
    fs::set_permissions(rig.path(b"a.m4a"), fs::Permissions::from_mode(0o640)).unwrap();
    rig.hide_now(b"a.m4a", 1);
    for folder in [".upsweep", ".upsweep/quarantine", ".upsweep/quarantine/run-1"] {
        assert_eq!(fs::metadata(rig.root().join(folder)).unwrap().mode() & 0o7777, 0o700, "{folder}");
    }
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
    assert_eq!(fs::metadata(rig.path(b"a.m4a")).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn a_damaged_marker_is_an_error_and_never_an_unbound_store() {
    let rig = Rig::local();
    rig.store().bind(&marker("s")).unwrap();
    let path = rig.root().join(".upsweep/store.json");
    let whole = fs::read_to_string(&path).unwrap();
    let newer = whole.replace("\"format\": 1", "\"format\": 2");
    assert_ne!(newer, whole);
    for damaged in ["", "{}", "null", &whole[..whole.len() / 2], "\0\0\0\0", &newer] {
        fs::write(&path, damaged).unwrap();
        let error = rig.store().marker().unwrap_err();
        assert!(matches!(error, StoreError::Marker { .. }), "{damaged}: {error:?}");
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
        assert!(rig.store().bind(&marker("t")).is_err(), "and it is never overwritten");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(rig.store().marker().is_err());
}

#[test]
fn tidying_removes_an_empty_quarantine_and_nothing_else() {
    let rig = Rig::local();
    rig.store().tidy("run-1").unwrap();
    assert!(!rig.root().join(".upsweep").exists(), "tidying makes nothing");
    rig.write(b"a.m4a", b"1");
    rig.write(b"b.m4a", b"2");
    let (a, b) = (rig.hide_now(b"a.m4a", 1), rig.hide_now(b"b.m4a", 2));
    let quarantine = rig.root().join(".upsweep/quarantine/run-1");
    let manifest = fs::read(quarantine.join("MANIFEST")).unwrap();
    assert_eq!(rig.free(1, a), FreeOutcome::Freed);
    rig.store().tidy("run-1").unwrap();
    assert_eq!(fs::read(quarantine.join("MANIFEST")).unwrap(), manifest, "one is still hidden");
    assert!(rig.hidden(2).is_some());
    fs::write(quarantine.join("stranger"), "").unwrap();
    assert_eq!(rig.free(2, b), FreeOutcome::Freed);
    rig.store().tidy("run-1").unwrap();
    assert!(quarantine.join("MANIFEST").exists() && quarantine.join("stranger").exists());
    fs::remove_file(quarantine.join("stranger")).unwrap();
    rig.store().tidy("run-1").unwrap();
    assert!(!quarantine.exists());
    assert!(quarantine.parent().unwrap().exists());
    rig.store().tidy("run-1").unwrap();
}

#[test]
fn a_folder_or_link_in_the_quarantine_is_no_hidden_file() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"1");
    rig.write(b"target", b"precious");
    let hidden = rig.hide_now(b"a.m4a", 1);
    fs::remove_file(rig.hidden_path(1)).unwrap();
    symlink(rig.path(b"target"), rig.hidden_path(1)).unwrap();
    assert_eq!(rig.hidden(1), None);
    assert_eq!(rig.free(1, hidden), FreeOutcome::Gone);
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::HiddenGone);
    assert_eq!(rig.content(b"target").unwrap(), b"precious");
}

#[test]
fn what_is_settled_need_not_be_there() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"1");
    rig.write(b"sub/b.m4a", b"1");
    rig.hide_now(b"a.m4a", 1);
    let (a, b, nowhere) = (key(b"a.m4a"), key(b"sub/b.m4a"), key(b"no/where.m4a"));
    rig.store().settle("run-1", &[&a, &b, &nowhere]).unwrap();
    rig.store().settle("run-2", &[&a]).unwrap();
    let other = Place { run: "run-2".to_owned(), ..place(1) };
    assert_eq!(rig.store().look_hidden(&other).unwrap(), None);
    assert!(!rig.root().join(".upsweep/quarantine/run-2").exists(), "settling makes nothing");
}

#[test]
fn a_store_that_is_not_there_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nowhere");
    let error = LocalStore::open(&missing).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("nowhere") && said.contains("UPLOAD_DIR"), "{said}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(LocalStore::open(&file), Err(StoreError::Io { .. })));
    assert!(!missing.exists());
    let store = LocalStore::open(dir.path()).unwrap();
    assert_eq!(store.address(), dir.path().canonicalize().unwrap().display().to_string());
}

#[test]
fn dotfiles_and_our_own_folder_are_never_hidden() {
    let rig = Rig::local();
    for (op, name) in [(1, &b".upsweep/ledger.db"[..]), (2, b".env"), (3, b"sub/.gitkeep")] {
        rig.write(name, b"precious");
        let order = rig.order(name, op);
        assert!(matches!(rig.hide(order), HideOutcome::Failed(_)));
        assert!(rig.path(name).exists());
    }
}
