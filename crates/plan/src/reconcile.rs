//! From marks to removals: candidates first, so that only they need to be looked at on disk.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fold::fold;
use crate::key::Key;
use crate::listing::{FileFacts, Names, Sealed};
use crate::matching::Matched;
use crate::policy::Policy;
use crate::verdict::{ByClaims, Keep, Reason, Verdict, by_age, by_claims};

/// One file that may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Its name.
    pub key: Key,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
    /// How old it was when it was judged, in seconds, counted as its reason says.
    pub age_secs: u64,
    /// What it was when it was judged: only this very file may be removed.
    pub facts: FileFacts,
}

/// How many files were kept, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Covered by a live claim.
    pub claimed: u64,
    /// Held by a human.
    pub held: u64,
    /// Named nearly like a claim.
    pub nearly_claimed: u64,
    /// Unclaimed, but young.
    pub too_young: u64,
    /// Of sessions that failed recently.
    pub failed_recently: u64,
    /// Of rows that have not expired.
    pub not_expired: u64,
    /// Unclaimed, but like a file that is missing.
    pub relinkable: u64,
    /// Excluded by the configuration.
    pub ignored: u64,
    /// Left out by the plan's selection.
    pub outside_selection: u64,
    /// Could not be looked at, or not be named.
    pub unreadable: u64,
}

impl Kept {
    /// How many were kept for this reason.
    #[must_use]
    pub fn of(&self, keep: Keep) -> u64 {
        let mut copy = *self;
        *copy.slot(keep)
    }

    /// Counts files that were kept for this reason.
    pub fn add(&mut self, keep: Keep, files: u64) {
        *self.slot(keep) += files;
    }

    fn slot(&mut self, keep: Keep) -> &mut u64 {
        match keep {
            Keep::Claimed => &mut self.claimed,
            Keep::Held => &mut self.held,
            Keep::NearlyClaimed => &mut self.nearly_claimed,
            Keep::TooYoung => &mut self.too_young,
            Keep::FailedRecently => &mut self.failed_recently,
            Keep::NotExpired => &mut self.not_expired,
            Keep::Relinkable => &mut self.relinkable,
            Keep::Ignored => &mut self.ignored,
            Keep::OutsideSelection => &mut self.outside_selection,
            Keep::Unreadable => &mut self.unreadable,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        Keep::ALL.into_iter().map(|keep| self.of(keep)).sum()
    }
}

/// A file the claims alone do not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its index among the names.
    pub index: usize,
    by_claims: ByClaims,
}

impl Candidate {
    /// Whether nobody claims it, so that its age decides.
    #[must_use]
    pub fn is_unclaimed(&self) -> bool {
        self.by_claims == ByClaims::Unclaimed
    }
}

/// What was decided about one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep(Keep),
    /// It may go.
    Remove,
    /// It vanished while it was looked at.
    Vanished,
}

/// What the claims alone decide, and the files that have to be looked at.
#[derive(Clone, Debug)]
pub struct Sifted {
    /// The files that the claims do not keep.
    pub candidates: Vec<Candidate>,
    /// One fate per file; a candidate's is settled by [`reconcile`].
    fates: Vec<Fate>,
    /// Groups in which nothing that nobody claims may go.
    keeping: HashMap<GroupId, Keep>,
}

/// What looking at a candidate showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A regular file, and when a complete survey first saw it, where that is known.
    File(FileFacts, Option<Timestamp>),
    /// A file of the database's own, which happens to lie in the store.
    DatabaseFile,
    /// Gone, or no regular file any more.
    Gone,
    /// It could not be looked at.
    Failed,
}

/// The outcome: what may go, in byte order of the keys, and what stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Files that may go.
    pub removals: Vec<Removal>,
    /// Files that stay.
    pub kept: Kept,
    /// Files that vanished while they were looked at.
    pub vanished: u64,
    /// One per file.
    pub fates: Vec<Fate>,
}

/// Parts the first `len` names into those that the claims keep and those that must be looked at. `excluded` are
/// names that a configured exclusion covers: what belongs to them stays.
#[must_use]
pub fn sift(
    names: &Names,
    len: usize,
    excluded: &Names,
    matched: &Sealed<Matched>,
    policy: &Policy,
    now: Timestamp,
) -> Sifted {
    let mut keeping: HashMap<GroupId, Keep> =
        excluded.iter().map(|name| (group_id(name, policy), Keep::Ignored)).collect();
    let mut candidates = Vec::new();
    let mut fates = Vec::with_capacity(len);
    for index in 0..len {
        let by_claims = by_claims(&matched.get().marks(index), policy, now);
        let fate = match by_claims {
            ByClaims::Keep(keep) => keep,
            by_claims => {
                candidates.push(Candidate { index, by_claims });
                Keep::Unreadable
            }
        };
        if fate == Keep::Relinkable {
            keeping.entry(group_id(names.get(index), policy)).or_insert(Keep::Relinkable);
        }
        fates.push(Fate::Keep(fate));
    }
    Sifted { candidates, fates, keeping }
}

