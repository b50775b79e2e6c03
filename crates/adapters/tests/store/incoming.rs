//! Files from outside: private until they are whole, then in their place and never over another file.

use std::io::Read;

use upsweep_engine::ports::{HiddenFile, PutBackOutcome};
use upsweep_plan::listing::FileTime;

use crate::rig::{Rig, everywhere, hostile_names, key, place};

everywhere!(
    a_hidden_file_can_be_read,
    what_was_taken_in_comes_to_its_place,
    what_was_taken_in_is_not_visible,
    nothing_is_put_over_another_file,
    what_was_taken_in_twice_is_the_second,
    what_was_dropped_is_gone,
    a_folder_that_is_missing_is_made,
    an_error_of_the_source_is_an_error,
);

const WRITTEN: FileTime = FileTime { secs: 1_500_000_000, nanos: 123_456_789 };

fn take_in(rig: &Rig, op: u64, content: &[u8]) {
    rig.store().take_in(&place(op), &mut &content[..], WRITTEN, 0o640).unwrap();
}

fn a_hidden_file_can_be_read(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let before = rig.hide_now(b"a.m4a", 1);
    let HiddenFile { mut content, mode } = rig.store().open_hidden(&place(1)).unwrap();
    let mut held = Vec::new();
    content.read_to_end(&mut held).unwrap();
    assert_eq!((held.as_slice(), mode), (&b"recording"[..], 0o644));
    assert_eq!(rig.hidden(1), Some(before), "reading changes nothing");
    assert!(rig.store().open_hidden(&place(2)).is_err());
}

fn what_was_taken_in_comes_to_its_place(rig: &Rig) {
    for (op, name) in (1..).zip(hostile_names()) {
        take_in(rig, op, &name);
        assert_eq!(rig.store().put_in_place(&place(op), &key(&name)).unwrap(), PutBackOutcome::Back);
        assert_eq!(rig.content(&name).as_deref(), Some(name.as_slice()));
        assert_eq!((rig.facts(&name).mtime, rig.facts(&name).size_bytes), (WRITTEN, name.len() as u64));
    }
    assert_eq!(rig.list(true).len(), hostile_names().len());
}

fn what_was_taken_in_is_not_visible(rig: &Rig) {
    take_in(rig, 1, b"recording");
    assert_eq!(rig.list(true), []);
    assert_eq!(rig.hidden(1), None, "nor is it in the quarantine");
}

fn nothing_is_put_over_another_file(rig: &Rig) {
    take_in(rig, 1, b"old");
    rig.write(b"a.m4a", b"new");
    assert_eq!(rig.store().put_in_place(&place(1), &key(b"a.m4a")).unwrap(), PutBackOutcome::PlaceTaken);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"new");
    rig.remove(b"a.m4a");
    assert_eq!(rig.store().put_in_place(&place(1), &key(b"a.m4a")).unwrap(), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"old");
}

fn what_was_taken_in_twice_is_the_second(rig: &Rig) {
    take_in(rig, 1, b"a torn copy that a crash left behind");
    take_in(rig, 1, b"whole");
    assert_eq!(rig.store().put_in_place(&place(1), &key(b"a.m4a")).unwrap(), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"whole");
}

fn what_was_dropped_is_gone(rig: &Rig) {
    rig.store().drop_taken_in(&place(1)).unwrap();
    take_in(rig, 1, b"recording");
    rig.store().drop_taken_in(&place(1)).unwrap();
    rig.store().drop_taken_in(&place(1)).unwrap();
    assert_eq!(rig.store().put_in_place(&place(1), &key(b"a.m4a")).unwrap(), PutBackOutcome::HiddenGone);
    assert_eq!(rig.content(b"a.m4a"), None);
}

fn a_folder_that_is_missing_is_made(rig: &Rig) {
    take_in(rig, 1, b"recording");
    assert_eq!(rig.store().put_in_place(&place(1), &key(b"a/b/c.m4a")).unwrap(), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a/b/c.m4a").unwrap(), b"recording");
}

/// Gives a little, then fails.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(std::io::Error::other("the copy is bad"));
        }
        buffer[0] = 1;
        Ok(1)
    }
}

fn an_error_of_the_source_is_an_error(rig: &Rig) {
    let error = rig.store().take_in(&place(1), &mut Broken(false), WRITTEN, 0o600).unwrap_err();
    assert!(error.to_string().contains("the copy is bad"), "{error}");
    assert_eq!(rig.list(true), []);
}

#[test]
fn rights_are_given_back_and_never_more() {
    use std::os::unix::fs::MetadataExt as _;
    let rig = Rig::local();
    rig.store().take_in(&place(1), &mut &b"x"[..], WRITTEN, 0o104_755).unwrap();
    rig.store().put_in_place(&place(1), &key(b"a.m4a")).unwrap();
    let meta = std::fs::metadata(rig.path(b"a.m4a")).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o755, "no bit beyond those of owner, group and others");
    let incoming = std::fs::metadata(rig.root().join(".upsweep/incoming")).unwrap();
    assert_eq!(incoming.mode() & 0o777, 0o700);
}
