//! Guards: refusing is a feature. Each judges the whole situation before anything is hidden or freed.

mod amount;
mod ground;
mod mapping;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::folders::Vanishing;
use crate::plan::DatabaseIdentity;
use crate::policy::Limits;

pub use ground::{CLOCKS_APART_MAX, marker, replica};

/// A guard's stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Code {
    /// Hardly any file is explained by a claim.
    G001,
    /// The store is not the one that was bound.
    G002,
    /// The plan removes too much.
    G003,
    /// The database is not the one this store is bound to.
    G004,
    /// Live claims vanished, or the files of many.
    G005,
    /// A whole folder would vanish.
    G006,
    /// Clocks disagree.
    G007,
    /// The survey is incomplete.
    G008,
    /// The store does not honour preconditions.
    G009,
    /// Files that were claimed are orphans now.
    G010,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl std::str::FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|code| code.to_string().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
            format!("'{text}' is no guard; the guards are {}", Self::ALL.map(|c| c.to_string()).join(", "))
        })
    }
}

impl Code {
    /// Every guard there is.
    pub const ALL: [Self; 10] = [
        Self::G001,
        Self::G002,
        Self::G003,
        Self::G004,
        Self::G005,
        Self::G006,
        Self::G007,
        Self::G008,
        Self::G009,
        Self::G010,
    ];

    /// Whether a human may overrule it with `--allow`.
    #[must_use]
    pub fn is_approvable(self) -> bool {
        match self {
            Self::G001 | Self::G003 | Self::G005 | Self::G006 | Self::G007 | Self::G010 => true,
            // The wrong store or database is mended, not approved; an incomplete survey proves nothing, and a store
            // that ignores what a change is bound to cannot keep the promise.
            Self::G002 | Self::G004 | Self::G008 | Self::G009 => false,
        }
    }

    /// Whether an approval given when files were hidden also covers freeing exactly those files.
    #[must_use]
    pub fn approval_covers_purge(self) -> bool {
        match self {
            Self::G001 | Self::G003 | Self::G006 | Self::G010 => true,
            // Of these the newest evidence must be judged anew.
            Self::G002 | Self::G004 | Self::G005 | Self::G007 | Self::G008 | Self::G009 => false,
        }
    }
}

/// A guard's objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which guard.
    pub code: Code,
    /// What it saw.
    pub saw: String,
    /// The likely cause.
    pub likely: String,
    /// What to do next.
    pub next: String,
}

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Files would be hidden, which can be undone.
    Hide,
    /// Hidden files would be freed, for good.
    Purge,
}

/// How the store's marker compares with what was noted when it was bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// It was never bound.
    Unbound,
    /// Bound, and the marker is the right one.
    Bound,
    /// It was bound as `noted`, but there is no marker.
    MarkerMissing {
        /// The store id on record.
        noted: String,
        /// Where that is recorded.
        note: String,
    },
    /// It was bound as `noted`, but the marker says `found`.
    MarkerForeign {
        /// The store id on record.
        noted: String,
        /// Where that is recorded.
        note: String,
        /// The id in the marker.
        found: String,
    },
}

/// What the last good survey found: the last complete one that no guard refused, or whose refusal was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// When it was.
    pub at: Timestamp,
    /// Names of files that a live claim covered.
    pub live: u64,
    /// Live claims without their file.
    pub missing: u64,
}

/// What another clock said, and what this machine's did around that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Whose clock.
    pub of: String,
    /// What it said.
    pub said: Timestamp,
    /// This machine's time before it was asked.
    pub asked: Timestamp,
    /// This machine's time when the answer was in.
    pub answered: Timestamp,
}

/// Everything the guards look at.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// What is about to happen.
    pub phase: Phase,
    /// Whether files are freed in the run that hides them: then there is no floor.
    pub strict: bool,
    /// The store's address.
    pub store: &'a str,
    /// The store's binding.
    pub binding: &'a Binding,
    /// Whether the store itself refuses a change that is bound to another object.
    pub honours_preconditions: bool,
    /// The databases the store is bound to; empty when unbound.
    pub bound_databases: &'a [DatabaseIdentity],
    /// The databases that were read.
    pub databases: &'a [DatabaseIdentity],
    /// Databases among them that replay another's changes.
    pub replicas: &'a [DatabaseIdentity],
    /// Why the survey is incomplete; empty when it is complete.
    pub incomplete: &'a [String],
    /// Other clocks.
    pub clocks: &'a [ClockReading],
    /// Now.
    pub now: Timestamp,
    /// The newest entry of the ledger.
    pub last_entry: Option<Timestamp>,
    /// The last good survey.
    pub before: Option<Before>,
    /// Files judged; at purge the hidden ones count with the visible ones.
    pub files: u64,
    /// Files that some claim explains.
    pub explained_files: u64,
    /// Files that a live claim covers.
    pub live_files: u64,
    /// Live claims without their file.
    pub missing: u64,
    /// Those among them whose file was there at the last good survey.
    pub missing_expected: u64,
    /// Files that are kept because they look like a missing one.
    pub relinkable: u64,
    /// Files that no live claim covers any more, that may go or are still too young, and that one covered at the last
    /// good survey; at purge the hidden ones that one covered shortly before they were hidden.
    pub claimed_before: u64,
    /// Files named after the identifier of a row that claims a missing name.
    pub files_named_after_owner: u64,
    /// Folders that would be left without a file.
    pub vanishing: &'a [Vanishing],
    /// Files that would go.
    pub removals: u64,
    /// Their bytes.
    pub removal_bytes: u64,
    /// Files hidden in the last seven days, whatever became of them.
    pub hidden_recently: u64,
}

impl Situation<'_> {
    /// Whether so little would be hidden that it is permitted although some guards object: it can be undone.
    fn is_below_floor(&self, files: u64, limits: &Limits) -> bool {
        self.phase == Phase::Hide && !self.strict && self.hidden_recently.saturating_add(files) <= limits.floor_files
    }
}

/// Every objection to what is about to happen, in order of their codes.
#[must_use]
pub fn judge(situation: &Situation<'_>, limits: &Limits) -> Vec<Refusal> {
    if let Some(refusal) = marker(situation.store, situation.binding) {
        // What was seen is not the store: its files and their shares say nothing, and nothing here can be approved.
        return vec![refusal];
    }
    [
        mapping::explained(situation, limits),
        amount::amount(situation, limits),
        ground::database(situation),
        mapping::shrunk(situation, limits),
        amount::folders(situation, limits),
        ground::clocks(situation),
        ground::complete(situation),
        ground::preconditions(situation),
        mapping::claimed_before(situation, limits),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a survey may become the one that later ones are compared with, although a small amount was hidden below
/// the floor: not while the mapping itself is in doubt.
#[must_use]
pub fn may_be_baseline(situation: &Situation<'_>, limits: &Limits, allowed: &[Code]) -> bool {
    if marker(situation.store, situation.binding).is_some() {
        return false;
    }
    // Nothing may go today only because it is still young: that is no sign of health.
    let strictly = Situation { strict: true, removals: situation.removals.max(1), ..situation.clone() };
    [mapping::explained(&strictly, limits), mapping::shrunk(&strictly, limits)]
        .into_iter()
        .flatten()
        .all(|refusal| allowed.contains(&refusal.code))
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `1 file`, `2 files`.
fn files(number: u64) -> String {
    if number == 1 { "1 file".to_owned() } else { format!("{number} files") }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests;
