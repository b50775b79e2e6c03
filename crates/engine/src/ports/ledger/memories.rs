//! The part of a ledger that remembers earlier surveys.

use jiff::Timestamp;
use upsweep_plan::baseline::Baseline;
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileFacts;

use super::LedgerError;

/// What earlier surveys saw: since when which file stands there, and what the last good one found.
pub trait Memories {
    /// Notes which files a complete survey saw at `at`. The same incarnation of a file (inode, size, last
    /// modification and birth) keeps the time at which it was first seen, another one under the same name begins
    /// anew, and names that are not in `files` are forgotten.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn note_sightings(&mut self, files: &[(Key, FileFacts)], at: Timestamp) -> Result<(), LedgerError>;

    /// When this very file was first noted; `None` when it never was.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn first_seen(&self, key: &Key, facts: &FileFacts) -> Result<Option<Timestamp>, LedgerError>;

    /// The last good survey, if there was one.
    ///
    /// # Errors
    /// [`LedgerError`]; [`LedgerError::Damaged`] when it cannot be read.
    fn baseline(&self) -> Result<Option<Baseline>, LedgerError>;

    /// Puts this survey in its place. Of what did not change, nothing is written.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn set_baseline(&mut self, baseline: &Baseline) -> Result<(), LedgerError>;
}

/// What tells one incarnation of a file from the next one under its name, as text.
#[must_use]
pub fn incarnation(facts: &FileFacts) -> String {
    let FileFacts { dev: _, ino, size_bytes, mtime, ctime: _, btime, links: _ } = facts;
    let birth = btime.map_or("-".to_owned(), |time| format!("{}.{:09}", time.secs, time.nanos));
    format!("{ino} {size_bytes} {}.{:09} {birth}", mtime.secs, mtime.nanos)
}
