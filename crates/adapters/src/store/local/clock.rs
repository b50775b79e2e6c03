//! The clock of the file system, which over a network is another machine's.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::fs::{self, AtFlags, StatxFlags, Timespec, Timestamps, UTIME_NOW};
use rustix::io::{Errno, Result};

/// The time that the file system gives to Upsweep's own folder, which is touched for it; no room on the disk is
/// needed. `None` where the folder may not be touched.
pub(super) fn read(own: &OwnedFd) -> Result<Option<Timestamp>> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    match fs::futimens(own, &Timestamps { last_access: now, last_modification: now }) {
        Ok(()) => {}
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // Over a network: what the server says, not what was remembered here.
    let stat = fs::statx(own, c"", AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC, StatxFlags::MTIME)?;
    let nanos = stat.stx_mtime.tv_nsec.cast_signed();
    Timestamp::new(stat.stx_mtime.tv_sec, nanos).map(Some).map_err(|_| Errno::OVERFLOW)
}
