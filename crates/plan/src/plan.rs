//! Plans: what would be done, decided once, sealed by a hash, valid for a day.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::folders::Vanishing;
use crate::guard::{Before, ClockReading, Refusal};
use crate::key::Key;
use crate::matching::Tally;
use crate::mend::{Mend, NearMiss};
use crate::policy::Policy;
use crate::reconcile::{Kept, Removal, Total, totals};
use crate::selection::Selection;

/// How long a plan may be applied after it was made.
pub const VALID_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The version of the plan's form. A plan of another version is refused: making a new one is cheap.
pub const FORMAT: u32 = 1;

/// What tells one database from another, for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    /// `postgresql`, `mysql`, `mariadb` or `sqlite`.
    pub engine: String,
    /// The server's own identifier, or the canonical path of a file's folder.
    pub server: String,
    /// The database's name, or the file's.
    pub database: String,
}

impl std::fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { engine, server, database } = self;
        write!(f, "{engine} {database} on {server}")
    }
}

/// The store a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRef {
    /// Its canonical address.
    pub address: String,
    /// The id in its marker; `None` for a store that is not bound yet.
    pub id: Option<String>,
}

/// What one survey saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyFacts {
    /// Regular files that were judged.
    pub files: u64,
    /// Files that some claim explains.
    pub explained_files: u64,
    /// Files that a live claim covers.
    pub live_files: u64,
    /// The last good survey, which this one is compared with.
    pub before: Option<Before>,
    /// Files that no live claim covers any more, that may go or are still too young, and that one covered at the last
    /// good survey.
    pub claimed_before: u64,
    /// Folders that the plan would leave without a file.
    pub vanishing: Vec<Vanishing>,
    /// What other clocks said.
    pub clocks: Vec<ClockReading>,
    /// Files and folders that a configured exclusion covers.
    pub excluded: u64,
    /// Rows read from the databases.
    pub rows: u64,
    /// Dotfiles, symbolic links, and special files that are never touched.
    pub ignored: u64,
    /// Folders that were not looked into.
    pub folders_not_entered: u64,
    /// The first of them.
    pub folder_examples: Vec<String>,
    /// Files that vanished while they were looked at.
    pub vanished: u64,
    /// Whether the database role could change what it reads, which is more than it needs; `None` where the
    /// database has no roles.
    pub role_can_write: Option<bool>,
    /// What the claims amounted to.
    pub claims: Tally,
}

/// What the headers of an audio file say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// A short word such as `mp3`.
    pub format: String,
    /// Length in milliseconds, where the headers say. A whole number, so that a saved plan hashes the same.
    pub duration_millis: Option<u64>,
}

/// Everything a clean-up would do, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// Names this plan.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it can no longer be applied.
    pub expires_at: Timestamp,
    /// What for.
    pub store: StoreRef,
    /// The databases whose claims it rests on.
    pub databases: Vec<DatabaseIdentity>,
    /// The rules it rests on.
    pub policy: Policy,
    /// What it is limited to.
    pub selection: Selection,
    /// How long the files stay hidden before they may be freed, in seconds.
    pub quarantine_secs: u64,
    /// What was seen.
    pub survey: SurveyFacts,
    /// Why the survey did not complete; then nothing is removed.
    pub incomplete: Vec<String>,
    /// Files that would go, in byte order of their keys.
    pub removals: Vec<Removal>,
    /// Their totals by reason: `orphan`, `failed_session`, `expired`.
    pub totals: BTreeMap<String, Total>,
    /// What is known of the sound in them, by key; not every file is looked at.
    pub audio: BTreeMap<String, Audio>,
    /// How long those sounds last together, in milliseconds.
    pub audio_millis: u64,
    /// How many files stay, and why.
    pub kept: Kept,
    /// Hidden files that a claim needs again.
    pub restores: Vec<Key>,
    /// Hidden files that are not needed back, but stay: a human holds them, they look like a missing file, or the
    /// rules of today keep them.
    pub held: Vec<Key>,
    /// The first of the files that look like a missing one, and what would mend them.
    pub relinks: Vec<Mend>,
    /// The first of the missing files that another is named much like.
    pub near_misses: Vec<NearMiss>,
    /// Single files that could not be looked at.
    pub errors: Vec<String>,
    /// Why guards would refuse to apply it.
    pub refusals: Vec<Refusal>,
    /// BLAKE3 over all of the above.
    pub hash: String,
}

