//! Files on their way into the store from outside: private until they are whole.
//!
//! They lie in `.upsweep/incoming`, on the store's own file system, so that the last step is a rename.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{self, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use upsweep_engine::ports::{Place, PutBackOutcome, StoreError};
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileTime;

use super::{LocalStore, io, moves};

const INCOMING: &str = "incoming";

fn folder(store: &LocalStore, make: bool) -> Result<Option<OwnedFd>, StoreError> {
    let Some(own) = store.own_dir(make)? else { return Ok(None) };
    store.sub_dir(&own, INCOMING, make)
}

fn file_name(place: &Place) -> String {
    format!("{}-{}", place.run, place.op)
}

/// Writes what `content` gives to a private file with this time and these permission bits, durably.
pub(super) fn take_in(
    store: &LocalStore,
    place: &Place,
    content: &mut dyn Read,
    mtime: FileTime,
    mode: u32,
) -> Result<(), StoreError> {
    let name = file_name(place);
    let fail = |error: std::io::Error| StoreError::Io {
        action: "cannot take in",
        object: name.clone(),
        cause: error.to_string(),
    };
    drop_taken_in(store, place)?;
    let folder = folder(store, true)?.ok_or_else(|| fail(Errno::NOENT.into()))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = fs::openat(&folder, name.as_str(), flags, Mode::RUSR | Mode::WUSR);
    let mut file = File::from(opened.map_err(|errno| fail(errno.into()))?);
    let written = std::io::copy(content, &mut file)
        .and_then(|_| Ok(fs::fchmod(&file, Mode::from_raw_mode(mode & 0o777))?))
        .and_then(|()| Ok(fs::futimens(&file, &times(mtime))?))
        .and_then(|()| file.sync_all())
        .and_then(|()| Ok(fs::fsync(&folder)?));
    written.map_err(fail)
}

fn times(mtime: FileTime) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.secs, tv_nsec: mtime.nanos.into() },
    }
}

/// Moves what was taken in to its name, never over another file.
pub(super) fn put_in_place(store: &LocalStore, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
    let fail = |errno| io("cannot put in its place", store.object(key), errno);
    let Some(folder) = folder(store, false)? else { return Ok(PutBackOutcome::HiddenGone) };
    let dir = store.tree.make_parent(key).map_err(fail)?;
    match moves::move_out(&folder, &file_name(place), &dir, key.file_name()) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(PutBackOutcome::PlaceTaken),
        Err(Errno::NOENT) => return Ok(PutBackOutcome::HiddenGone),
        Err(errno) => return Err(fail(errno)),
    }
    fs::fsync(&*dir).map_err(fail)?;
    fs::fsync(&folder).map_err(fail)?;
    Ok(PutBackOutcome::Back)
}

/// Removes what was taken in, whole or torn.
pub(super) fn drop_taken_in(store: &LocalStore, place: &Place) -> Result<(), StoreError> {
    let Some(folder) = folder(store, false)? else { return Ok(()) };
    let name = file_name(place);
    match moves::remove_own(&folder, &name) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(io("cannot remove", name, errno)),
    }
}
