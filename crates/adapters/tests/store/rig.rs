//! Stores to try things on, and the hands of an application that uses them meanwhile.
#![expect(clippy::disallowed_methods, reason = "an application removes its own files")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;
use upsweep_adapters::store::local::LocalStore;
use upsweep_adapters::store::memory::MemoryStore;
use upsweep_engine::ports::{
    FreeOrder, FreeOutcome, HideOrder, HideOutcome, Marker, OpId, Place, PutBackOutcome, Store,
};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, Found, Ignored};

/// When the files of these tests were last written.
pub(crate) const LONG_AGO: i64 = 1_600_000_000;

/// Names that have broken tools before. Each is one component of at most 255 bytes.
pub(crate) fn hostile_names() -> Vec<Vec<u8>> {
    vec![
        b"new\nline.m4a".to_vec(),
        b"\n\n".to_vec(),
        b"tab\there.m4a".to_vec(),
        b"not utf-8 \xff\xfe\x80.m4a".to_vec(),
        vec![b'x'; 255],
        "ü".repeat(127).into_bytes(),
        b"-rf".to_vec(),
        b"--help".to_vec(),
        "🎙 录音.m4a".as_bytes().to_vec(),
        b" leading and trailing ".to_vec(),
        b"back\\slash\\n.m4a".to_vec(),
        b"%0a100%.m4a".to_vec(),
        b"$(touch pwned) `id` ; * ? [a] 'q' \"q\" #".to_vec(),
        b"MANIFEST".to_vec(),
        b"1".to_vec(),
    ]
}

/// One store under test.
pub(crate) enum Rig {
    Local { dir: TempDir, store: LocalStore },
    Memory(Box<MemoryStore>),
}

