//! The port to a store of files.

use std::io::{Read, Seek};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, FileTime, Found};
use upsweep_plan::plan::DatabaseIdentity;

/// Where files are kept: a directory, later a bucket.
///
/// Nothing here decides. Every change is bound to the very file that was seen; whatever else stands under
/// its name is left alone and reported as an outcome, not as an error.
pub trait Store: Send {
    /// The canonical address, the same however the store was named.
    fn address(&self) -> String;

    /// What this store promises, beyond what every store does.
    fn capabilities(&self) -> Capabilities;

    /// The store's own clock: the time it gives now to something of Upsweep's own that was just touched, which may
    /// be another machine's. `None` where that cannot be asked: the store is not bound, so that nothing in it is
    /// Upsweep's own, or it may not be written to.
    ///
    /// # Errors
    /// [`StoreError`] when it was touched and did not say.
    fn clock(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Lists everything, in any order, and changes nothing. Files are given by name alone.
    ///
    /// Parts that cannot be read are given as [`Found::Unreadable`]; the rest is listed all the same.
    ///
    /// # Errors
    /// [`StoreError`] when the store as a whole cannot be read.
    fn list(&self, recursive: bool, sink: &mut dyn FnMut(Found<'_>)) -> Result<(), StoreError>;

    /// Looks at one file. `None` when nothing or no regular file has that name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be looked at.
    fn look(&self, key: &Key) -> Result<Option<FileFacts>, StoreError>;

    /// Opens one file for reading, without changing it (not even its access time, where that can be avoided).
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened.
    fn open(&self, key: &Key) -> Result<Box<dyn ReadSeek>, StoreError>;

    /// The marker, if the store is bound.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or makes no sense.
    fn marker(&self) -> Result<Option<Marker>, StoreError>;

    /// Writes the marker, durably. There must be none. Where it names a quarantine, that is made first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written or one is there already.
    fn bind(&self, marker: &Marker) -> Result<(), StoreError>;

    /// Puts this marker in the place of the one that is there, of the same store: at once and durably, so that there
    /// is a whole one at any moment. Where it names a quarantine, that is made first.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, or another store's, or it cannot be written.
    fn replace_marker(&self, marker: &Marker) -> Result<(), StoreError>;

    /// Where the configuration wants hidden files to lie; `None` means among the store's own things. Where they do
    /// lie, the marker says: every other method goes by that.
    fn wanted_quarantine(&self) -> Option<String>;

    /// The runs that have a quarantine, in any order; what lies in them is not looked at.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be found out.
    fn quarantines(&self) -> Result<Vec<String>, StoreError>;

    /// What lies in the quarantine of `run`, in any order; nothing when it has none.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be found out.
    fn lying_in(&self, run: &str) -> Result<Vec<Lying>, StoreError>;

    /// Hides files in the quarantine of one run, and gives one outcome per order, in order.
    ///
    /// The orders are noted durably in the quarantine before the first file moves, and what moved is durable
    /// before this returns. A file moves only if it is, to the last detail, the one in the order.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was moved, or when it is not known what became durable: the intents stay open,
    /// and recovery looks.
    fn hide(&self, orders: &[HideOrder]) -> Result<Vec<HideOutcome>, StoreError>;

    /// Makes durable whatever moved between these names and the quarantine of `run`.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be had.
    fn settle(&self, run: &str, keys: &[&Key]) -> Result<(), StoreError>;

    /// Looks at one hidden file. `None` when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be looked at.
    fn look_hidden(&self, place: &Place) -> Result<Option<FileFacts>, StoreError>;

    /// Opens one hidden file for reading.
    ///
    /// # Errors
    /// [`StoreError`] when it is not there or cannot be opened.
    fn open_hidden(&self, place: &Place) -> Result<HiddenFile, StoreError>;

    /// Moves one hidden file back to its name, never over another file. Durable once [`Store::settle`] returned.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be moved and is still hidden.
    fn put_back(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError>;

    /// Frees hidden files for good, and gives one outcome per order, in order. Durable when it returns.
    fn free(&self, orders: &[FreeOrder]) -> Vec<FreeOutcome>;

    /// Takes in a file from outside: durable, with this time and these permission bits, and not visible yet. What
    /// was taken in before for the same place is replaced.
    ///
    /// # Errors
    /// [`StoreError`] when `content` ends in an error, or the file cannot be written.
    fn take_in(&self, place: &Place, content: &mut dyn Read, mtime: FileTime, mode: u32) -> Result<(), StoreError>;

    /// Moves a file that was taken in to its name, never over another file, durably.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be moved, or when that did not become durable.
    fn put_in_place(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError>;

    /// Removes what was taken in and not moved to its name, if there is such a file.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be removed.
    fn drop_taken_in(&self, place: &Place) -> Result<(), StoreError>;

    /// Removes what is left of a run's quarantine once nothing is hidden in it. Does nothing otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when leftovers could not be removed; nothing of value is lost or kept by that.
    fn tidy(&self, run: &str) -> Result<(), StoreError>;
}

/// What a store promises, beyond what every store does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether a change that is bound to the object that was seen is refused by the store itself when another one is
    /// there. Where it is not, only what cannot lose data may be done.
    pub honours_preconditions: bool,
}

/// Bytes that can be read and sought in.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A hidden file, opened.
pub struct HiddenFile {
    /// What it holds.
    pub content: Box<dyn Read>,
    /// Its permission bits, 0 to 0o777.
    pub mode: u32,
}

/// Where a hidden file is: the quarantine of `run`, under the number `op`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The run that hid it.
    pub run: String,
    /// The operation's number, never used twice in one store.
    pub op: OpId,
}

/// The number of one object's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub u64);

impl std::fmt::Display for OpId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A file that lies in the quarantine, whatever a ledger knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lying {
    /// Where.
    pub place: Place,
    /// Its name, as noted before it moved; `None` when the note is lost or names several.
    pub key: Option<Key>,
    /// Its size.
    pub size_bytes: u64,
}

/// One file to hide.
#[derive(Clone, Debug)]
pub struct HideOrder {
    /// Its name.
    pub key: Key,
    /// The file that is meant.
    pub facts: FileFacts,
    /// Where to.
    pub place: Place,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HideOutcome {
    /// It is hidden; these are its facts now.
    Hidden(FileFacts),
    /// Another file, or a changed one, stands under that name.
    OtherFound,
    /// Nothing stands under that name.
    NothingThere,
    /// It could not be moved and stands where it stood; the cause.
    Failed(String),
    /// Another file slipped in and was moved, and its place was taken before it could go back: it is kept in
    /// the quarantine.
    Stranded,
}

/// What became of a file on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBackOutcome {
    /// It is back.
    Back,
    /// Something else has its name; it stays hidden.
    PlaceTaken,
    /// It was not in the quarantine.
    HiddenGone,
}

/// One hidden file to free.
#[derive(Clone, Debug)]
pub struct FreeOrder {
    /// Where it is.
    pub place: Place,
    /// Its facts when it was hidden.
    pub facts: FileFacts,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreeOutcome {
    /// Its bytes are freed.
    Freed,
    /// It is gone from here, but it has other names, so its bytes stay.
    OtherNames,
    /// It was gone already.
    Gone,
    /// It is not what was hidden: somebody still writes to it, so it was left.
    Changed,
    /// It could not be freed; the cause.
    Failed(String),
}

/// What a bound store says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of this form.
    pub format: u32,
    /// Names the store.
    pub store_id: String,
    /// Names the ledger that belongs to it.
    pub ledger_id: String,
    /// The databases whose claims decide over it.
    pub databases: Vec<DatabaseIdentity>,
    /// When it was bound.
    pub bound_at: Timestamp,
    /// Where hidden files lie; `None` means among the store's own things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
}

/// Why a store could not do what it was asked. Every message names the object.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store does not exist.
    #[error("the upload directory {address} does not exist; create it, or set UPLOAD_DIR to the right one")]
    Missing {
        /// As configured.
        address: String,
    },
    /// The operating system refused.
    #[error("{action} {object}: {cause}")]
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// On what.
        object: String,
        /// The system's word for it.
        cause: String,
    },
    /// The quarantine cannot be where it is wanted, or is not where it was.
    #[error("the quarantine {place} {problem}")]
    Quarantine {
        /// Its path.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The marker makes no sense.
    #[error(
        "the store's marker {object} cannot be read ({cause}); restore it from a backup, or see docs/guards.md under G002 for binding the store anew"
    )]
    Marker {
        /// Its path.
        object: String,
        /// What is wrong.
        cause: String,
    },
}
