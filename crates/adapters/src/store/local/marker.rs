//! The marker: a small file in Upsweep's own folder that says which store this is.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use upsweep_engine::ports::{Marker, StoreError};

use super::{LocalStore, OWN_DIR, io, moves, quarantine};

const NAME: &str = "store.json";

fn object(store: &LocalStore) -> String {
    format!("{}/{OWN_DIR}/{NAME}", store.path.display())
}

pub(super) fn read(store: &LocalStore) -> Result<Option<Marker>, StoreError> {
    let Some(own) = store.own_dir(false)? else { return Ok(None) };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match fs::openat(&own, NAME, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(io("cannot read", object(store), errno)),
    };
    let damaged = |cause: String| StoreError::Marker { object: object(store), cause };
    let mut json = Vec::new();
    file.read_to_end(&mut json).map_err(|error| damaged(error.to_string()))?;
    let marker: Marker = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    if marker.format != upsweep_engine::binding::MARKER_FORMAT {
        return Err(damaged(format!("it has format {}, written by another version of upsweep", marker.format)));
    }
    Ok(Some(marker))
}

pub(super) fn bind(store: &LocalStore, marker: &Marker) -> Result<(), StoreError> {
    let (own, fresh) = write_beside(store, marker)?;
    // A link never overwrites: of two runs that bind at once, one wins.
    let linked = fs::linkat(&own, fresh.as_str(), &own, NAME, AtFlags::empty());
    moves::remove_own(&own, &fresh).map_err(|errno| io("cannot write", object(store), errno))?;
    linked.map_err(|errno| io("cannot write", object(store), errno))?;
    quarantine::ask_again(store);
    fs::fsync(&own).map_err(|errno| io("cannot make durable", object(store), errno))
}

pub(super) fn replace(store: &LocalStore, marker: &Marker) -> Result<(), StoreError> {
    let fail =
        |cause: &str| StoreError::Io { action: "cannot replace", object: object(store), cause: cause.to_owned() };
    match read(store)? {
        None => return Err(fail("it is not there")),
        Some(old) if old.store_id != marker.store_id => return Err(fail("it is another store's")),
        Some(_) => {}
    }
    let (own, fresh) = write_beside(store, marker)?;
    moves::replace_own(&own, &fresh, NAME).map_err(|errno| io("cannot replace", object(store), errno))?;
    quarantine::ask_again(store);
    fs::fsync(&own).map_err(|errno| io("cannot make durable", object(store), errno))
}

/// Writes it, durably, under a name of its own, and makes what it speaks of.
fn write_beside(store: &LocalStore, marker: &Marker) -> Result<(OwnedFd, String), StoreError> {
    let fail = |cause: String| StoreError::Io { action: "cannot write", object: object(store), cause };
    if let Some(place) = &marker.quarantine {
        quarantine::make(store, place, &marker.store_id)?;
    }
    let own = store.own_dir(true)?.ok_or_else(|| fail("its folder vanished".to_owned()))?;
    let json = serde_json::to_vec_pretty(marker).map_err(|error| fail(error.to_string()))?;
    let fresh = format!("{NAME}.{}", marker.store_id);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(&own, fresh.as_str(), flags, Mode::RUSR | Mode::WUSR)
        .map_err(|errno| io("cannot write", object(store), errno))?;
    let mut file = File::from(fd);
    file.write_all(&json).and_then(|()| file.sync_all()).map_err(|error| fail(error.to_string()))?;
    Ok((own, fresh))
}
