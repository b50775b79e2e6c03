//! Guards: refusing is a feature. Each judges the whole situation before anything is hidden or freed.

use serde::{Deserialize, Serialize};

use crate::plan::DatabaseIdentity;
use crate::policy::Limits;

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
    /// The survey is incomplete.
    G008,
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
    pub const ALL: [Self; 5] = [Self::G001, Self::G002, Self::G003, Self::G004, Self::G008];

    /// Whether a human may overrule it with `--allow`.
    #[must_use]
    pub fn is_approvable(self) -> bool {
        match self {
            Self::G001 | Self::G003 => true,
            // The wrong store or database is mended, not approved; an incomplete survey proves nothing.
            Self::G002 | Self::G004 | Self::G008 => false,
        }
    }

    /// Whether an approval given when files were hidden also covers freeing exactly those files.
    #[must_use]
    pub fn approval_covers_purge(self) -> bool {
        match self {
            Self::G001 | Self::G003 => true,
            Self::G002 | Self::G004 | Self::G008 => false,
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

/// Everything the guards look at.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// What is about to happen.
    pub phase: Phase,
    /// The store's address.
    pub store: &'a str,
    /// The store's binding.
    pub binding: &'a Binding,
    /// The databases the store is bound to; empty when unbound.
    pub bound_databases: &'a [DatabaseIdentity],
    /// The databases that were read.
    pub databases: &'a [DatabaseIdentity],
    /// Databases among them that replay another's changes.
    pub replicas: &'a [DatabaseIdentity],
    /// Why the survey is incomplete; empty when it is complete.
    pub incomplete: &'a [String],
    /// Files judged; at purge the hidden ones count with the visible ones.
    pub files: u64,
    /// Files that some claim explains.
    pub explained_files: u64,
    /// Live claims without their file.
    pub missing: u64,
    /// Files named after the identifier of a row that claims a missing name.
    pub files_named_after_owner: u64,
    /// Files that would go.
    pub removals: u64,
    /// Their bytes.
    pub removal_bytes: u64,
    /// Files hidden in the last seven days, whatever became of them.
    pub hidden_recently: u64,
}

/// Fewer files than this share being explained makes the mapping doubtful.
const EXPLAINED_SHARE_MIN: f64 = 0.05;

/// Every objection to what is about to happen, in order of their codes.
#[must_use]
pub fn judge(situation: &Situation<'_>, limits: &Limits) -> Vec<Refusal> {
    let below_floor = situation.phase == Phase::Hide
        && situation.hidden_recently.saturating_add(situation.removals) <= limits.floor_files;
    [
        explained(situation, below_floor),
        marker(situation.store, situation.binding),
        amount(situation, limits, below_floor),
        database(situation),
        complete(situation),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// G001: hardly any file is explained by a claim of any standing.
fn explained(s: &Situation<'_>, below_floor: bool) -> Option<Refusal> {
    let enough = s.files == 0 || share(s.explained_files, s.files) >= EXPLAINED_SHARE_MIN;
    if enough || below_floor || s.removals == 0 || !s.incomplete.is_empty() {
        return None;
    }
    let likely = if s.files_named_after_owner * 2 > s.files {
        format!(
            "files are stored under the row's identifier, not under the name in the claimed column ({} of {} file names are an identifier plus an extension): the column may hold the names that clients gave",
            s.files_named_after_owner, s.files
        )
    } else if s.missing > 0 {
        format!(
            "the claims name {} files that are not in {}: the column may hold other names (for instance those that clients gave), or this may be the wrong folder or database",
            s.missing, s.store
        )
    } else {
        "the database holds hardly any claim: it may be the wrong one, an empty one, or an old copy".to_owned()
    };
    let next = if s.files_named_after_owner * 2 > s.files {
        "set a claim rule with a key template such as '{id}{ext(audio_filename)}' in upsweep.toml, then: upsweep plan"
            .to_owned()
    } else {
        "check DATABASE_URL, UPLOAD_DIR and the claim rules, then look again with: upsweep plan".to_owned()
    };
    Some(Refusal {
        code: Code::G001,
        saw: format!(
            "{} of {} files are explained by a claim ({})",
            s.explained_files,
            s.files,
            percent(share(s.explained_files, s.files))
        ),
        likely,
        next,
    })
}

/// G002: the store was bound before, and its marker is missing or another's.
#[must_use]
pub fn marker(store: &str, binding: &Binding) -> Option<Refusal> {
    let (saw, note) = match binding {
        Binding::Unbound | Binding::Bound => return None,
        Binding::MarkerMissing { noted, note } => {
            (format!("{store} was bound as store {noted}, but has no marker now"), note)
        }
        Binding::MarkerForeign { noted, note, found } => {
            (format!("{store} was bound as store {noted}, but its marker says {found}"), note)
        }
    };
    Some(Refusal {
        code: Code::G002,
        saw,
        likely: "the disk is not mounted, or another one is mounted in its place".to_owned(),
        next: format!(
            "mount the right disk, or set UPLOAD_DIR to the right folder; if the store was really replaced, remove the note {note}"
        ),
    })
}

/// G003: the plan removes too large a share, or more files or bytes than allowed.
fn amount(s: &Situation<'_>, limits: &Limits, below_floor: bool) -> Option<Refusal> {
    if s.phase == Phase::Purge {
        return None;
    }
    let too_many = limits.max_files.filter(|max| s.removals > *max).map(|max| format!("more than max_files = {max}"));
    let too_big =
        limits.max_bytes.filter(|max| s.removal_bytes > *max).map(|max| format!("more than max_bytes = {max}"));
    let too_large_a_share =
        (!below_floor && s.removals > 0 && share(s.removals, s.files) > limits.max_share).then(|| {
            format!(
                "{} of all, more than max_share = {}",
                percent(share(s.removals, s.files)),
                percent(limits.max_share)
            )
        });
    let why: Vec<String> = [too_large_a_share, too_many, too_big].into_iter().flatten().collect();
    if why.is_empty() {
        return None;
    }
    Some(Refusal {
        code: Code::G003,
        saw: format!(
            "{} of {} files ({} bytes) would be removed: {}",
            s.removals,
            s.files,
            s.removal_bytes,
            why.join("; ")
        ),
        likely: "a claim rule that misses most rows, a restored old database, or a long time without a clean-up"
            .to_owned(),
        next: "review every file with: upsweep plan --csv".to_owned(),
    })
}

/// G004: the database is not the one this store is bound to, or only a copy of it.
fn database(s: &Situation<'_>) -> Option<Refusal> {
    let bound = !s.bound_databases.is_empty();
    if bound && s.incomplete.is_empty() && s.bound_databases != s.databases {
        let list =
            |databases: &[DatabaseIdentity]| databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Some(Refusal {
            code: Code::G004,
            saw: format!(
                "the store is bound to {}, but the claims came from {}",
                list(s.bound_databases),
                list(s.databases)
            ),
            likely: "DATABASE_URL points to another server or database (staging, a copy, a restored dump)".to_owned(),
            next: "set DATABASE_URL to the database the store belongs to; after a real migration: upsweep rebind --reason \"…\"".to_owned(),
        });
    }
    s.replicas.first().map(replica)
}

/// G004 as well: a replica may not know yet what its primary knows.
#[must_use]
pub fn replica(database: &DatabaseIdentity) -> Refusal {
    Refusal {
        code: Code::G004,
        saw: format!("{database} is a replica, which may lag behind its primary"),
        likely: "DATABASE_URL points to a read replica or a standby".to_owned(),
        next: "set DATABASE_URL to the primary; plans may still be made from a replica".to_owned(),
    }
}

/// G008: the survey is incomplete, so absence proves nothing.
fn complete(s: &Situation<'_>) -> Option<Refusal> {
    let first = s.incomplete.first()?;
    let more = match s.incomplete.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(Refusal {
        code: Code::G008,
        saw: format!("the survey did not complete: {first}{more}"),
        likely: "a folder that may not be read, a database that went away, or a role that does not see every row"
            .to_owned(),
        next: "mend the cause and run again; nothing is removed on an incomplete survey, and no option changes that"
            .to_owned(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
