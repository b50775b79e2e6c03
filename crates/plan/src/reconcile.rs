//! From marks to removals: candidates first, so that only they need to be looked at on disk.

use std::collections::{BTreeMap, HashSet};

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
    /// Named nearly like a claim.
    pub nearly_claimed: u64,
    /// Unclaimed, but young.
    pub too_young: u64,
    /// Of sessions that failed recently.
    pub failed_recently: u64,
    /// Could not be looked at, or not be named.
    pub unreadable: u64,
}

impl Kept {
    fn add(&mut self, keep: Keep) {
        let Self { claimed, nearly_claimed, too_young, failed_recently, unreadable: _ } = self;
        *match keep {
            Keep::Claimed => claimed,
            Keep::NearlyClaimed => nearly_claimed,
            Keep::TooYoung => too_young,
            Keep::FailedRecently => failed_recently,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { claimed, nearly_claimed, too_young, failed_recently, unreadable } = self;
        claimed + nearly_claimed + too_young + failed_recently + unreadable
    }
}

/// A file the claims alone do not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its index among the names.
    pub index: usize,
    by_claims: ByClaims,
}

/// What looking at a candidate showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A regular file.
    File(FileFacts),
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
}

/// The files that the claims do not keep; the rest is counted into `kept`.
#[must_use]
pub fn candidates(
    matched: &Sealed<Matched>,
    policy: &Policy,
    now: Timestamp,
    kept: &mut Kept,
    len: usize,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for index in 0..len {
        match by_claims(&matched.get().marks(index), policy, now) {
            ByClaims::Keep(keep) => kept.add(keep),
            by_claims => found.push(Candidate { index, by_claims }),
        }
    }
    found
}

/// Judges the candidates with what looking at them showed, one [`Look`] per candidate.
#[must_use]
pub fn reconcile(
    names: &Names,
    candidates: &[Candidate],
    looks: &[Look],
    policy: &Policy,
    now: Timestamp,
    kept: Kept,
) -> Reconciled {
    assert_eq!(candidates.len(), looks.len(), "every candidate is looked at");
    let mut outcome = Reconciled { kept, ..Reconciled::default() };
    let mut orphans: Vec<(Removal, GroupId)> = Vec::new();
    let mut young_groups: HashSet<GroupId> = HashSet::new();
    for (candidate, look) in candidates.iter().zip(looks) {
        let name = names.get(candidate.index);
        let (facts, key) = match (look, Key::parse(name)) {
            (Look::File(facts), Ok(key)) => (facts, key),
            (Look::DatabaseFile, _) => {
                outcome.kept.add(Keep::Claimed);
                continue;
            }
            (Look::Gone, _) => {
                outcome.vanished += 1;
                continue;
            }
            // Stores list only keys; a name that is none could not be removed by that name either.
            (Look::Failed, _) | (Look::File(_), Err(_)) => {
                outcome.kept.unreadable += 1;
                young_groups.insert(group_id(name, policy));
                continue;
            }
        };
        match &candidate.by_claims {
            ByClaims::Keep(keep) => outcome.kept.add(*keep),
            ByClaims::Failed { since, owners } => {
                let reason = Reason::FailedSession { since: *since, owners: owners.clone() };
                outcome.removals.push(removal(key, reason, *facts, now));
            }
            ByClaims::Unclaimed => match by_age(facts, policy, now) {
                Verdict::Keep(keep) => {
                    outcome.kept.add(keep);
                    young_groups.insert(group_id(name, policy));
                }
                Verdict::Remove(reason) => {
                    orphans.push((removal(key, reason, *facts, now), group_id(name, policy)));
                }
            },
        }
    }
    // An original and its variants age together: while one is young, somebody may still be at work on all.
    for (removal, group) in orphans {
        if young_groups.contains(&group) {
            outcome.kept.add(Keep::TooYoung);
        } else {
            outcome.removals.push(removal);
        }
    }
    outcome.removals.sort_by(|a, b| a.key.cmp(&b.key));
    // A folder that changes while it is read may show a name twice.
    outcome.removals.dedup_by(|a, b| a.key == b.key);
    outcome
}

fn removal(key: Key, reason: Reason, facts: FileFacts, now: Timestamp) -> Removal {
    // What may go is older than its retention, so its age is never negative.
    let age_secs = now.duration_since(reason.counted_from()).as_secs().unsigned_abs();
    Removal { key, reason, age_secs, facts }
}

type GroupId = Vec<u8>;

fn group_id(name: &[u8], policy: &Policy) -> GroupId {
    let folded = fold(name);
    let group = policy.variants.main_group(&folded);
    [group.dir, group.stem].concat()
}

/// The recheck: which of the planned removals the newest claims still allow. The others must stay, each with
/// the reason.
///
/// `names` are the keys of `removals`, in their order, and `matched` what the newest claims say about them.
#[must_use]
pub fn still_allowed(
    removals: &[Removal],
    matched: &Sealed<Matched>,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Option<Keep>> {
    let judged: Vec<ByClaims> =
        (0..removals.len()).map(|index| by_claims(&matched.get().marks(index), policy, now)).collect();
    // As in a plan: a file that nobody claims any more and that is young keeps its group.
    let is_young = |(removal, judged): &(&Removal, &ByClaims)| {
        **judged == ByClaims::Unclaimed && matches!(by_age(&removal.facts, policy, now), Verdict::Keep(_))
    };
    let group = |removal: &Removal| group_id(removal.key.as_bytes(), policy);
    let young: HashSet<GroupId> = removals.iter().zip(&judged).filter(is_young).map(|(r, _)| group(r)).collect();
    let verdict = |(removal, judged): (&Removal, &ByClaims)| match (&removal.reason, judged) {
        (_, ByClaims::Keep(keep)) => Some(*keep),
        // A failed session's row may have been deleted meanwhile: then the file is an orphan that was
        // planned for another reason, and the next plan judges it by its age.
        (Reason::FailedSession { .. }, ByClaims::Unclaimed) => Some(Keep::TooYoung),
        (Reason::FailedSession { .. }, ByClaims::Failed { .. }) => None,
        // An orphan that a failed session claims by now was planned as nobody's.
        (Reason::Orphan { .. }, ByClaims::Failed { .. }) => Some(Keep::FailedRecently),
        (Reason::Orphan { .. }, ByClaims::Unclaimed) => young.contains(&group(removal)).then_some(Keep::TooYoung),
    };
    removals.iter().zip(&judged).map(verdict).collect()
}

/// Files that are already hidden: what the newest claims say they should become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenVerdict {
    /// A claim needs it again: bring it back.
    Restore(Keep),
    /// Still nobody needs it.
    StillRemove,
}

/// Judges hidden files by their original names; ages do not count any more, only claims.
#[must_use]
pub fn judge_hidden(matched: &Sealed<Matched>, len: usize, policy: &Policy, now: Timestamp) -> Vec<HiddenVerdict> {
    let verdict = |index| match by_claims(&matched.get().marks(index), policy, now) {
        ByClaims::Keep(keep) => HiddenVerdict::Restore(keep),
        ByClaims::Failed { .. } | ByClaims::Unclaimed => HiddenVerdict::StillRemove,
    };
    (0..len).map(verdict).collect()
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
