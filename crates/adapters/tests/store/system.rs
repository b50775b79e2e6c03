//! What only the system can show: rights, other file systems, and that looking changes nothing.
//!
//! Tests that need other rights than this process has run themselves again with them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{HideOrder, HideOutcome, Store as _};
use upsweep_plan::listing::{Found, ListingBuilder};

use crate::rig::{Rig, Said, file, key, marker, not_entered, place};

/// Names the store that a test is to look at when it was started again.
const STORE: &str = "UPSWEEP_TEST_STORE";

/// Starts one test of this program again, by way of `launcher`.
fn again(launcher: &[&str], test: &str, store: &Path) -> Output {
    // Where this program lies may be closed to other users.
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(launcher[0]);
    command.args(&launcher[1..]).arg(&program).args([test, "--exact", "--nocapture"]).env(STORE, store);
    command.output().unwrap()
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("test result: ok. 1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn said(root: &Path, recursive: bool) -> Vec<Said> {
    let mut said = vec![];
    LocalStore::open(root).unwrap().list(recursive, &mut |found| said.push(Said::from(found))).unwrap();
    said.sort();
    said
}

#[test]
fn what_may_not_be_read_is_said_and_the_rest_is_listed() {
    if let Some(root) = std::env::var_os(STORE) {
        return look_at_a_closed_folder(Path::new(&root));
    }
    let rig = Rig::local();
    for name in ["a.m4a", "closed/b.m4a", "open/c.m4a"] {
        rig.write(name.as_bytes(), b"x");
    }
    let set = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(rig.path(b"closed"), 0o000);
    if rustix::process::geteuid().is_root() {
        set(rig.root().parent().unwrap().to_owned(), 0o755);
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        assert_passed(&again(&nobody, "system::what_may_not_be_read_is_said_and_the_rest_is_listed", &rig.root()));
    } else {
        look_at_a_closed_folder(&rig.root());
    }
    set(rig.path(b"closed"), 0o700);
}

fn look_at_a_closed_folder(root: &Path) {
    assert!(!rustix::process::geteuid().is_root());
    let listed = said(root, true);
    assert_eq!(listed[..2], [file("a.m4a"), file("open/c.m4a")]);
    assert!(matches!(&listed[2..], [Said::Unreadable(name)] if name.starts_with("closed")), "{listed:?}");
    let store = LocalStore::open(root).unwrap();
    let mut builder = ListingBuilder::default();
    store.list(true, &mut |found| builder.add(found)).unwrap();
    assert!(builder.seal().is_err(), "nothing may be concluded from it");
    assert!(store.look(&key(b"closed/b.m4a")).is_err(), "unknown is not gone");
    // On the top level alone nothing is missing.
    let mut top = ListingBuilder::default();
    store.list(false, &mut |found: Found<'_>| top.add(found)).unwrap();
    assert!(top.seal().is_ok());
}

#[test]
fn what_may_not_be_moved_is_left_with_its_cause() {
    if let Some(root) = std::env::var_os(STORE) {
        return try_to_hide_in_a_folder_of_others(Path::new(&root));
    }
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make a folder that belongs to somebody else.
    }
    let rig = Rig::local();
    rig.write(b"theirs/a.m4a", b"recording");
    rig.write(b"ours/b.m4a", b"recording");
    let open = |path: PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    open(rig.root().parent().unwrap().to_owned());
    open(rig.root());
    open(rig.path(b"ours"));
    fs::set_permissions(rig.path(b"theirs"), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    assert_passed(&again(&nobody, "system::what_may_not_be_moved_is_left_with_its_cause", &rig.root()));
    assert_eq!(rig.content(b"theirs/a.m4a").unwrap(), b"recording");
    assert_eq!(rig.content(b"ours/b.m4a"), None, "one that cannot be moved does not stop the others");
}

fn try_to_hide_in_a_folder_of_others(root: &Path) {
    let store = LocalStore::open(root).unwrap();
    let order = |name: &[u8], op| {
        let facts = store.look(&key(name)).unwrap().unwrap();
        HideOrder { key: key(name), facts, place: place(op) }
    };
    let outcomes = store.hide(&[order(b"theirs/a.m4a", 1), order(b"ours/b.m4a", 2)]).unwrap();
    let [HideOutcome::Failed(cause), HideOutcome::Hidden(_)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(cause.to_lowercase().contains("permission denied"), "{cause}");
    assert!(std::io::Read::read(&mut store.open(&key(b"theirs/a.m4a")).unwrap(), &mut [0; 1]).is_ok());
}

#[test]
fn other_file_systems_are_not_entered() {
    if let Some(root) = std::env::var_os(STORE) {
        return look_past_a_mount(Path::new(&root));
    }
    let rig = Rig::local();
    for name in ["a.m4a", "mounted/b.m4a", "bound/c.m4a", "source/d.m4a"] {
        rig.write(name.as_bytes(), b"x");
    }
    let mount = r#"mount -t tmpfs none "$0/mounted" && mount --bind "$0/source" "$0/bound" && exec "$@""#;
    let mut root = OsString::from(rig.root());
    let launcher = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount];
    // Where namespaces are forbidden no test can mount anything.
    if !Command::new(launcher[0]).args(&launcher[1..]).arg(&root).arg("true").output().is_ok_and(|o| o.status.success())
    {
        eprintln!("this system lets no test mount anything");
        return;
    }
    let root = std::mem::take(&mut root).into_string().unwrap();
    let launcher = [&launcher[..], &[root.as_str()]].concat();
    assert_passed(&again(&launcher, "system::other_file_systems_are_not_entered", &rig.root()));
}

fn look_past_a_mount(root: &Path) {
    fs::write(root.join("mounted/elsewhere.m4a"), "x").unwrap();
    let store = LocalStore::open(root).unwrap();
    let recursive = said(root, true);
    assert_eq!(recursive[..2], [file("a.m4a"), file("source/d.m4a")], "{recursive:?}");
    let named = |name: &str| recursive.iter().any(|one| *one == not_entered(name));
    assert!(named("mounted") && named("bound"), "{recursive:?}");
    assert_eq!(recursive.len(), 4, "{recursive:?}");
    assert_eq!(store.look(&key(b"mounted/elsewhere.m4a")).unwrap(), None);
    // A bind mount shows a file that belongs to another name.
    let facts = store.look(&key(b"source/d.m4a")).unwrap().unwrap();
    assert_eq!(store.look(&key(b"bound/d.m4a")).unwrap(), None);
    let order = HideOrder { key: key(b"bound/d.m4a"), facts, place: place(1) };
    assert_eq!(store.hide(&[order]).unwrap(), [HideOutcome::NothingThere]);
    assert!(root.join("source/d.m4a").exists());
}

/// Everything that looking could change. The access time of a folder is left out: reading it may move that.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<i64>> {
    let mut all = BTreeMap::new();
    let mut rest = vec![root.to_owned()];
    while let Some(path) = rest.pop() {
        let m = fs::symlink_metadata(&path).unwrap();
        if m.is_dir() {
            rest.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let atime = if m.is_dir() { [0, 0] } else { [m.atime(), m.atime_nsec()] };
        let numbers = [m.ino(), m.nlink(), m.size()].map(|n| i64::try_from(n).unwrap());
        let rest = [i64::from(m.mode()), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()];
        all.insert(path, [&numbers[..], &rest, &atime].concat());
    }
    all
}

#[test]
fn listing_and_looking_change_nothing() {
    let rig = Rig::local();
    for name in ["a.m4a", "sub/b.m4a", ".gitkeep"] {
        rig.write(name.as_bytes(), b"recording");
    }
    let look_at_everything = || {
        rig.list(true);
        rig.list(false);
        rig.facts(b"sub/b.m4a");
        let mut bytes = vec![];
        rig.store().open(&key(b"a.m4a")).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"recording");
        rig.store().marker().unwrap();
        rig.hidden(1);
        rig.store().tidy("run-1").unwrap();
        rig.store().settle("run-1", &[&key(b"sub/b.m4a")]).unwrap();
    };
    // An access time before the last change is what `relatime` moves at the first chance.
    let before = snapshot(&rig.root());
    look_at_everything();
    assert_eq!(snapshot(&rig.root()), before, "an unbound store");
    assert!(!rig.root().join(".upsweep").exists());
    rig.store().bind(&marker("s")).unwrap();
    rig.hide_now(b"a.m4a", 1);
    rig.write(b"a.m4a", b"recording");
    let own = [".upsweep/store.json", ".upsweep/quarantine/run-1/MANIFEST"].map(|own| rig.root().join(own));
    let without_own = |mut all: BTreeMap<PathBuf, Vec<i64>>| {
        // Upsweep may read its own small files as everybody does.
        own.iter().for_each(|path| drop(all.remove(path)));
        all
    };
    let before = without_own(snapshot(&rig.root()));
    look_at_everything();
    assert_eq!(without_own(snapshot(&rig.root())), before, "a bound store");
}
