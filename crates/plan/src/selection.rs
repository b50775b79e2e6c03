//! Which of the files that may go a plan takes: by reason, name, time, size, and number. Groups stay whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::Policy;
use crate::reconcile::{Removal, group_id};
use crate::verdict::Reason;

/// What a plan is limited to; empty means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Reasons, as [`Reason::kind`] names them; empty means all.
    pub only: Vec<String>,
    /// Beginnings of names; empty means all.
    pub prefixes: Vec<String>,
    /// Last modified at this time or later.
    pub modified_after: Option<Timestamp>,
    /// Last modified before this time.
    pub modified_before: Option<Timestamp>,
    /// Of sessions that count from this time or later: what no session claims is not selected.
    pub created_after: Option<Timestamp>,
    /// Of sessions that count from before this time.
    pub created_before: Option<Timestamp>,
    /// Each by its own clock, at this time or later: what a session claims counts from when that does, an orphan from
    /// its last modification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated_after: Option<Timestamp>,
    /// Each by its own clock, before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated_before: Option<Timestamp>,
    /// Groups that are at least this large, in bytes.
    pub min_size_bytes: Option<u64>,
    /// At most this many files; those that may go the longest come first.
    pub limit: Option<u64>,
}

impl Selection {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Parts the removals, in byte order of their keys, into those that are selected and those that are not.
    #[must_use]
    pub fn part(&self, removals: Vec<Removal>, policy: &Policy) -> (Vec<Removal>, Vec<Removal>) {
        if self.is_everything() {
            return (removals, vec![]);
        }
        let mut groups: BTreeMap<Vec<u8>, Vec<Removal>> = BTreeMap::new();
        for removal in removals {
            groups.entry(group_id(removal.key.as_bytes(), policy)).or_default().push(removal);
        }
        let (mut chosen, left): (Vec<_>, Vec<_>) = groups.into_values().partition(|group| self.fits(group));
        chosen.sort_by_key(|group| (group.iter().map(|r| r.reason.counted_from()).min(), group[0].key.clone()));
        let mut room = self.limit.unwrap_or(u64::MAX);
        let (chosen, too_many): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|group| {
            let fits = group.len() as u64 <= room;
            room -= if fits { group.len() as u64 } else { 0 };
            fits
        });
        let flat = |groups: Vec<Vec<Removal>>| {
            let mut removals: Vec<Removal> = groups.into_iter().flatten().collect();
            removals.sort_by(|a, b| a.key.cmp(&b.key));
            removals
        };
        (flat(chosen), flat([left, too_many].concat()))
    }

    /// Whether the whole group is selected: one file of it that is not keeps the others.
    fn fits(&self, group: &[Removal]) -> bool {
        let bytes: u64 = group.iter().map(|removal| removal.facts.size_bytes).sum();
        self.min_size_bytes.is_none_or(|min| bytes >= min) && group.iter().all(|removal| self.takes(removal))
    }

    fn takes(&self, removal: &Removal) -> bool {
        let Self {
            only,
            prefixes,
            modified_after,
            modified_before,
            created_after,
            created_before,
            dated_after,
            dated_before,
            min_size_bytes: _,
            limit: _,
        } = self;
        let kind = removal.reason.kind();
        let named = |prefix: &String| removal.key.as_bytes().starts_with(prefix.as_bytes());
        let modified = removal.facts.mtime.timestamp();
        let created = match &removal.reason {
            Reason::Orphan { .. } => None,
            Reason::FailedSession { since: at, .. } | Reason::Expired { at, .. } => Some(*at),
        };
        (only.is_empty() || only.iter().any(|o| o == kind))
            && (prefixes.is_empty() || prefixes.iter().any(named))
            && within(modified, *modified_after, *modified_before)
            && within(created, *created_after, *created_before)
            && within(created.or(modified), *dated_after, *dated_before)
    }
}

/// Whether a time lies between two others; one that is not known lies nowhere.
fn within(time: Option<Timestamp>, from: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    if from.is_none() && before.is_none() {
        return true;
    }
    time.is_some_and(|time| from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before))
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
