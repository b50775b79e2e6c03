//! What happens to one file, and why. The reason lives inside the verdict.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::listing::FileFacts;
use crate::marks::{EndedMark, Marks};
use crate::policy::{AgeFrom, Policy};
use crate::standing::{Ends, is_older};

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(Keep),
    /// It may go.
    Remove(Reason),
}

/// Why a file stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// A live claim covers it.
    Claimed,
    /// A human holds it.
    Held,
    /// A claim's name is nearly its own.
    NearlyClaimed,
    /// Nobody claims it, but it is too young (or its time lies in the future, or cannot be read).
    TooYoung,
    /// Its session failed, but not long enough ago, or at an unknown time.
    FailedRecently,
    /// Its claim expires later, or at an unknown time.
    NotExpired,
    /// Nobody claims it, but it looks like a file that is missing.
    Relinkable,
    /// A configured exclusion covers it, or a file of its group.
    Ignored,
    /// It may go, but not in this plan, which is limited to others.
    OutsideSelection,
    /// It could not be looked at, or its name is none that could be worked with.
    Unreadable,
}

impl Keep {
    /// Every reason to stay.
    pub const ALL: [Self; 10] = [
        Self::Claimed,
        Self::Held,
        Self::NearlyClaimed,
        Self::TooYoung,
        Self::FailedRecently,
        Self::NotExpired,
        Self::Relinkable,
        Self::Ignored,
        Self::OutsideSelection,
        Self::Unreadable,
    ];

    /// The words for reports: 3 files …
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Held => "held",
            Self::NearlyClaimed => "nearly claimed",
            Self::TooYoung => "too young",
            Self::FailedRecently => "of sessions that failed recently",
            Self::NotExpired => "not expired",
            Self::Relinkable => "like a missing file",
            Self::Ignored => "excluded by the configuration",
            Self::OutsideSelection => "outside the selection",
            Self::Unreadable => "that could not be looked at",
        }
    }
}

/// Why a file may go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// No claim explains it.
    Orphan {
        /// What its age counts from.
        since: Timestamp,
        /// Which of its times that is.
        age_from: AgeFrom,
        /// When a live claim was last seen to cover it, if that was at the last good survey.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claimed_until: Option<Timestamp>,
    },
    /// Every session that claims it has failed.
    FailedSession {
        /// The latest failure, which its age counts from.
        since: Timestamp,
        /// The sessions' identifiers, in order.
        owners: Vec<String>,
    },
    /// Every row that claims it has expired, and no failure is younger.
    Expired {
        /// The latest expiry.
        at: Timestamp,
        /// The rows' identifiers, in order.
        owners: Vec<String>,
    },
}

impl Reason {
    /// Every kind.
    pub const KINDS: [&'static str; 3] = ["orphan", "failed_session", "expired"];

    /// When the age of this reason began.
    #[must_use]
    pub fn counted_from(&self) -> Timestamp {
        match self {
            Self::Orphan { since: at, .. } | Self::FailedSession { since: at, .. } | Self::Expired { at, .. } => *at,
        }
    }

    /// The name in JSON: `orphan`, `failed_session` or `expired`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Orphan { .. } => "orphan",
            Self::FailedSession { .. } => "failed_session",
            Self::Expired { .. } => "expired",
        }
    }

    /// The word for reports: `orphan`, `failed session` or `expired`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Orphan { .. } => "orphan",
            Self::FailedSession { .. } => "failed session",
            Self::Expired { .. } => "expired",
        }
    }

    /// When a live claim was last seen to cover the file, if that was at the last good survey.
    #[must_use]
    pub fn claimed_until(&self) -> Option<Timestamp> {
        match self {
            Self::Orphan { claimed_until, .. } => *claimed_until,
            Self::FailedSession { .. } | Self::Expired { .. } => None,
        }
    }
}

/// What the claims alone decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByClaims {
    /// It stays, whatever it is.
    Keep(Keep),
    /// The claims on it have ended long enough ago.
    Ended(Reason),
    /// Nobody claims it: its age decides.
    Unclaimed,
}

/// Judges a file by its claims. Exactly one arm fits each combination of marks.
#[must_use]
pub fn by_claims(marks: &Marks, policy: &Policy, now: Timestamp) -> ByClaims {
    let Marks { live, held, near, near_ended, ended, attached, relinkable } = marks;
    if *live {
        return ByClaims::Keep(Keep::Claimed);
    }
    if *held {
        return ByClaims::Keep(Keep::Held);
    }
    if *near || (*near_ended && ended.is_none()) {
        return ByClaims::Keep(Keep::NearlyClaimed);
    }
    // Every ended claim that may mean this file must have ended long enough ago. What they say counts together, so
    // that the reason does not depend on which of them names the file.
    let ends = [*attached, ended.as_ref().map(|mark| mark.ends)].into_iter().flatten().reduce(Ends::and);
    if let Some(keep) = ends.and_then(|ends| still_running(ends, policy, now)) {
        return ByClaims::Keep(keep);
    }
    match ended {
        Some(mark) => reason_of(mark).map_or(ByClaims::Keep(Keep::FailedRecently), ByClaims::Ended),
        None if *relinkable => ByClaims::Keep(Keep::Relinkable),
        None => ByClaims::Unclaimed,
    }
}

fn still_running(ends: Ends, policy: &Policy, now: Timestamp) -> Option<Keep> {
    if !ends.failure_is_over(policy, now) {
        Some(Keep::FailedRecently)
    } else if !ends.are_over(policy, now) {
        Some(Keep::NotExpired)
    } else {
        None
    }
}

/// Why a file may go whose claims have ended: a failure says more than an expiry. Nothing that is over has an
/// unknown time.
fn reason_of(EndedMark { ends, owners }: &EndedMark) -> Option<Reason> {
    let owners = owners.iter().cloned().collect();
    match (ends.failed, ends.expires) {
        (Some(failed), _) => failed.known().map(|since| Reason::FailedSession { since, owners }),
        (None, Some(expires)) => expires.known().map(|at| Reason::Expired { at, owners }),
        (None, None) => None,
    }
}

/// Judges a file that nobody claims by its age. `first_seen` is when a complete survey first saw this very file.
#[must_use]
pub fn by_age(facts: &FileFacts, first_seen: Option<Timestamp>, policy: &Policy, now: Timestamp) -> Verdict {
    match counted_from(facts, first_seen, policy) {
        Some(since) if is_older(since, policy.orphan_retention_secs, now) => {
            Verdict::Remove(Reason::Orphan { since, age_from: policy.age_from, claimed_until: None })
        }
        _ => Verdict::Keep(Keep::TooYoung),
    }
}

/// What the age of an orphan counts from; `None` when that is not known, which is never old.
///
/// A file that was modified in the future is never old, whatever else its age counts from.
#[must_use]
pub fn counted_from(facts: &FileFacts, first_seen: Option<Timestamp>, policy: &Policy) -> Option<Timestamp> {
    let modified = facts.mtime.timestamp()?;
    let changed = modified.max(facts.ctime.timestamp()?);
    let since = match policy.age_from {
        AgeFrom::Mtime => modified,
        AgeFrom::Changed => changed,
        AgeFrom::FirstSeen => modified.max(first_seen?),
    };
    // What is deleted at once gets no second look, so a copied or moved file does not count as old as its content.
    Some(if policy.action.frees_at_once() { since.max(changed) } else { since })
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