/// Judges the candidates with what looking at them showed, one [`Look`] per candidate.
#[must_use]
pub fn reconcile(names: &Names, sifted: Sifted, looks: &[Look], policy: &Policy, now: Timestamp) -> Reconciled {
    let Sifted { candidates, mut fates, mut keeping } = sifted;
    assert_eq!(candidates.len(), looks.len(), "every candidate is looked at");
    let mut removals: Vec<Removal> = Vec::new();
    let mut orphans: Vec<(usize, Removal, GroupId)> = Vec::new();
    for (Candidate { index, by_claims }, look) in candidates.into_iter().zip(looks) {
        let name = names.get(index);
        let group = || group_id(name, policy);
        let (facts, first_seen, key) = match (look, Key::parse(name)) {
            (Look::File(facts, first_seen), Ok(key)) => (*facts, *first_seen, key),
            (Look::DatabaseFile, _) => {
                fates[index] = Fate::Keep(Keep::Claimed);
                continue;
            }
            (Look::Gone, _) => {
                fates[index] = Fate::Vanished;
                continue;
            }
            // Stores list only keys; a name that is none could not be removed by that name either.
            (Look::Failed, _) | (Look::File(..), Err(_)) => {
                fates[index] = Fate::Keep(Keep::Unreadable);
                keeping.entry(group()).or_insert(Keep::TooYoung);
                continue;
            }
        };
        fates[index] = match by_claims {
            ByClaims::Keep(keep) => Fate::Keep(keep),
            ByClaims::Ended(reason) => match keeping.get(&group()) {
                Some(Keep::Ignored) => Fate::Keep(Keep::Ignored),
                _ => {
                    removals.push(removal(key, reason, facts, now));
                    Fate::Remove
                }
            },
            ByClaims::Unclaimed => match by_age(&facts, first_seen, policy, now) {
                Verdict::Keep(keep) => {
                    keeping.entry(group()).or_insert(keep);
                    Fate::Keep(keep)
                }
                Verdict::Remove(reason) => {
                    orphans.push((index, removal(key, reason, facts, now), group()));
                    Fate::Remove
                }
            },
        };
    }
    // An original and its variants stay together: while one is young, somebody may still be at work on all.
    for (index, removal, group) in orphans {
        match keeping.get(&group) {
            Some(keep) => fates[index] = Fate::Keep(*keep),
            None => removals.push(removal),
        }
    }
    removals.sort_by(|a, b| a.key.cmp(&b.key));
    // A folder that changes while it is read may show a name twice.
    removals.dedup_by(|a, b| a.key == b.key);
    let (mut kept, mut vanished) = (Kept::default(), 0);
    for fate in &fates {
        match fate {
            Fate::Keep(keep) => kept.add(*keep, 1),
            Fate::Vanished => vanished += 1,
            Fate::Remove => {}
        }
    }
    Reconciled { removals, kept, vanished, fates }
}

fn removal(key: Key, reason: Reason, facts: FileFacts, now: Timestamp) -> Removal {
    // What may go is older than its retention, so its age is never negative.
    let age_secs = now.duration_since(reason.counted_from()).as_secs().unsigned_abs();
    Removal { key, reason, age_secs, facts }
}

/// What an original and its variants have in common: the folder and the stem, folded.
pub type GroupId = Vec<u8>;

/// The one group that a file is kept or removed with.
#[must_use]
pub fn group_id(name: &[u8], policy: &Policy) -> GroupId {
    let folded = fold(name);
    let group = policy.variants.main_group(&folded);
    [group.dir, group.stem].concat()
}

/// A number of files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Totals of removals by the kind of their reason.
#[must_use]
pub fn totals(removals: &[Removal]) -> BTreeMap<String, Total> {
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for removal in removals {
        let total = totals.entry(removal.reason.kind().to_owned()).or_default();
        total.files += 1;
        total.bytes += removal.facts.size_bytes;
    }
    totals
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
