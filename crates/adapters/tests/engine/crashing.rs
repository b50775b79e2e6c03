//! A program that dies: at any step of the store's or the archive's, before it, after it, or in the middle.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};

use upsweep_adapters::store::memory::MemoryStore;
use upsweep_engine::ports::{
    Archive, ArchiveError, Capabilities, Compression, CopyName, FreeOrder, FreeOutcome, HiddenFile, HideOrder,
    HideOutcome, IndexLine, Lying, Marker, Place, Published, PutBackOutcome, ReadSeek, Store, StoreError,
};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, FileTime, Found};

use crate::stage::Stage;

/// Burns down with every step that changes something, and then kills the program.
pub(crate) struct Fuse(AtomicI64);

impl Default for Fuse {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Fuse {
    /// How many steps are left to live.
    pub(crate) fn set(&self, steps: i64) {
        self.0.store(steps, Ordering::Relaxed);
    }

    fn burn(&self) {
        assert!(self.0.fetch_sub(1, Ordering::Relaxed) > 1, "the program is killed here");
    }

    fn around<R>(&self, step: impl FnOnce() -> R) -> R {
        self.burn();
        let outcome = step();
        self.burn();
        outcome
    }
}

/// Does `what` and dies after so many steps. `false` when it came to its end before.
pub(crate) fn dies_after(steps: i64, stage: &mut Stage, what: impl FnOnce(&mut Stage)) -> bool {
    stage.fuse.set(steps);
    let died = catch_unwind(AssertUnwindSafe(|| what(stage))).is_err();
    stage.fuse.set(i64::MAX);
    died
}

/// The first two bytes of what there is to read.
fn beginning(content: &mut dyn Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    content.take(2).read_to_end(&mut bytes).unwrap();
    bytes
}

/// A store under a fuse.
pub(crate) struct FusedStore<'a> {
    pub(crate) inner: &'a MemoryStore,
    pub(crate) fuse: &'a Fuse,
    pub(crate) fault: Option<Fault>,
}

/// What fails in a store although the file was moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Files are hidden, and then that cannot be made durable.
    AfterHiding,
    /// Nothing can be made durable but what was hidden.
    Settling,
}

impl FusedStore<'_> {
    fn fails_at(&self, fault: Fault) -> Result<(), StoreError> {
        if self.fault != Some(fault) {
            return Ok(());
        }
        let (object, cause) = ("the store".to_owned(), "input/output error".to_owned());
        Err(StoreError::Io { action: "cannot make durable", object, cause })
    }
}

impl Store for FusedStore<'_> {
    fn address(&self) -> String {
        self.inner.address()
    }
    fn list(&self, recursive: bool, sink: &mut dyn FnMut(Found<'_>)) -> Result<(), StoreError> {
        self.inner.list(recursive, sink)
    }
    fn look(&self, key: &Key) -> Result<Option<FileFacts>, StoreError> {
        self.inner.look(key)
    }
    fn open(&self, key: &Key) -> Result<Box<dyn ReadSeek>, StoreError> {
        self.inner.open(key)
    }
    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.inner.marker()
    }
    fn bind(&self, marker: &Marker) -> Result<(), StoreError> {
        self.inner.bind(marker)
    }
    fn replace_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        self.fuse.around(|| self.inner.replace_marker(marker))
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn clock(&self) -> Result<Option<jiff::Timestamp>, StoreError> {
        self.inner.clock()
    }
    fn wanted_quarantine(&self) -> Option<String> {
        self.inner.wanted_quarantine()
    }
    fn quarantines(&self) -> Result<Vec<String>, StoreError> {
        self.inner.quarantines()
    }
    fn lying_in(&self, run: &str) -> Result<Vec<Lying>, StoreError> {
        self.inner.lying_in(run)
    }
    fn hide(&self, orders: &[HideOrder]) -> Result<Vec<HideOutcome>, StoreError> {
        let outcomes = self.fuse.around(|| self.inner.hide(orders))?;
        self.fails_at(Fault::AfterHiding).map(|()| outcomes)
    }
    fn settle(&self, run: &str, keys: &[&Key]) -> Result<(), StoreError> {
        self.fails_at(Fault::Settling)?;
        self.inner.settle(run, keys)
    }
    fn look_hidden(&self, place: &Place) -> Result<Option<FileFacts>, StoreError> {
        self.inner.look_hidden(place)
    }
    fn open_hidden(&self, place: &Place) -> Result<HiddenFile, StoreError> {
        self.inner.open_hidden(place)
    }
    fn put_back(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        self.fuse.around(|| self.inner.put_back(place, key))
    }
    fn free(&self, orders: &[FreeOrder]) -> Vec<FreeOutcome> {
        self.fuse.around(|| self.inner.free(orders))
    }
    fn take_in(&self, place: &Place, content: &mut dyn Read, mtime: FileTime, mode: u32) -> Result<(), StoreError> {
        self.fuse.burn();
        let beginning = beginning(content);
        self.inner.take_in(place, &mut &beginning[..], mtime, mode)?;
        self.fuse.around(|| self.inner.take_in(place, &mut beginning.as_slice().chain(content), mtime, mode))
    }
    fn put_in_place(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        self.fuse.around(|| self.inner.put_in_place(place, key))
    }
    fn drop_taken_in(&self, place: &Place) -> Result<(), StoreError> {
        self.fuse.around(|| self.inner.drop_taken_in(place))
    }
    fn tidy(&self, run: &str) -> Result<(), StoreError> {
        self.inner.tidy(run)
    }
}

/// An archive under a fuse.
pub(crate) struct FusedArchive<'a> {
    pub(crate) inner: &'a (dyn Archive + Sync),
    pub(crate) fuse: &'a Fuse,
    /// The store whose files are copied, and what happens to it meanwhile.
    pub(crate) store: &'a MemoryStore,
    pub(crate) while_copying: Option<fn(&MemoryStore)>,
}

impl Archive for FusedArchive<'_> {
    fn address(&self) -> String {
        self.inner.address()
    }
    fn compression(&self) -> Compression {
        self.inner.compression()
    }
    fn check(&self) -> Result<(), ArchiveError> {
        self.inner.check()
    }
    fn draft(&self, name: &CopyName, content: &mut dyn Read) -> Result<(), ArchiveError> {
        self.fuse.burn();
        let beginning = beginning(content);
        self.inner.draft(name, &mut &beginning[..])?;
        if let Some(meanwhile) = self.while_copying {
            meanwhile(self.store);
        }
        self.fuse.around(|| self.inner.draft(name, &mut beginning.as_slice().chain(content)))
    }
    fn read_draft(&self, name: &CopyName) -> Result<Box<dyn Read>, ArchiveError> {
        self.inner.read_draft(name)
    }
    fn publish(&self, name: &CopyName) -> Result<Published, ArchiveError> {
        self.fuse.around(|| self.inner.publish(name))
    }
    fn discard(&self, name: &CopyName) -> Result<(), ArchiveError> {
        self.fuse.around(|| self.inner.discard(name))
    }
    fn read(&self, name: &CopyName) -> Result<Option<Box<dyn Read>>, ArchiveError> {
        self.inner.read(name)
    }
    fn index(&self, store: &str, run: &str, lines: &[IndexLine]) -> Result<(), ArchiveError> {
        self.fuse.around(|| self.inner.index(store, run, lines))
    }
}
