//! What happens to one file, and why. The reason lives inside the verdict.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::listing::FileFacts;
use crate::matching::{FailedMark, Marks, Since};
use crate::policy::Policy;

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(Keep),
    /// It may go.
    Remove(Reason),
}

/// Why a file stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keep {
    /// A live claim covers it.
    Claimed,
    /// A claim's name is nearly its own.
    NearlyClaimed,
    /// Nobody claims it, but it is too young (or its time lies in the future, or cannot be read).
    TooYoung,
    /// Its session failed, but not long enough ago, or at an unknown time.
    FailedRecently,
}

/// Why a file may go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// No claim explains it.
    Orphan {
        /// Its last modification, which its age counts from.
        modified: Timestamp,
    },
    /// Every session that claims it has failed.
    FailedSession {
        /// The latest failure, which its age counts from.
        since: Timestamp,
        /// The sessions' identifiers, in order.
        owners: Vec<String>,
    },
}

impl Reason {
    /// When the age of this reason began.
    #[must_use]
    pub fn counted_from(&self) -> Timestamp {
        match self {
            Self::Orphan { modified } => *modified,
            Self::FailedSession { since, owners: _ } => *since,
        }
    }

    /// The name in JSON: `orphan` or `failed_session`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Orphan { .. } => "orphan",
            Self::FailedSession { .. } => "failed_session",
        }
    }

    /// The word for reports: `orphan` or `failed session`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Orphan { .. } => "orphan",
            Self::FailedSession { .. } => "failed session",
        }
    }
}

/// What the claims alone decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByClaims {
    /// It stays, whatever it is.
    Keep(Keep),
    /// Its sessions failed long enough ago.
    Failed {
        /// The latest failure.
        since: Timestamp,
        /// The sessions.
        owners: Vec<String>,
    },
    /// Nobody claims it: its age decides.
    Unclaimed,
}

/// Judges a file by its claims. Exactly one arm fits each combination of marks.
#[must_use]
pub fn by_claims(marks: &Marks, policy: &Policy, now: Timestamp) -> ByClaims {
    let Marks { live, near, near_failed, failed, attached } = marks;
    if *live {
        return ByClaims::Keep(Keep::Claimed);
    }
    if *near || (*near_failed && failed.is_none()) {
        return ByClaims::Keep(Keep::NearlyClaimed);
    }
    // Every failed session that may mean this file must have failed long enough ago.
    let is_over = |since: &Since| match since {
        Since::At(since) => is_older(*since, policy.failed_retention_secs, now),
        Since::Unknown => false,
    };
    if !attached.iter().all(is_over) {
        return ByClaims::Keep(Keep::FailedRecently);
    }
    match failed {
        Some(FailedMark { since: since @ Since::At(at), owners }) if is_over(since) => {
            ByClaims::Failed { since: *at, owners: owners.iter().cloned().collect() }
        }
        Some(_) => ByClaims::Keep(Keep::FailedRecently),
        None => ByClaims::Unclaimed,
    }
}

/// Judges a file that nobody claims by its age.
#[must_use]
pub fn by_age(facts: &FileFacts, policy: &Policy, now: Timestamp) -> Verdict {
    match facts.mtime.timestamp() {
        Some(modified) if is_older(modified, policy.orphan_retention_secs, now) => {
            Verdict::Remove(Reason::Orphan { modified })
        }
        _ => Verdict::Keep(Keep::TooYoung),
    }
}

/// Whether more than `retention_secs` have passed between `then` and `now`; never for a future `then`.
fn is_older(then: Timestamp, retention_secs: u64, now: Timestamp) -> bool {
    let age_nanos = now.as_nanosecond() - then.as_nanosecond();
    age_nanos > i128::from(retention_secs) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    const NOW: i64 = 1_800_000_000;
    const WEEK: i64 = 7 * 86_400;

    fn failed(since: Since) -> Option<FailedMark> {
        Some(FailedMark { since, owners: BTreeSet::from(["7".to_owned()]) })
    }

    fn judged(marks: &Marks) -> ByClaims {
        by_claims(marks, &Policy::classic(), at(NOW))
    }

    #[test]
    fn a_live_claim_wins_over_everything() {
        let marks = Marks { live: true, near: true, failed: failed(Since::At(at(0))), ..Marks::default() };
        assert_eq!(judged(&marks), ByClaims::Keep(Keep::Claimed));
    }

    #[test]
    fn a_nearly_claimed_file_stays_although_a_session_failed() {
        let marks = Marks { near: true, failed: failed(Since::At(at(0))), ..Marks::default() };
        assert_eq!(judged(&marks), ByClaims::Keep(Keep::NearlyClaimed));
        // Two failed sessions with nearly one name do not keep each other's files for ever …
        let old = Some(Since::At(at(0)));
        let marks = Marks { near_failed: true, attached: old, near: false, ..marks };
        assert!(matches!(judged(&marks), ByClaims::Failed { .. }));
        // … but the one that failed last decides when they go.
        for recent in [Since::At(at(NOW)), Since::Unknown] {
            let marks = Marks { attached: Some(recent), ..marks.clone() };
            assert_eq!(judged(&marks), ByClaims::Keep(Keep::FailedRecently));
        }
    }

    #[test]
    fn failed_sessions_go_only_after_their_retention() {
        let at_age = |age| judged(&Marks { failed: failed(Since::At(at(NOW - age))), ..Marks::default() });
        assert!(matches!(at_age(WEEK + 1), ByClaims::Failed { .. }));
        assert_eq!(at_age(WEEK), ByClaims::Keep(Keep::FailedRecently));
        assert_eq!(at_age(-5), ByClaims::Keep(Keep::FailedRecently));
        let unknown = Marks { failed: failed(Since::Unknown), ..Marks::default() };
        assert_eq!(judged(&unknown), ByClaims::Keep(Keep::FailedRecently));
    }

    #[test]
    fn a_file_from_the_future_is_kept() {
        let time = |secs| crate::listing::FileTime { secs, nanos: 0 };
        let facts = |secs| FileFacts {
            dev: 1,
            ino: 1,
            size_bytes: 1,
            mtime: time(secs),
            ctime: time(secs),
            btime: None,
            links: 1,
        };
        let verdict = |secs| by_age(&facts(secs), &Policy::classic(), at(NOW));
        assert_eq!(verdict(NOW + 1), Verdict::Keep(Keep::TooYoung));
        assert_eq!(verdict(NOW - 86_400), Verdict::Keep(Keep::TooYoung));
        assert!(matches!(verdict(NOW - 86_401), Verdict::Remove(Reason::Orphan { .. })));
        assert_eq!(verdict(i64::MIN), Verdict::Keep(Keep::TooYoung), "a time no calendar knows is no age");
    }
}
