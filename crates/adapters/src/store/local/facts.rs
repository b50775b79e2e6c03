//! What the system says about one file.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::{Errno, Result};
use upsweep_plan::listing::{FileFacts, FileTime};

/// A file held by a handle that pins its inode: while it lives, no other file can have the same number.
pub(super) struct Pinned {
    _handle: OwnedFd,
    pub(super) facts: FileFacts,
}

/// Opens a name without following a link and without any access to its content. `None` when nothing, or no
/// regular file, has it.
pub(super) fn pin(dir: impl AsFd, name: &[u8]) -> Result<Option<Pinned>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match fs::openat(dir, name, flags, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let stat = fs::statx(&handle, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
    Ok(facts(&stat).map(|facts| Pinned { _handle: handle, facts }))
}

/// The facts of the regular file of that name.
pub(super) fn of_name(dir: impl AsFd, name: &[u8]) -> Result<Option<FileFacts>> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match fs::statx(dir, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME) {
        Ok(stat) => Ok(facts(&stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn facts(stat: &fs::Statx) -> Option<FileFacts> {
    if FileType::from_raw_mode(stat.stx_mode.into()) != FileType::RegularFile {
        return None;
    }
    let has_btime = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let time = |t: fs::StatxTimestamp| FileTime { secs: t.tv_sec, nanos: t.tv_nsec };
    Some(FileFacts {
        dev: fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
        ino: stat.stx_ino,
        size_bytes: stat.stx_size,
        mtime: time(stat.stx_mtime),
        ctime: time(stat.stx_ctime),
        btime: has_btime.then(|| time(stat.stx_btime)),
        links: stat.stx_nlink.into(),
    })
}
