//! The port to an archive: where copies of removed files are kept.

use std::io::Read;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use upsweep_plan::key::{Key, split_ext};
use upsweep_plan::listing::FileTime;
use upsweep_plan::verdict::Reason;

use super::{Op, OpId};

/// Where copies of removed files are kept: a directory, later a bucket.
///
/// A copy is drafted first, which nobody takes for a copy; once its reader has found it equal, it is published
/// under its name and listed in the index of its run. Nothing that was published is ever replaced or removed.
pub trait Archive: Send {
    /// The address, the same however the archive was named.
    fn address(&self) -> String;

    /// How new copies are compressed.
    fn compression(&self) -> Compression;

    /// Whether it is there and can be written to.
    ///
    /// # Errors
    /// [`ArchiveError::Unavailable`] says why not.
    fn check(&self) -> Result<(), ArchiveError>;

    /// Writes a draft of a copy, durably, in the place of any earlier draft. `content` is what the file holds;
    /// the archive compresses it as the name says.
    ///
    /// # Errors
    /// [`ArchiveError`] when `content` ends in an error, or the draft cannot be written.
    fn draft(&self, name: &CopyName, content: &mut dyn Read) -> Result<(), ArchiveError>;

    /// Reads a draft back: what the file held, decompressed.
    ///
    /// # Errors
    /// [`ArchiveError`] when there is none or it cannot be read.
    fn read_draft(&self, name: &CopyName) -> Result<Box<dyn Read>, ArchiveError>;

    /// Makes a draft the copy of that name, unless something has that name. Durable once [`Archive::index`]
    /// returned for its run.
    ///
    /// # Errors
    /// [`ArchiveError`] when that cannot be done; the draft is still one.
    fn publish(&self, name: &CopyName) -> Result<Published, ArchiveError>;

    /// Removes a draft, if there is one.
    ///
    /// # Errors
    /// [`ArchiveError`] when it cannot be removed.
    fn discard(&self, name: &CopyName) -> Result<(), ArchiveError>;

    /// Reads a copy: what the file held, decompressed. `None` when there is none of that name.
    ///
    /// # Errors
    /// [`ArchiveError`] when it cannot be read.
    fn read(&self, name: &CopyName) -> Result<Option<Box<dyn Read>>, ArchiveError>;

    /// Adds these lines to the index of `run` in `store`, durably, after making durable what was published there.
    /// Lines that the index has already are not repeated.
    ///
    /// # Errors
    /// [`ArchiveError`] when it cannot be written.
    fn index(&self, store: &str, run: &str, lines: &[IndexLine]) -> Result<(), ArchiveError>;
}

/// Where a copy is, or would be, within an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopyName {
    /// The store's id.
    pub store: String,
    /// The run that hid the file.
    pub run: String,
    /// The operation's number, the file's own extension, and that of the compression.
    pub file: String,
    /// How it is compressed.
    pub compression: Compression,
}

/// The longest extension that a copy keeps.
const EXTENSION_MAX_BYTES: usize = 16;

impl CopyName {
    /// The name of a new copy of the file of this operation.
    #[must_use]
    pub fn new(store: &str, op: &Op, compression: Compression) -> Self {
        let extension = match split_ext(op.key.file_name()).1 {
            [dot, rest @ ..]
                if !rest.is_empty()
                    && rest.len() <= EXTENSION_MAX_BYTES
                    && rest.iter().all(u8::is_ascii_alphanumeric) =>
            {
                String::from_utf8_lossy(&[&[*dot], rest].concat()).into_owned()
            }
            _ => String::new(),
        };
        let file = format!("{}{extension}{}", op.id, compression.extension());
        Self { store: store.to_owned(), run: op.run.clone(), file, compression }
    }

    /// The name of the copy that was recorded for this operation, if one was.
    #[must_use]
    pub fn recorded(store: &str, op: &Op) -> Option<Self> {
        let CopyRecord { archive: _, file, compression, blake3: _, mode: _, at: _ } = op.copy.as_ref()?;
        Some(Self { store: store.to_owned(), run: op.run.clone(), file: file.clone(), compression: *compression })
    }
}

impl std::fmt::Display for CopyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.store, self.run, self.file)
    }
}

/// How a copy is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// As one Zstandard frame.
    Zstd,
}

impl Compression {
    /// The word in the configuration and in the index.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zstd => "zstd",
        }
    }

    /// What it adds to a copy's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Zstd => ".zst",
        }
    }
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is the copy now.
    Done,
    /// Something has that name; the draft is still one.
    NameTaken,
}

/// A verified copy, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRecord {
    /// The archive's address when it was made.
    pub archive: String,
    /// Its name within the folder of its run.
    pub file: String,
    /// How it is compressed.
    pub compression: Compression,
    /// The BLAKE3 hash of what the file held, in hexadecimal digits.
    pub blake3: String,
    /// The file's permission bits, to be given back to it.
    pub mode: u32,
    /// When it had been verified.
    pub at: Timestamp,
}

/// A verified copy, as the archive's own index tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexLine {
    /// The operation.
    pub op: OpId,
    /// The copy's name within the folder of its run.
    pub file: String,
    /// The original's name.
    pub key: Key,
    /// The original's size in bytes.
    pub size_bytes: u64,
    /// When the original was last written.
    pub mtime: FileTime,
    /// The original's permission bits.
    pub mode: u32,
    /// The BLAKE3 hash of what it held, in hexadecimal digits.
    pub blake3: String,
    /// How the copy is compressed.
    pub compression: Compression,
    /// Why the original was removed.
    pub reason: Reason,
    /// When it was hidden.
    pub hidden_at: Timestamp,
}

/// Why an archive could not do what it was asked. Every message names the object.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Nothing can be copied there now.
    #[error("the archive {archive} cannot be used: {cause}")]
    Unavailable {
        /// Its address.
        archive: String,
        /// Why.
        cause: String,
    },
    /// One object could not be worked on.
    #[error("{action} {object} in the archive: {cause}")]
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// On what.
        object: String,
        /// The system's word for it.
        cause: String,
    },
}
