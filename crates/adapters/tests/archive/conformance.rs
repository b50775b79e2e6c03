//! What holds for every archive: what is published is what was given, and stays.

use std::io::Read;

use upsweep_engine::ports::Published;

use crate::rig::{Rig, everywhere, line};

everywhere!(
    what_was_given_is_given_back,
    a_draft_is_no_copy,
    a_draft_replaces_an_earlier_draft,
    nothing_published_is_ever_replaced,
    what_is_not_there_is_an_outcome,
    an_error_of_the_source_is_an_error,
    a_line_is_not_repeated,
    an_empty_file_has_a_copy_too,
);

fn what_was_given_is_given_back(rig: &Rig) {
    let content: Vec<u8> = (0..300_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    let name = rig.draft(1, &content);
    assert!(rig.read_draft(&name) == content);
    assert_eq!(rig.archive().publish(&name).unwrap(), Published::Done);
    rig.archive().index("store-1", "run-1", &[line(1, b"a.m4a")]).unwrap();
    assert!(rig.read(&name).unwrap() == content);
    assert_eq!(rig.lines("run-1"), 1);
    rig.archive().check().unwrap();
}

fn a_draft_is_no_copy(rig: &Rig) {
    let name = rig.draft(1, b"recording");
    assert_eq!(rig.read(&name), None);
    rig.archive().discard(&name).unwrap();
    rig.archive().discard(&name).unwrap();
    assert!(rig.archive().read_draft(&name).is_err());
    assert!(rig.archive().publish(&name).is_err());
    assert_eq!(rig.read(&name), None);
}

fn a_draft_replaces_an_earlier_draft(rig: &Rig) {
    rig.draft(1, b"a longer draft that a crash left behind");
    let name = rig.draft(1, b"recording");
    assert_eq!(rig.read_draft(&name), b"recording");
}

fn nothing_published_is_ever_replaced(rig: &Rig) {
    let name = rig.draft(1, b"first");
    assert_eq!(rig.archive().publish(&name).unwrap(), Published::Done);
    rig.draft(1, b"second");
    assert_eq!(rig.archive().publish(&name).unwrap(), Published::NameTaken);
    assert_eq!(rig.read(&name).unwrap(), b"first");
    assert_eq!(rig.read_draft(&name), b"second", "the draft is still one");
    rig.archive().discard(&name).unwrap();
    assert_eq!(rig.read(&name).unwrap(), b"first");
}

fn what_is_not_there_is_an_outcome(rig: &Rig) {
    assert_eq!(rig.read(&rig.name(1)), None);
    rig.archive().discard(&rig.name(1)).unwrap();
    rig.draft(1, b"x");
    assert_eq!(rig.read(&rig.name(2)), None);
}

/// Gives a little, then fails.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(std::io::Error::other("the disk is bad"));
        }
        buffer[0] = 1;
        Ok(1)
    }
}

fn an_error_of_the_source_is_an_error(rig: &Rig) {
    let name = rig.name(1);
    let error = rig.archive().draft(&name, &mut Broken(false)).unwrap_err().to_string();
    assert!(error.contains("the disk is bad") && error.contains("run-1/1.m4a"), "{error}");
    assert_eq!(rig.read(&name), None);
    rig.draft(1, b"whole");
    assert_eq!(rig.read_draft(&name), b"whole");
}

fn a_line_is_not_repeated(rig: &Rig) {
    let index = |lines: &[_]| rig.archive().index("store-1", "run-1", lines).unwrap();
    index(&[line(1, b"a"), line(2, b"b")]);
    index(&[line(2, b"b"), line(3, b"c")]);
    index(&[]);
    assert_eq!(rig.lines("run-1"), 3);
}

fn an_empty_file_has_a_copy_too(rig: &Rig) {
    let name = rig.draft(1, b"");
    assert_eq!(rig.archive().publish(&name).unwrap(), Published::Done);
    assert_eq!(rig.read(&name).unwrap(), b"");
}