/// Why a saved plan cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not a plan, or damaged.
    #[error("this is no plan that can be read ({0}); make a new one with: upsweep plan --out plan.json")]
    Unreadable(String),
    /// Written by another version.
    #[error(
        "the plan has format {found}, this program reads format {FORMAT}; make a new one with: upsweep plan --out plan.json"
    )]
    Format {
        /// Its format.
        found: u32,
    },
    /// Its content does not match its hash.
    #[error(
        "the plan was altered after it was made (its hash does not match); make a new one with: upsweep plan --out plan.json"
    )]
    Altered,
    /// Older than [`VALID_FOR`].
    #[error("the plan expired at {}; make a new one with: upsweep plan --out plan.json", crate::moment::spelled(*expired))]
    Stale {
        /// When.
        expired: Timestamp,
    },
    /// Its time lies in the future, so one of two clocks is wrong.
    #[error("the plan was made at {made}, which is in the future: check the clock of this machine")]
    FromTheFuture {
        /// When it claims to have been made.
        made: Timestamp,
    },
    /// Made for another store or database.
    #[error("the plan was made for {planned}, but this is {here}; apply it where it was made, or make a new one")]
    Foreign {
        /// What it was made for.
        planned: String,
        /// Where it was to be applied.
        here: String,
    },
    /// The rules changed.
    #[error("the rules changed since the plan was made: {}; make a new one with: upsweep plan --out plan.json", .0.join("; "))]
    RulesChanged(Vec<String>),
}

impl Plan {
    /// Completes a plan with its totals and its hash.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.totals = totals(&self.removals);
        self.audio_millis = self.audio.values().filter_map(|audio| audio.duration_millis).sum();
        self.hash = self.computed_hash();
        self
    }

    /// Reads a saved plan and checks that it is whole.
    ///
    /// # Errors
    /// [`PlanError::Unreadable`], [`PlanError::Format`] or [`PlanError::Altered`].
    pub fn read(json: &[u8]) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| PlanError::Unreadable(error.to_string());
        let FormatOnly { format } = serde_json::from_slice(json).map_err(unreadable)?;
        if format != FORMAT {
            return Err(PlanError::Format { found: format });
        }
        let plan: Self = serde_json::from_slice(json).map_err(unreadable)?;
        if plan.computed_hash() != plan.hash {
            return Err(PlanError::Altered);
        }
        Ok(plan)
    }

    /// Whether the plan may be applied here and now.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(
        &self,
        store: &StoreRef,
        databases: &[DatabaseIdentity],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<(), PlanError> {
        if self.computed_hash() != self.hash {
            return Err(PlanError::Altered);
        }
        // A minute of grace: two programs on one machine may read the clock in the other order.
        if self.created_at > now + SignedDuration::from_mins(1) {
            return Err(PlanError::FromTheFuture { made: self.created_at });
        }
        if now >= self.expires_at || self.expires_at > self.created_at + VALID_FOR {
            return Err(PlanError::Stale { expired: self.expires_at });
        }
        let same_store = match (&self.store.id, &store.id) {
            (Some(planned), Some(here)) => planned == here,
            // It was unbound when the plan was made: the address is all there is.
            (None, _) => self.store.address == store.address,
            (Some(_), None) => false,
        };
        if !same_store {
            let describe = |s: &StoreRef| match &s.id {
                Some(id) => format!("the store {} ({id})", s.address),
                None => format!("the store {} (not bound)", s.address),
            };
            return Err(PlanError::Foreign { planned: describe(&self.store), here: describe(store) });
        }
        if self.databases != databases {
            let describe = |list: &[DatabaseIdentity]| {
                let names: Vec<String> = list.iter().map(ToString::to_string).collect();
                if names.is_empty() { "no database".to_owned() } else { names.join(", ") }
            };
            return Err(PlanError::Foreign { planned: describe(&self.databases), here: describe(databases) });
        }
        let changed = self.policy.differences(policy);
        if changed.is_empty() { Ok(()) } else { Err(PlanError::RulesChanged(changed)) }
    }

    /// Bytes of all planned removals.
    #[must_use]
    pub fn removal_bytes(&self) -> u64 {
        self.removals.iter().map(|r| r.facts.size_bytes).sum()
    }

    fn computed_hash(&self) -> String {
        let mut bare = self.clone();
        bare.hash = String::new();
        let json = serde_json::to_vec(&bare).expect("a plan has only text keys, so it always serialises");
        blake3::hash(&json).to_hex().to_string()
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
