//! A directory as a store, reached only through directory handles.
//!
//! No symbolic link below the root is followed (the root itself may be one, resolved once), no other file
//! system is entered, and no path is ever put together and handed to the system whole. The folder
//! `.upsweep` in the root holds the marker, the ledger and the quarantine; its layout is documented in
//! `docs/store-layout.md`.

mod clock;
mod facts;
mod incoming;
mod manifest;
mod marker;
mod moves;
pub mod probe;
mod quarantine;
mod tree;
mod walk;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rustix::fs::{self, Mode, OFlags};
use upsweep_engine::ports::{
    Capabilities, FreeOrder, FreeOutcome, HiddenFile, HideOrder, HideOutcome, Lying, Marker, Place, PutBackOutcome,
    ReadSeek, Store, StoreError,
};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, FileTime, Found};

use tree::Tree;

/// The folder in the root that is Upsweep's own.
pub const OWN_DIR: &str = ".upsweep";

/// A directory as a store.
#[derive(Debug)]
pub struct LocalStore {
    path: PathBuf,
    tree: Tree,
    /// Where hidden files are to lie, if not in the folder that is Upsweep's own.
    wanted: Option<PathBuf>,
    /// Where they do lie, once the marker was asked.
    seat: Mutex<Option<Arc<quarantine::Seat>>>,
}

impl LocalStore {
    /// Opens the directory `path`, which may be a symbolic link to one.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none, [`StoreError::Io`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
        let canonical = path.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => StoreError::Missing { address: shown.clone() },
            _ => StoreError::Io { action: "cannot open", object: shown.clone(), cause: error.to_string() },
        })?;
        let root = fs::open(&canonical, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| io("cannot open the upload directory", shown.clone(), errno))?;
        let tree = Tree::new(root).map_err(|errno| io("cannot look at the upload directory", shown, errno))?;
        Ok(Self { path: canonical, tree, wanted: None, seat: Mutex::new(None) })
    }

    /// Wants hidden files to lie in the folder `place`, which is made when it is needed. A store that is bound
    /// keeps them where its marker says.
    ///
    /// # Errors
    /// [`StoreError::Quarantine`] when they cannot be moved there by a rename, or could be seen there.
    pub fn with_quarantine(mut self, place: &Path) -> Result<Self, StoreError> {
        self.wanted = quarantine::checked(&self, place)?;
        Ok(self)
    }

    /// The directory, with every symbolic link resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that is Upsweep's own, made if need be, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be made.
    pub fn make_own_dir(&self) -> Result<PathBuf, StoreError> {
        self.own_dir(true)?;
        Ok(self.path.join(OWN_DIR))
    }

    fn own_dir(&self, make: bool) -> Result<Option<OwnedFd>, StoreError> {
        self.sub_dir(self.tree.root(), OWN_DIR, make)
    }

    /// Opens a private folder, or makes it; a link or a file in its place is an error, never followed.
    fn sub_dir(&self, parent: &OwnedFd, name: &str, make: bool) -> Result<Option<OwnedFd>, StoreError> {
        let object = || format!("{name} in {}", self.path.join(OWN_DIR).display());
        if make {
            match fs::mkdirat(parent, name, Mode::RWXU) {
                Ok(()) => fs::fsync(parent).map_err(|errno| io("cannot make durable", object(), errno))?,
                Err(rustix::io::Errno::EXIST) => {}
                Err(errno) => return Err(io("cannot make the folder", object(), errno)),
            }
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::openat(parent, name, flags, Mode::empty()) {
            Ok(dir) => Ok(Some(dir)),
            Err(rustix::io::Errno::NOENT) if !make => Ok(None),
            Err(errno) => Err(io("cannot open the folder", object(), errno)),
        }
    }

    fn object(&self, key: &Key) -> String {
        key.to_string()
    }
}

/// Opens a file without following a link, and leaves its access time alone where that is allowed.
fn open_to_read(dir: &OwnedFd, name: &[u8]) -> rustix::io::Result<File> {
    // NONBLOCK: a pipe that took the file's name must not make us wait.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match fs::openat(dir, name, flags | OFlags::NOATIME, Mode::empty()) {
        // Only the owner may leave the access time alone.
        Err(rustix::io::Errno::PERM) => fs::openat(dir, name, flags, Mode::empty()),
        other => other,
    }
    .map(File::from)
}

