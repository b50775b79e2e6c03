//! The plain-text list in each folder of the quarantine, written before anything moves there.
//!
//! One line per file: its number, its size, its modification time (seconds.nanoseconds), its inode, and its
//! name, percent-encoded; separated by tabs. With the ledger gone, a person or a shell script can put the
//! files back from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use upsweep_engine::ports::HideOrder;
use upsweep_plan::key::Key;

use crate::encoded::encoded;

/// The list's name.
pub(super) const NAME: &str = "MANIFEST";

const HEAD: &str = "# upsweep quarantine, format 1: number, bytes, mtime, inode, percent-encoded name\n";

/// Adds one line per order to the list in `dir`, durably.
pub(super) fn append(dir: &OwnedFd, orders: &[HideOrder]) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(fs::openat(dir, NAME, flags, Mode::RUSR | Mode::WUSR)?);
    let is_new = file.metadata()?.len() == 0;
    let mut text = if is_new { HEAD.to_owned() } else { String::new() };
    for HideOrder { key, facts, place } in orders {
        let name = encoded(key);
        let (op, size, mtime, ino) = (place.op, facts.size_bytes, facts.mtime, facts.ino);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{op}\t{size}\t{}.{:09}\t{ino}\t{name}", mtime.secs, mtime.nanos);
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    if is_new {
        fs::fsync(dir)?;
    }
    Ok(())
}

/// The names in the list of `dir`, by number; `None` for a number with several names, or with one that is no key.
/// A folder without a list has none.
pub(super) fn read(dir: &OwnedFd) -> std::io::Result<BTreeMap<u64, Option<Key>>> {
    let mut text = Vec::new();
    match fs::openat(dir, NAME, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => File::from(file).read_to_end(&mut text)?,
        Err(Errno::NOENT) => 0,
        Err(errno) => return Err(errno.into()),
    };
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> BTreeMap<u64, Option<Key>> {
    let mut names: BTreeMap<u64, Option<Key>> = BTreeMap::new();
    // A line without its end was still being written, and nothing had moved by then.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &text[..end]);
    for line in whole.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let &[number, _, _, _, name] = fields.as_slice() else { continue };
        let Some(number) = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()) else { continue };
        let name: Vec<u8> = percent_encoding::percent_decode(name).collect();
        let key = Key::parse(&name).ok().filter(|key| !key.is_hidden());
        let known = names.entry(number).or_insert_with(|| key.clone());
        if *known != key {
            *known = None;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_about_a_name_is_no_name() {
        let text = b"# a comment\n1\t9\t1.0\t7\ta%20b.mp3\n2\t9\t1.0\t7\tx\n2\t9\t1.0\t7\ty\n2\t9\t1.0\t7\tx\n3\t9\t1.0\t7\t../up\n\
            4\t9\t1.0\t7\tsub/.dot\n5\t9\t1.0\n6\t9\t1.0\t7\tsame\n6\t9\t1.0\t7\tsame\n7\t9\t1.0\t7\tbroken o";
        let key = |name: &str| Key::parse(name.as_bytes()).ok();
        let expected = [(1, key("a b.mp3")), (2, None), (3, None), (4, None), (6, key("same"))];
        assert_eq!(parse(text), BTreeMap::from(expected));
        assert_eq!(parse(b""), BTreeMap::new());
    }
}
