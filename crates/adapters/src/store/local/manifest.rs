//! The plain-text list in each folder of the quarantine, written before anything moves there.
//!
//! One line per file: its number, its size, its modification time (seconds.nanoseconds), its inode, and its
//! name, percent-encoded; separated by tabs. With the ledger gone, a person or a shell script can put the
//! files back from it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{self, Mode, OFlags};
use upsweep_engine::ports::HideOrder;

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
