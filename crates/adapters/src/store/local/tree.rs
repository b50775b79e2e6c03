//! Folders below the root, reached without ever leaving it or its file system.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};
use upsweep_plan::key::Key;

/// The root of a store.
#[derive(Debug)]
pub(super) struct Tree {
    root: Arc<OwnedFd>,
}

impl Tree {
    pub(super) fn new(root: OwnedFd) -> Result<Self> {
        let tree = Self { root: Arc::new(root) };
        // Told now rather than in the middle of a listing: this kernel must know openat2 (Linux 5.6).
        tree.open_dir(b".").map(|_| tree)
    }

    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens a folder by its path below the root. The kernel refuses links, `..`, and other file systems
    /// (bind mounts included) on the way.
    pub(super) fn open_dir(&self, path: &[u8]) -> Result<OwnedFd> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            match fs::openat2(&*self.root, path, flags, Mode::empty(), resolve) {
                // The kernel could not rule out a race with a rename; it asks to try again.
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
    }

    /// The folder that a key's file is in; `None` when it is not there (any more).
    ///
    /// It is opened anew each time: a handle from before would still lead to a folder that was moved, even out
    /// of the store.
    pub(super) fn parent(&self, key: &Key) -> Result<Option<Arc<OwnedFd>>> {
        let dir = key.dir();
        if dir.is_empty() {
            return Ok(Some(Arc::clone(&self.root)));
        }
        match self.open_dir(dir) {
            Ok(folder) => Ok(Some(Arc::new(folder))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// The folder of a key, with every missing folder on the way made anew.
    pub(super) fn make_parent(&self, key: &Key) -> Result<Arc<OwnedFd>> {
        if let Some(folder) = self.parent(key)? {
            return Ok(folder);
        }
        let dir = key.dir();
        for (at, _) in dir.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let (above, name) = upsweep_plan::key::split_dir(&dir[..at]);
            let parent = self.open_dir(if above.is_empty() { b"." } else { above })?;
            match fs::mkdirat(&parent, name, Mode::from_raw_mode(0o777)) {
                Ok(()) => fs::fsync(&parent)?,
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.parent(key)?.ok_or(Errno::NOENT)
    }
}
