//! Where hidden files may lie, and what becomes of them when that changes.
#![expect(clippy::disallowed_methods, reason = "somebody moves and removes folders by hand")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{HideOutcome, Marker, PutBackOutcome, Store as _, StoreError};

use crate::rig::{Rig, key, marker, place};

fn refused(rig: &Rig, wanted: &Path) -> String {
    match LocalStore::open(&rig.root()).unwrap().with_quarantine(wanted) {
        Err(error @ StoreError::Quarantine { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_may_not_be_seen_among_the_uploads_nor_have_them_in_it() {
    let rig = Rig::local();
    let (root, above) = (rig.root(), rig.root().parent().unwrap().to_owned());
    fs::create_dir_all(root.join("sub/.dot")).unwrap();
    fs::create_dir_all(root.join(".upsweep")).unwrap();
    symlink(&root, above.join("way-in")).unwrap();
    for visible in ["hidden", "sub/hidden", ".upsweep/other", ".upsweep"] {
        assert!(refused(&rig, &root.join(visible)).contains("visible part"), "{visible}");
    }
    assert!(refused(&rig, &above.join("way-in/hidden")).contains("visible part"));
    for around in [&root, &above] {
        assert!(refused(&rig, around).contains("has the upload directory in it"), "{around:?}");
    }
    assert!(refused(&rig, &above.join("no/such")).contains("must exist"));
    fs::write(above.join("file"), "").unwrap();
    assert!(refused(&rig, &above.join("file")).contains("is no folder"));
    symlink(&above, above.join("link")).unwrap();
    assert!(refused(&rig, &above.join("link")).contains("is no folder"));

    let wanted = |place: &Path| {
        let store = LocalStore::open(&root).unwrap().with_quarantine(place).unwrap();
        store.wanted_quarantine()
    };
    let canonical = above.canonicalize().unwrap();
    for good in ["hidden", "uploads/.hidden", "uploads/sub/.dot/hidden", "uploads-hidden"] {
        assert_eq!(wanted(&above.join(good)).unwrap(), canonical.join(good).display().to_string());
    }
    assert_eq!(wanted(&root.join(".upsweep/quarantine")), None, "there they lie anyway");
}

#[test]
fn it_may_not_be_on_another_file_system() {
    let rig = Rig::local();
    let elsewhere = Path::new("/dev/shm");
    if !elsewhere.is_dir() || fs::metadata(elsewhere).unwrap().dev() == fs::metadata(rig.root()).unwrap().dev() {
        return upsweep_testkit::skip("a second file system at /dev/shm");
    }
    assert!(refused(&rig, &elsewhere.join("upsweep-hidden")).contains("another file system"));
}

#[test]
fn a_folder_beside_the_store_is_private_and_each_store_has_its_own() {
    let rig = Rig::beside();
    rig.write(b"sub/a.m4a", b"recording");
    rig.hide_now(b"sub/a.m4a", 1);
    let path = rig.hidden_path(1);
    assert_eq!(fs::read(&path).unwrap(), b"recording");
    for folder in path.ancestors().skip(1).take(3) {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
    }
    assert!(!rig.root().join(".upsweep/quarantine").exists());
    // Another store with the same folder sees nothing of it.
    let other = rig.root().parent().unwrap().join("other");
    fs::create_dir(&other).unwrap();
    let other = LocalStore::open(&other).unwrap().with_quarantine(path.ancestors().nth(3).unwrap()).unwrap();
    other.bind(&Marker { quarantine: other.wanted_quarantine(), ..marker("store-2") }).unwrap();
    assert_eq!((other.quarantines().unwrap(), other.look_hidden(&place(1)).unwrap()), (vec![], None));
    assert_eq!(other.put_back(&place(1), &key(b"sub/a.m4a")).unwrap(), PutBackOutcome::HiddenGone);
}

#[test]
fn files_are_found_where_the_marker_says_whatever_is_configured() {
    let rig = Rig::beside();
    rig.write(b"a.m4a", b"recording");
    rig.hide_now(b"a.m4a", 1);
    for store in [
        LocalStore::open(&rig.root()).unwrap(),
        LocalStore::open(&rig.root()).unwrap().with_quarantine(&rig.root().with_file_name("third")).unwrap(),
    ] {
        assert!(store.look_hidden(&place(1)).unwrap().is_some());
        assert_eq!(store.lying_in("run-1").unwrap().len(), 1);
    }
    // Once the marker says otherwise, the same store goes by that.
    rig.store().replace_marker(&marker("store-1")).unwrap();
    assert_eq!(rig.store().look_hidden(&place(1)).unwrap(), None);
    rig.store().replace_marker(&Marker { quarantine: rig.store().wanted_quarantine(), ..marker("store-1") }).unwrap();
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
}

#[test]
fn a_missing_folder_is_an_error_and_never_made_anew() {
    let rig = Rig::beside();
    rig.write(b"a.m4a", b"recording");
    rig.write(b"b.m4a", b"recording");
    rig.hide_now(b"a.m4a", 1);
    let order = rig.order(b"b.m4a", 2);
    let hidden = rig.hidden_path(1).ancestors().nth(3).unwrap().to_owned();
    fs::rename(&hidden, hidden.with_file_name("away")).unwrap();
    let store = LocalStore::open(&rig.root()).unwrap();
    let said = store.look_hidden(&place(1)).unwrap_err().to_string();
    assert!(said.contains("put it back"), "{said}");
    assert!(store.hide(std::slice::from_ref(&order)).is_err());
    assert!(store.put_back(&place(1), &key(b"a.m4a")).is_err());
    assert!(!hidden.exists() && rig.content(b"b.m4a").is_some());
    fs::rename(hidden.with_file_name("away"), &hidden).unwrap();
    assert!(matches!(store.hide(&[order]).unwrap()[..], [HideOutcome::Hidden(_)]));
}

#[test]
fn what_is_no_number_is_not_taken_for_a_hidden_file() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"recording");
    rig.hide_now(b"a.m4a", 1);
    let folder = rig.hidden_path(1).parent().unwrap().to_owned();
    for foreign in ["notes.txt", "01", "+2", "-1"] {
        fs::write(folder.join(foreign), "").unwrap();
    }
    fs::create_dir(folder.join("5")).unwrap();
    symlink("1", folder.join("6")).unwrap();
    fs::write(folder.join("7"), "unnamed").unwrap();
    fs::write(folder.parent().unwrap().join("a-file"), "").unwrap();
    let mut lying = rig.store().lying_in("run-1").unwrap();
    lying.sort_by(|a, b| a.place.cmp(&b.place));
    let told: Vec<_> = lying.into_iter().map(|lying| (lying.place.op.0, lying.key)).collect();
    assert_eq!(told, [(1, Some(key(b"a.m4a"))), (7, None)]);
    assert_eq!(rig.store().quarantines().unwrap(), ["run-1"]);
}

#[test]
fn a_crash_while_the_marker_is_replaced_leaves_a_whole_one() {
    let rig = Rig::local();
    rig.store().bind(&marker("first")).unwrap();
    // What a crash leaves beside it: half of the next one.
    let half = rig.root().join(".upsweep/store.json.first");
    fs::write(&half, "{ \"format\"").unwrap();
    fs::set_permissions(&half, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(rig.store().marker().unwrap(), Some(marker("first")));
    let next = Marker { ledger_id: "ledger-2".to_owned(), ..marker("first") };
    rig.store().replace_marker(&next).unwrap();
    assert_eq!(rig.store().marker().unwrap(), Some(next));
    assert!(!half.exists());
    let mode = fs::metadata(rig.root().join(".upsweep/store.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
