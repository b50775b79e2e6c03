//! Where Upsweep keeps its own state about a directory: the ledger and the lock in `.upsweep` inside it, and
//! a note outside it, in the state folder. The ledger may lie elsewhere; the lock stays with the directory.

pub mod memory;
mod notes;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use upsweep_engine::ports::{
    Holder, Home, Ids, Lease, LeaseError, Ledger, LedgerError, LedgerPlace, Noted, StoreError,
};

use crate::ledger::sqlite::SqliteLedger;
use crate::store::local::{LocalStore, OWN_DIR};

const LEDGER: &str = "ledger.db";
const LOCK: &str = "lock";

/// The home inside a directory.
pub struct LocalHome<'a> {
    store: &'a LocalStore,
    ids: &'a dyn Ids,
    clock: &'a dyn upsweep_engine::ports::Clock,
    state_dir: Option<PathBuf>,
    ledger_elsewhere: Option<PathBuf>,
}

impl<'a> LocalHome<'a> {
    /// The home of `store`; `state_dir` is the folder for notes outside it, if one could be found.
    #[must_use]
    pub fn new(
        store: &'a LocalStore,
        ids: &'a dyn Ids,
        clock: &'a dyn upsweep_engine::ports::Clock,
        state_dir: Option<PathBuf>,
    ) -> Self {
        Self { store, ids, clock, state_dir, ledger_elsewhere: None }
    }

    /// Keeps the ledger in this file, if one is named; the folder above it must exist.
    #[must_use]
    pub fn with_ledger(mut self, path: Option<PathBuf>) -> Self {
        self.ledger_elsewhere = path.map(|path| std::path::absolute(&path).unwrap_or(path));
        self
    }

    fn ledger_path(&self) -> PathBuf {
        self.ledger_elsewhere.clone().unwrap_or_else(|| self.own_path(LEDGER))
    }

    /// A ledger among the uploads would be listed with them, and taken for one.
    fn check_ledger_place(&self, path: &Path) -> Result<(), LedgerError> {
        let fail = |cause: String| LedgerError::Storage { ledger: path.display().to_string(), cause };
        let Some(folder) = path.parent() else { return Ok(()) };
        let folder = folder.canonicalize().map_err(|error| {
            fail(format!("its folder cannot be reached ({error}); make it, or set UPSWEEP_LEDGER_URL to another file"))
        })?;
        let below =
            folder.strip_prefix(self.store.path()).map(|below| below.join(path.file_name().unwrap_or_default()));
        match below {
            Ok(below) if !is_below_a_dot(&below) => Err(fail(
                "it is among the uploads; set UPSWEEP_LEDGER_URL to a file outside the upload directory".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn own_path(&self, name: &str) -> PathBuf {
        self.store.path().join(OWN_DIR).join(name)
    }
}

impl Home for LocalHome<'_> {
    fn ledger_place(&self) -> LedgerPlace {
        let is_inside = self.ledger_elsewhere.is_none();
        LedgerPlace { shown: self.ledger_path().display().to_string(), is_inside }
    }

    fn ledger(&self) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
        let path = self.ledger_path();
        if self.ledger_elsewhere.is_some() {
            self.check_ledger_place(&path)?;
        }
        Ok(SqliteLedger::open(&path)?.map(|ledger| Box::new(ledger) as Box<dyn Ledger>))
    }

    fn create_ledger(&self) -> Result<Box<dyn Ledger>, LedgerError> {
        let path = self.ledger_path();
        if self.ledger_elsewhere.is_some() {
            self.check_ledger_place(&path)?;
        } else {
            self.store.make_own_dir().map_err(|error: StoreError| LedgerError::Storage {
                ledger: path.display().to_string(),
                cause: error.to_string(),
            })?;
        }
        Ok(Box::new(SqliteLedger::create(&path, &self.ids.fresh(self.clock.now()))?))
    }

    fn acquire(&self, holder: &Holder) -> Result<Box<dyn Lease>, LeaseError> {
        let path = self.own_path(LOCK);
        let fail = |cause: String| LeaseError::Io { object: path.display().to_string(), cause };
        self.store.make_own_dir().map_err(|error| fail(error.to_string()))?;
        let mut file = open_lock(&path, true).map_err(|error| fail(error.to_string()))?;
        let mut tries = 0;
        while !lock(&file).map_err(|errno| fail(std::io::Error::from(errno).to_string()))? {
            tries += 1;
            match read_holder(&mut file) {
                // Who has just taken it, or gives it back, says nothing for a moment; soon it is known who it is, or had.
                None if tries < LOCK_TRIES => std::thread::sleep(std::time::Duration::from_millis(1)),
                holder => return Err(LeaseError::Held(holder)),
            }
        }
        let json = serde_json::to_vec(holder).map_err(|error| fail(error.to_string()))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&json))
            .map_err(|error| fail(error.to_string()))?;
        Ok(Box::new(LocalLease { locked: file }))
    }

    fn holder(&self) -> Result<Option<Holder>, LeaseError> {
        let path = self.own_path(LOCK);
        let mut file = match open_lock(&path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(LeaseError::Io { object: path.display().to_string(), cause: error.to_string() });
            }
        };
        // A shared lock that is to be had at once means that nobody works; it ends with the handle.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(_) => Ok(read_holder(&mut file)),
        }
    }

    fn noted(&self, address: &str) -> Result<Option<Noted>, String> {
        match &self.state_dir {
            Some(dir) => notes::read(dir, address),
            None => Ok(None),
        }
    }

    fn note(&self, address: &str, store_id: &str) -> Result<(), String> {
        let dir = self.state_dir.as_deref().ok_or(
            "there is no folder for Upsweep's notes outside the store: set UPSWEEP_STATE_DIR to one that lasts",
        )?;
        notes::write(dir, address, store_id)
    }
}

/// The note about a store whose directory cannot even be opened.
///
/// # Errors
/// A sentence for a human.
pub fn noted_about(state_dir: &Path, address: &str) -> Result<Option<Noted>, String> {
    notes::read(state_dir, address)
}

/// Whether a path below the store's root is passed over by every listing.
fn is_below_a_dot(below: &Path) -> bool {
    below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

struct LocalLease {
    /// The kernel gives the lock back when this is dropped, or when the process dies.
    locked: File,
}

impl Drop for LocalLease {
    fn drop(&mut self) {
        // The next one would be taken for this one until it has written its own name. If it fails, that is all it costs.
        let _ = self.locked.set_len(0);
    }
}

impl Lease for LocalLease {}

/// Takes the lock at once, or says that somebody works.
///
/// Who merely asks shares the lock for a moment ([`Home::holder`]); where sharing is possible nobody works, so it
/// is worth another try.
fn lock(file: &File) -> rustix::io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {}
            other => return other.map(|()| true),
        }
        match flock(file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => return Ok(false),
            other => other?,
        }
        flock(file, FlockOperation::Unlock)?;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(false)
}

const LOCK_TRIES: u32 = 200;

fn open_lock(path: &Path, write: bool) -> std::io::Result<File> {
    // A link in its place must not lead to a file that is then emptied.
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).write(write).create(write).truncate(false).mode(0o600).custom_flags(flags).open(path)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut json = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}