pub(crate) fn io(action: &'static str, object: String, errno: rustix::io::Errno) -> StoreError {
    StoreError::Io { action, object, cause: std::io::Error::from(errno).to_string() }
}

impl Store for LocalStore {
    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn capabilities(&self) -> Capabilities {
        // Every move names the very file by a handle, and is undone when another one arrived.
        Capabilities { honours_preconditions: true }
    }

    fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        match (self.marker()?, self.own_dir(false)?) {
            (Some(_), Some(own)) => {
                clock::read(&own).map_err(|errno| io("cannot read the clock of", self.address(), errno))
            }
            _ => Ok(None),
        }
    }

    fn list(&self, recursive: bool, sink: &mut dyn FnMut(Found<'_>)) -> Result<(), StoreError> {
        walk::walk(&self.tree, recursive, sink);
        Ok(())
    }

    fn look(&self, key: &Key) -> Result<Option<FileFacts>, StoreError> {
        let fail = |errno| io("cannot look at", self.object(key), errno);
        let Some(dir) = self.tree.parent(key).map_err(fail)? else { return Ok(None) };
        facts::of_name(&dir, key.file_name()).map_err(fail)
    }

    fn open(&self, key: &Key) -> Result<Box<dyn ReadSeek>, StoreError> {
        let fail = |errno| io("cannot read", self.object(key), errno);
        let dir = self.tree.parent(key).and_then(|dir| dir.ok_or(rustix::io::Errno::NOENT)).map_err(fail)?;
        Ok(Box::new(open_to_read(&dir, key.file_name()).map_err(fail)?))
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        marker::read(self)
    }

    fn bind(&self, marker: &Marker) -> Result<(), StoreError> {
        marker::bind(self, marker)
    }

    fn replace_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        marker::replace(self, marker)
    }

    fn wanted_quarantine(&self) -> Option<String> {
        self.wanted.as_ref().map(|place| place.display().to_string())
    }

    fn quarantines(&self) -> Result<Vec<String>, StoreError> {
        quarantine::runs(self)
    }

    fn lying_in(&self, run: &str) -> Result<Vec<Lying>, StoreError> {
        quarantine::lying_in(self, run)
    }

    fn hide(&self, orders: &[HideOrder]) -> Result<Vec<HideOutcome>, StoreError> {
        moves::hide(self, orders)
    }

    fn settle(&self, run: &str, keys: &[&Key]) -> Result<(), StoreError> {
        moves::settle(self, run, keys)
    }

    fn look_hidden(&self, place: &Place) -> Result<Option<FileFacts>, StoreError> {
        let fail = |errno| io("cannot look at the hidden file", format!("{}/{}", place.run, place.op), errno);
        let Some(dir) = quarantine::of_run(self, &place.run, false)? else { return Ok(None) };
        facts::of_name(&dir, place.op.to_string().as_bytes()).map_err(fail)
    }

    fn open_hidden(&self, place: &Place) -> Result<HiddenFile, StoreError> {
        let fail = |errno| io("cannot read the hidden file", format!("{}/{}", place.run, place.op), errno);
        let dir = quarantine::of_run(self, &place.run, false)?.ok_or_else(|| fail(rustix::io::Errno::NOENT))?;
        let file = open_to_read(&dir, place.op.to_string().as_bytes()).map_err(fail)?;
        let stat = fs::fstat(&file).map_err(fail)?;
        Ok(HiddenFile { content: Box::new(file), mode: stat.st_mode & 0o777 })
    }

    fn put_back(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        moves::put_back(self, place, key)
    }

    fn free(&self, orders: &[FreeOrder]) -> Vec<FreeOutcome> {
        moves::free(self, orders)
    }

    fn take_in(&self, place: &Place, content: &mut dyn Read, mtime: FileTime, mode: u32) -> Result<(), StoreError> {
        incoming::take_in(self, place, content, mtime, mode)
    }

    fn put_in_place(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        incoming::put_in_place(self, place, key)
    }

    fn drop_taken_in(&self, place: &Place) -> Result<(), StoreError> {
        incoming::drop_taken_in(self, place)
    }

    fn tidy(&self, run: &str) -> Result<(), StoreError> {
        moves::tidy(self, run)
    }
}
