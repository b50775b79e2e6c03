//! Homes to try things on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use tempfile::TempDir;
use upsweep_adapters::home::LocalHome;
use upsweep_adapters::home::memory::MemoryHome;
use upsweep_adapters::store::local::LocalStore;
use upsweep_engine::ports::{Clock, Holder, Home, Ids};

/// A clock that stands still, and names that never repeat.
struct Names(AtomicU64);

static NAMES: Names = Names(AtomicU64::new(1));

impl Clock for Names {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    fn wait(&self, _span: jiff::SignedDuration) {}
}

impl Ids for Names {
    fn fresh(&self, _now: Timestamp) -> String {
        format!("ledger-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) fn holder(what: &str) -> Holder {
    Holder {
        what: what.to_owned(),
        user: "anna (uid 7)".to_owned(),
        pid: 4_711,
        host: "host-1".to_owned(),
        since: NAMES.now(),
        run: None,
    }
}

/// A directory to be leased, `uploads` in a folder of its own.
pub(crate) fn store() -> (TempDir, LocalStore) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("uploads")).unwrap();
    let store = opened(dir.path());
    (dir, store)
}

fn opened(dir: &Path) -> LocalStore {
    LocalStore::open(&dir.join("uploads")).unwrap()
}

pub(crate) fn home(store: &LocalStore, state_dir: Option<PathBuf>) -> LocalHome<'_> {
    LocalHome::new(store, &NAMES, &NAMES, state_dir)
}

/// A process that is being started shares every lock of this one until its program runs: who starts one writes,
/// who counts on a lock's end reads.
pub(crate) static STARTING: RwLock<()> = RwLock::new(());

pub(crate) fn nobody_starts() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}

/// One home under test.
pub(crate) enum Rig {
    Local { dir: TempDir, stores: [LocalStore; 2], _nobody_starts: RwLockReadGuard<'static, ()> },
    Memory(MemoryHome),
}

impl Rig {
    pub(crate) fn local() -> Self {
        let (dir, store) = store();
        let stores = [store, opened(dir.path())];
        Self::Local { dir, stores, _nobody_starts: nobody_starts() }
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryHome::default())
    }

    pub(crate) fn home(&self) -> Box<dyn Home + '_> {
        self.opened_by(0)
    }

    /// The same home, as somebody else opens it.
    pub(crate) fn elsewhere(&self) -> Box<dyn Home + '_> {
        self.opened_by(1)
    }

    fn opened_by(&self, who: usize) -> Box<dyn Home + '_> {
        match self {
            Self::Local { dir, stores, .. } => Box::new(home(&stores[who], Some(dir.path().join("not/yet/there")))),
            Self::Memory(home) => Box::new(home.clone()),
        }
    }
}

/// Makes one test per home out of each case, a function of `&Rig`.
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        mod local {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::local()); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::memory()); })*
        }
    };
}
pub(crate) use everywhere;
