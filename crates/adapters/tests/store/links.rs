//! Symbolic links: the root may be one; below it none is ever followed.
#![expect(clippy::disallowed_methods, reason = "an application, or an attacker, moves its own files")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{HideOutcome, PutBackOutcome, Store as _};
use upsweep_plan::listing::Ignored;

use crate::rig::{Rig, Said, file, ignored, key, marker, place};

/// A folder beside the store, with a file in it.
fn outside(rig: &Rig) -> PathBuf {
    let outside = rig.root().with_file_name("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("a.m4a"), "precious").unwrap();
    outside
}

#[test]
fn the_root_may_be_a_link() {
    let rig = Rig::local();
    let link = rig.root().with_file_name("link");
    symlink(rig.root(), &link).unwrap();
    let store = LocalStore::open(&link).unwrap();
    assert_eq!(store.address(), rig.store().address(), "one store has one address");
    rig.write(b"sub/a.m4a", b"recording");
    let linked = Rig::Local { dir: tempfile::tempdir().unwrap(), store };
    assert_eq!(linked.list(true), [file("sub/a.m4a")]);
    let order = linked.order(b"sub/a.m4a", 1);
    assert!(matches!(linked.hide(order), HideOutcome::Hidden(_)));
    assert_eq!(rig.content(b"sub/a.m4a"), None);
    assert_eq!(linked.put_back(1, b"sub/a.m4a"), PutBackOutcome::Back);
    assert_eq!(rig.content(b"sub/a.m4a").unwrap(), b"recording");
}

#[test]
fn a_root_that_is_moved_away_takes_its_store_along() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"recording");
    let order = rig.order(b"a.m4a", 1);
    let (root, moved) = (rig.root(), rig.root().with_file_name("moved"));
    fs::rename(&root, &moved).unwrap();
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.m4a"), "another disk").unwrap();
    assert!(matches!(rig.hide(order), HideOutcome::Hidden(_)));
    assert_eq!(fs::read(root.join("a.m4a")).unwrap(), b"another disk");
    assert!(moved.join(".upsweep/quarantine/run-1/1").exists());
}

#[test]
fn links_below_the_root_are_not_followed() {
    let rig = Rig::local();
    let outside = outside(&rig);
    symlink(&outside, rig.path(b"folder")).unwrap();
    symlink(outside.join("a.m4a"), rig.path(b"file.m4a")).unwrap();
    fs::create_dir(rig.path(b"real")).unwrap();
    symlink("..", rig.path(b"real/up")).unwrap();
    let link = Ignored::Symlink;
    let expected = [ignored("file.m4a", link), ignored("folder", link), ignored("real/up", link)];
    assert_eq!(rig.list(true), expected);
    for name in [&b"folder/a.m4a"[..], b"file.m4a", b"real/up/file.m4a"] {
        assert_eq!(rig.store().look(&key(name)).unwrap(), None);
        assert!(rig.store().open(&key(name)).is_err());
    }
    // Not even to a folder of the store itself: one file has one name.
    rig.write(b"real/c.m4a", b"recording");
    symlink("real", rig.path(b"alias")).unwrap();
    assert_eq!(rig.store().look(&key(b"alias/c.m4a")).unwrap(), None);
    assert!(rig.store().open(&key(b"alias/c.m4a")).is_err());
    // Even evidence that fits the file outside moves nothing.
    let store = LocalStore::open(&outside).unwrap();
    let facts = store.look(&key(b"a.m4a")).unwrap().unwrap();
    for (op, name) in [(1, &b"folder/a.m4a"[..]), (2, b"file.m4a")] {
        let order = upsweep_engine::ports::HideOrder { key: key(name), facts, place: place(op) };
        let outcome = rig.hide(order);
        assert!(matches!(outcome, HideOutcome::NothingThere | HideOutcome::OtherFound), "{outcome:?}");
    }
    assert_eq!(fs::read(outside.join("a.m4a")).unwrap(), b"precious");
}

#[test]
fn a_folder_swapped_for_a_link_leads_nowhere() {
    let rig = Rig::local();
    let outside = outside(&rig);
    rig.write(b"sub/a.m4a", b"recording");
    rig.write(b"sub/b.m4a", b"recording");
    let orders = [rig.order(b"sub/a.m4a", 1), rig.order(b"sub/b.m4a", 2)];
    fs::remove_file(rig.path(b"sub/a.m4a")).unwrap();
    fs::remove_file(rig.path(b"sub/b.m4a")).unwrap();
    fs::remove_dir(rig.path(b"sub")).unwrap();
    symlink(&outside, rig.path(b"sub")).unwrap();
    fs::write(outside.join("b.m4a"), "precious").unwrap();
    assert_eq!(rig.hide_all(&orders), [HideOutcome::NothingThere, HideOutcome::NothingThere]);
    assert_eq!(fs::read(outside.join("a.m4a")).unwrap(), b"precious");
    assert_eq!(fs::read(outside.join("b.m4a")).unwrap(), b"precious");
}

