//! The manifest: written before anything moves, and enough to put everything back without Upsweep.
#![expect(clippy::disallowed_methods, reason = "a folder that was emptied is removed by hand")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use upsweep_engine::ports::HideOrder;

use crate::rig::{Rig, hostile_names};

fn manifest(rig: &Rig) -> Vec<Vec<String>> {
    let text = fs::read_to_string(rig.root().join(".upsweep/quarantine/run-1/MANIFEST")).unwrap();
    assert!(text.ends_with('\n'));
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("# upsweep quarantine, format 1:"), "{text}");
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn each_line_tells_what_was_meant() {
    let rig = Rig::local();
    let mut names = hostile_names();
    names.extend(hostile_names().iter().map(|name| [b"sub \n\xff/", name.as_slice()].concat()));
    for name in &names {
        rig.write(name, name);
    }
    let orders: Vec<HideOrder> = (1..).zip(&names).map(|(op, name)| rig.order(name, op)).collect();
    // In two batches, as a long run does: the head stands there once.
    rig.hide_all(&orders[..4]);
    rig.hide_all(&orders[4..]);
    let lines = manifest(&rig);
    assert_eq!(lines.len(), names.len());
    for (order, line) in orders.iter().zip(&lines) {
        let [op, bytes, mtime, inode, name] = &line[..] else { panic!("{line:?}") };
        assert_eq!(*op, order.place.op.to_string());
        assert_eq!(*bytes, order.facts.size_bytes.to_string());
        assert_eq!(*mtime, format!("{}.{:09}", order.facts.mtime.secs, order.facts.mtime.nanos));
        assert_eq!(*inode, order.facts.ino.to_string());
        assert!(name.is_ascii(), "{name}");
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(name).collect();
        assert_eq!(decoded, order.key.as_bytes());
    }
}

#[test]
fn it_is_written_before_anything_moves() {
    let rig = Rig::local();
    rig.write(b"a.m4a", b"1");
    rig.write(b"b.m4a", b"2");
    let orders = [rig.order(b"a.m4a", 1), rig.order(b"b.m4a", 2)];
    // Without room for it nothing moves.
    let path = rig.root().join(".upsweep/quarantine/run-1/MANIFEST");
    fs::create_dir_all(&path).unwrap();
    assert!(rig.store().hide(&orders).is_err());
    assert!(rig.content(b"a.m4a").is_some() && rig.content(b"b.m4a").is_some());
    fs::remove_dir(&path).unwrap();
    // Even of files that turn out to be gone it has told what was meant.
    rig.remove(b"a.m4a");
    rig.hide_all(&orders);
    let named: Vec<String> = manifest(&rig).into_iter().map(|line| line[4].clone()).collect();
    assert_eq!(named, ["a.m4a", "b.m4a"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "names are private");
}

#[test]
fn a_shell_puts_everything_back_from_it() {
    let rig = Rig::local();
    let mut names = hostile_names();
    names.extend(hostile_names().iter().map(|name| [b"-sub \n\xff\n/", name.as_slice()].concat()));
    for name in &names {
        rig.write(name, name);
    }
    rig.write(b"taken.m4a", b"old");
    rig.write(b"gone.m4a", b"gone");
    let mut orders: Vec<HideOrder> = (1..).zip(&names).map(|(op, name)| rig.order(name, op)).collect();
    orders.extend([rig.order(b"taken.m4a", 1_000), rig.order(b"gone.m4a", 1_001)]);
    rig.remove(b"gone.m4a");
    rig.hide_all(&orders);
    assert_eq!(rig.list(true), []);
    fs::remove_dir(rig.path(b"-sub \n\xff\n")).unwrap();
    rig.write(b"taken.m4a", b"new");

    let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/restore-by-hand.sh");
    let done = Command::new("bash").arg(recipe).arg(rig.root()).arg("run-1").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (name, order) in names.iter().zip(&orders) {
        assert_eq!(rig.content(name).as_deref(), Some(name.as_slice()), "{}", order.key);
        assert_eq!(rig.facts(name).mtime, order.facts.mtime);
    }
    assert_eq!(rig.content(b"taken.m4a").unwrap(), b"new");
    assert_eq!(fs::read(rig.hidden_path(1_000)).unwrap(), b"old", "nothing is overwritten");
    assert_eq!(rig.content(b"gone.m4a"), None);
    assert_eq!(rig.list(true).len(), names.len() + 1, "and nothing else was made");
}
