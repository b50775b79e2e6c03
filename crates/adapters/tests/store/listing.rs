//! What a listing says.

use std::os::unix::net::UnixListener;

use upsweep_plan::key::Key;
use upsweep_plan::listing::{Found, Ignored};

use crate::rig::{Rig, Said, everywhere, file, hostile_names, ignored, key, marker, not_entered};

everywhere!(
    the_top_level_names_the_folders_it_does_not_enter,
    below_the_top_level_names_are_whole,
    dotfiles_are_passed_over,
    upsweeps_own_folder_is_never_listed,
    hostile_names_are_listed_byte_for_byte,
);

fn the_top_level_names_the_folders_it_does_not_enter(rig: &Rig) {
    for name in ["a.m4a", "sub/b.m4a", "sub/deep/c.m4a", "sub-2/d.m4a"] {
        rig.write(name.as_bytes(), b"x");
    }
    assert_eq!(rig.list(false), [file("a.m4a"), not_entered("sub"), not_entered("sub-2")]);
}

fn below_the_top_level_names_are_whole(rig: &Rig) {
    for name in ["a.m4a", "sub/b.m4a", "sub/deep/c.m4a", "sub-2/d.m4a"] {
        rig.write(name.as_bytes(), b"x");
    }
    assert_eq!(rig.list(true), [file("a.m4a"), file("sub-2/d.m4a"), file("sub/b.m4a"), file("sub/deep/c.m4a")]);
}

fn dotfiles_are_passed_over(rig: &Rig) {
    for name in [".gitkeep", ".hidden.m4a", "a.m4a", "sub/.gitkeep", "sub/b.m4a"] {
        rig.write(name.as_bytes(), b"x");
    }
    let dot = |name| ignored(name, Ignored::Dotfile);
    assert_eq!(
        rig.list(true),
        [file("a.m4a"), file("sub/b.m4a"), dot(".gitkeep"), dot(".hidden.m4a"), dot("sub/.gitkeep")]
    );
    let top = rig.list(false);
    assert_eq!(top, [file("a.m4a"), dot(".gitkeep"), dot(".hidden.m4a"), not_entered("sub")]);
}

fn upsweeps_own_folder_is_never_listed(rig: &Rig) {
    rig.store().bind(&marker("s")).unwrap();
    rig.write(b"a.m4a", b"x");
    rig.write(b"b.m4a", b"x");
    rig.hide_now(b"a.m4a", 1);
    for recursive in [false, true] {
        assert_eq!(rig.list(recursive), [file("b.m4a")]);
    }
}

fn hostile_names_are_listed_byte_for_byte(rig: &Rig) {
    let mut names: Vec<Vec<u8>> = hostile_names();
    names.extend(hostile_names().iter().map(|name| [b"sub\xff/", name.as_slice()].concat()));
    for name in &names {
        rig.write(name, b"x");
    }
    names.sort();
    let mut listed = vec![];
    rig.store()
        .list(true, &mut |found| match found {
            Found::File(name) => listed.push(name.to_vec()),
            other => panic!("{other:?}"),
        })
        .unwrap();
    listed.sort();
    assert_eq!(listed, names);
}

#[test]
fn every_one_of_twenty_thousand_files_is_listed_once() {
    let rig = Rig::local();
    let names: Vec<String> = (0..20_000).map(|n| format!("{n:05}-{}.m4a", "x".repeat(n % 90))).collect();
    for (at, name) in names.iter().enumerate() {
        let folder = if at % 4 == 0 { "" } else { "sub/" };
        if at == 1 {
            std::fs::create_dir(rig.path(b"sub")).unwrap();
        }
        std::fs::File::create(rig.path(format!("{folder}{name}").as_bytes())).unwrap();
    }
    let mut expected: Vec<Said> =
        (0..).zip(&names).map(|(at, name)| file(&format!("{}{name}", if at % 4 == 0 { "" } else { "sub/" }))).collect();
    expected.sort();
    assert!(rig.list(true) == expected, "each once");
    assert_eq!(rig.list(false).len(), 5_001, "and the folder");
}

#[test]
fn links_and_special_files_are_passed_over_and_never_block() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"x");
    std::os::unix::fs::symlink("a.m4a", rig.path(b"link.m4a")).unwrap();
    std::os::unix::fs::symlink("nowhere", rig.path(b"dangling.m4a")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, rig.path(b"pipe.m4a"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let _socket = UnixListener::bind(rig.path(b"socket.m4a")).unwrap();
    let said = rig.list(true);
    let (link, special) = (Ignored::Symlink, Ignored::Special);
    assert_eq!(
        said,
        [
            file("a.m4a"),
            ignored("dangling.m4a", link),
            ignored("link.m4a", link),
            ignored("pipe.m4a", special),
            ignored("socket.m4a", special),
        ]
    );
    for name in ["link.m4a", "dangling.m4a", "pipe.m4a", "socket.m4a"] {
        assert_eq!(rig.store().look(&key(name.as_bytes())).unwrap(), None, "{name}");
    }
    // A pipe without a writer would make a plain open wait for ever.
    let key = key(b"pipe.m4a");
    let (sender, receiver) = std::sync::mpsc::channel();
    let root = rig.root();
    std::thread::spawn(move || {
        let store = upsweep_adapters::store::local::LocalStore::open(&root).unwrap();
        let opened = upsweep_engine::ports::Store::open(&store, &key);
        let read = opened.map(|mut file| std::io::Read::read(&mut file, &mut [0; 1]).unwrap_or(0)).unwrap_or(0);
        sender.send(read).unwrap();
    });
    let read = receiver.recv_timeout(std::time::Duration::from_secs(20)).expect("opening a pipe blocks");
    assert_eq!(read, 0);
}

#[test]
fn a_folder_that_vanishes_while_it_is_listed_is_no_error() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"x");
    std::fs::create_dir(rig.path(b"sub")).unwrap();
    let mut said = vec![];
    let sub = rig.path(b"sub");
    rig.store()
        .list(true, &mut |found| {
            #[expect(clippy::disallowed_methods, reason = "an application removes its own folder")]
            let _ = std::fs::remove_dir(&sub);
            said.push(Said::from(found));
        })
        .unwrap();
    assert!(said.contains(&file("a.m4a")), "{said:?}");
    assert!(!said.iter().any(|one| matches!(one, Said::Unreadable(_))), "{said:?}");
}

#[test]
fn every_listed_name_is_a_key() {
    let rig = Rig::local();
    for name in hostile_names() {
        rig.write(&name, b"x");
    }
    rig.store()
        .list(true, &mut |found| match found {
            Found::File(name) => drop(Key::parse(name).unwrap()),
            other => panic!("{other:?}"),
        })
        .unwrap();
}