#[test]
fn a_folder_moved_out_of_the_store_is_left_alone() {
    let rig = Rig::local();
    let elsewhere = rig.root().with_file_name("elsewhere");
    rig.write(b"sub/a.m4a", b"recording");
    // Looking at the file opens its folder: no handle from then may lead to where the folder is now.
    let order = rig.order(b"sub/a.m4a", 1);
    fs::rename(rig.path(b"sub"), &elsewhere).unwrap();
    symlink(&elsewhere, rig.path(b"sub")).unwrap();
    assert_eq!(rig.hide(order.clone()), HideOutcome::NothingThere);
    assert_eq!(fs::read(elsewhere.join("a.m4a")).unwrap(), b"recording");
    assert_eq!(rig.store().look(&order.key).unwrap(), None);
    assert!(rig.store().open(&order.key).is_err());
}

#[test]
fn a_folder_swapped_for_another_is_looked_at_anew() {
    let rig = Rig::local();
    rig.write(b"sub/a.m4a", b"old");
    let order = rig.order(b"sub/a.m4a", 1);
    fs::rename(rig.path(b"sub"), rig.path(b"archive")).unwrap();
    rig.write(b"sub/a.m4a", b"new");
    assert_eq!(rig.hide(order), HideOutcome::OtherFound);
    assert_eq!(fs::read(rig.path(b"archive/a.m4a")).unwrap(), b"old");
    assert_eq!(rig.content(b"sub/a.m4a").unwrap(), b"new");
}

#[test]
fn nothing_is_put_back_through_a_link() {
    let rig = Rig::local();
    let outside = outside(&rig);
    rig.write(b"sub/new.m4a", b"recording");
    rig.write(b"deep/er/new.m4a", b"recording");
    rig.hide_now(b"sub/new.m4a", 1);
    rig.hide_now(b"deep/er/new.m4a", 2);
    fs::remove_dir(rig.path(b"sub")).unwrap();
    fs::rename(rig.path(b"deep"), outside.join("deep")).unwrap();
    symlink(&outside, rig.path(b"sub")).unwrap();
    symlink(outside.join("deep"), rig.path(b"deep")).unwrap();
    for (op, name) in [(1, &b"sub/new.m4a"[..]), (2, b"deep/er/new.m4a")] {
        assert!(rig.store().put_back(&place(op), &key(name)).is_err(), "no folder to put it into");
        assert!(rig.hidden(op).is_some());
    }
    assert!(!outside.join("new.m4a").exists() && !outside.join("deep/er/new.m4a").exists());
}

#[test]
fn upsweeps_own_folders_are_never_links() {
    for planted in [".upsweep", ".upsweep/quarantine", ".upsweep/quarantine/run-1"] {
        let rig = Rig::local();
        let outside = outside(&rig);
        rig.write(b"a.m4a", b"recording");
        let order = rig.order(b"a.m4a", 1);
        let planted = rig.root().join(planted);
        fs::create_dir_all(planted.parent().unwrap()).unwrap();
        symlink(&outside, &planted).unwrap();
        assert!(rig.store().hide(&[order]).is_err(), "{}", planted.display());
        assert_eq!(rig.content(b"a.m4a").unwrap(), b"recording");
        assert!(rig.store().look_hidden(&place(1)).is_err());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "nothing was written through it");
    }
}

#[test]
fn the_marker_and_the_manifest_are_never_links() {
    let rig = Rig::local();
    let outside = outside(&rig);
    fs::create_dir_all(rig.root().join(".upsweep/quarantine/run-1")).unwrap();
    symlink(outside.join("a.m4a"), rig.root().join(".upsweep/store.json")).unwrap();
    symlink(outside.join("a.m4a"), rig.root().join(".upsweep/quarantine/run-1/MANIFEST")).unwrap();
    assert!(rig.store().marker().is_err());
    assert!(rig.store().bind(&marker("s")).is_err());
    rig.write(b"a.m4a", b"recording");
    let order = rig.order(b"a.m4a", 1);
    assert!(rig.store().hide(&[order]).is_err(), "nothing moves without a manifest");
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"recording");
    assert_eq!(fs::read(outside.join("a.m4a")).unwrap(), b"precious");
}

#[test]
fn a_folder_swapped_for_a_link_while_it_is_listed_is_not_entered() {
    let rig = Rig::local();
    let outside = outside(&rig);
    rig.write(b"first.m4a", b"x");
    rig.write(b"sub/b.m4a", b"x");
    let mut said = vec![];
    let mut swapped = false;
    rig.store()
        .list(true, &mut |found| {
            said.push(Said::from(found));
            // The root is being read; the folder comes next.
            if !std::mem::replace(&mut swapped, true) {
                fs::remove_file(rig.path(b"sub/b.m4a")).unwrap();
                fs::remove_dir(rig.path(b"sub")).unwrap();
                symlink(&outside, rig.path(b"sub")).unwrap();
            }
        })
        .unwrap();
    assert!(swapped);
    assert!(!said.contains(&file("sub/a.m4a")), "{said:?}");
    assert!(said.contains(&file("first.m4a")), "{said:?}");
}