impl Rig {
    pub(crate) fn local() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("uploads");
        fs::create_dir(&root).unwrap();
        let store = LocalStore::open(&root).unwrap();
        Self::Local { dir, store }
    }

    /// A directory whose hidden files lie beside it.
    pub(crate) fn beside() -> Self {
        let Self::Local { dir, store } = Self::local() else { unreachable!("it is a directory") };
        let store = store.with_quarantine(&dir.path().join("hidden")).unwrap();
        Self::Local { dir, store }
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(Box::default())
    }

    pub(crate) fn store(&self) -> &dyn Store {
        match self {
            Self::Local { store, .. } => store,
            Self::Memory(store) => &**store,
        }
    }

    /// The root of a local store.
    pub(crate) fn root(&self) -> PathBuf {
        match self {
            Self::Local { dir, .. } => dir.path().join("uploads"),
            Self::Memory(_) => panic!("a store in memory has no path"),
        }
    }

    /// The path of a name in a local store.
    pub(crate) fn path(&self, name: &[u8]) -> PathBuf {
        self.root().join(OsStr::from_bytes(name))
    }

    /// The path of a hidden file in a local store.
    pub(crate) fn hidden_path(&self, op: u64) -> PathBuf {
        match self.store().wanted_quarantine() {
            Some(place) => PathBuf::from(place).join("store-1/run-1").join(op.to_string()),
            None => self.root().join(".upsweep/quarantine/run-1").join(op.to_string()),
        }
    }

    /// Writes a new file, last modified [`LONG_AGO`]. One that is there is removed first.
    pub(crate) fn write(&self, name: &[u8], content: &[u8]) {
        match self {
            Self::Local { .. } => {
                let path = self.path(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&path);
                let file = fs::File::create_new(&path).unwrap();
                std::io::Write::write_all(&mut &file, content).unwrap();
                file.set_modified(UNIX_EPOCH + Duration::from_secs(LONG_AGO.unsigned_abs())).unwrap();
            }
            Self::Memory(store) => store.write(&key(name), content, LONG_AGO),
        }
    }

    pub(crate) fn remove(&self, name: &[u8]) {
        match self {
            Self::Local { .. } => fs::remove_file(self.path(name)).unwrap(),
            Self::Memory(store) => store.remove(&key(name)),
        }
    }

    pub(crate) fn content(&self, name: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Local { .. } => fs::read(self.path(name)).ok(),
            Self::Memory(store) => store.content(&key(name)),
        }
    }

    /// Writes more to a hidden file, as somebody who had it open would.
    pub(crate) fn append_to_hidden(&self, op: u64, more: &[u8]) {
        match self {
            Self::Local { .. } => {
                let mut file = fs::OpenOptions::new().append(true).open(self.hidden_path(op)).unwrap();
                std::io::Write::write_all(&mut file, more).unwrap();
            }
            Self::Memory(store) => store.append_to_hidden(&place(op), more),
        }
    }

    /// Gives a store in memory a clock; a directory has one.
    pub(crate) fn set_clock(&self) {
        if let Self::Memory(store) = self {
            store.set_clock(jiff::Timestamp::UNIX_EPOCH);
        }
    }

    /// What the store's clock tells, and the times it may be between.
    pub(crate) fn clock_between(&self) -> (jiff::Timestamp, jiff::Timestamp, jiff::Timestamp) {
        let now = || match self {
            Self::Local { dir, .. } => {
                let path = dir.path().join("now");
                fs::write(&path, b"now").unwrap();
                jiff::Timestamp::try_from(fs::metadata(&path).unwrap().modified().unwrap()).unwrap()
            }
            Self::Memory(_) => jiff::Timestamp::UNIX_EPOCH,
        };
        // Whatever the folder's own time was, it is not what is told.
        if let Self::Local { .. } = self {
            let own = fs::File::open(self.root().join(".upsweep")).unwrap();
            own.set_modified(UNIX_EPOCH + Duration::from_secs(LONG_AGO.unsigned_abs())).unwrap();
        }
        (now(), self.store().clock().unwrap().expect("a bound store has one"), now())
    }

    pub(crate) fn facts(&self, name: &[u8]) -> FileFacts {
        self.store().look(&key(name)).unwrap().expect("the file is there")
    }

    /// The order to hide a file. A store that hides files beside it is bound for that.
    pub(crate) fn order(&self, name: &[u8], op: u64) -> HideOrder {
        if let Some(place) = self.store().wanted_quarantine()
            && self.store().marker().unwrap().is_none()
        {
            self.store().bind(&Marker { quarantine: Some(place), ..marker("store-1") }).unwrap();
        }
        HideOrder { key: key(name), facts: self.facts(name), place: place(op) }
    }

    pub(crate) fn hide_all(&self, orders: &[HideOrder]) -> Vec<HideOutcome> {
        self.store().hide(orders).unwrap()
    }

    pub(crate) fn hide(&self, order: HideOrder) -> HideOutcome {
        self.hide_all(&[order]).pop().unwrap()
    }

    /// Hides the file that stands there now, and gives its facts in the quarantine.
    pub(crate) fn hide_now(&self, name: &[u8], op: u64) -> FileFacts {
        match self.hide(self.order(name, op)) {
            HideOutcome::Hidden(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn hidden(&self, op: u64) -> Option<FileFacts> {
        self.store().look_hidden(&place(op)).unwrap()
    }

    pub(crate) fn put_back(&self, op: u64, name: &[u8]) -> PutBackOutcome {
        self.store().put_back(&place(op), &key(name)).unwrap()
    }

    pub(crate) fn free(&self, op: u64, facts: FileFacts) -> FreeOutcome {
        self.store().free(&[FreeOrder { place: place(op), facts }]).pop().unwrap()
    }

    /// What a listing says, sorted.
    pub(crate) fn list(&self, recursive: bool) -> Vec<Said> {
        let mut said = vec![];
        self.store().list(recursive, &mut |found| said.push(Said::from(found))).unwrap();
        said.sort();
        said
    }
}

/// A [`Found`] that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    File(String),
    Ignored(String, Ignored),
    NotEntered(String),
    Unreadable(String),
}

impl From<Found<'_>> for Said {
    fn from(found: Found<'_>) -> Self {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        match found {
            Found::File(name) => Self::File(text(name)),
            Found::Ignored(name, why) => Self::Ignored(text(name), why),
            Found::NotEntered(name) => Self::NotEntered(text(name)),
            Found::Unreadable(name, _) => Self::Unreadable(text(name)),
        }
    }
}

pub(crate) fn file(name: &str) -> Said {
    Said::File(name.to_owned())
}

pub(crate) fn ignored(name: &str, why: Ignored) -> Said {
    Said::Ignored(name.to_owned(), why)
}

pub(crate) fn not_entered(name: &str) -> Said {
    Said::NotEntered(name.to_owned())
}

pub(crate) fn key(name: &[u8]) -> Key {
    Key::parse(name).unwrap()
}

pub(crate) fn place(op: u64) -> Place {
    Place { run: "run-1".to_owned(), op: OpId(op) }
}

pub(crate) fn marker(store_id: &str) -> Marker {
    Marker {
        format: upsweep_engine::binding::MARKER_FORMAT,
        store_id: store_id.to_owned(),
        ledger_id: "ledger-1".to_owned(),
        databases: vec![],
        bound_at: jiff::Timestamp::UNIX_EPOCH,
        quarantine: None,
    }
}

/// Makes one test per store out of each case, a function of `&Rig`.
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        mod local {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::local()); })*
        }
        mod beside {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::beside()); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::memory()); })*
        }
    };
}
pub(crate) use everywhere;
