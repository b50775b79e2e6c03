//! What claims are worth, alone and together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::Policy;

/// What one claim is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// The file is needed.
    Live,
    /// Its session failed at `since`; `None` when the row does not say, which is never old enough.
    Failed {
        /// Start of the retention.
        since: Option<Timestamp>,
    },
    /// The file is needed until `at`; `None` when the row does not say, which is never over.
    Expires {
        /// When nobody needs it any more.
        at: Option<Timestamp>,
    },
}

/// A moment that a row may not tell; an unknown one is later than any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The row says when.
    At(Timestamp),
    /// The row does not say.
    Unknown,
}

impl From<Option<Timestamp>> for Moment {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Unknown, Self::At)
    }
}

impl Moment {
    /// The time, if it is known.
    #[must_use]
    pub fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Unknown => None,
        }
    }

    fn is_older(self, secs: u64, now: Timestamp) -> bool {
        self.known().is_some_and(|at| is_older(at, secs, now))
    }
}

/// When the claims of several rows end: of each kind the latest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ends {
    /// The latest failure.
    pub failed: Option<Moment>,
    /// The latest expiry.
    pub expires: Option<Moment>,
}

impl Ends {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { failed: self.failed.max(other.failed), expires: self.expires.max(other.expires) }
    }

    /// Whether all of them are over: failed longer ago than the retention, and expired.
    #[must_use]
    pub fn are_over(&self, policy: &Policy, now: Timestamp) -> bool {
        self.failure_is_over(policy, now) && self.expires.is_none_or(|at| at.is_older(0, now))
    }

    /// Whether the failures among them are over.
    #[must_use]
    pub fn failure_is_over(&self, policy: &Policy, now: Timestamp) -> bool {
        self.failed.is_none_or(|since| since.is_older(policy.failed_retention_secs, now))
    }
}

/// What all claims that reach a file in one way are worth together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Worth {
    /// One of them is live.
    pub live: bool,
    /// A row among them is held.
    pub held: bool,
    /// When the others end; `None` when there are no others.
    pub ends: Option<Ends>,
}

impl Worth {
    /// A single claim's.
    #[must_use]
    pub fn of(standing: Standing, held: bool) -> Self {
        let ends = match standing {
            Standing::Live => return Self { live: true, held, ends: None },
            Standing::Failed { since } => Ends { failed: Some(since.into()), expires: None },
            Standing::Expires { at } => Ends { failed: None, expires: Some(at.into()) },
        };
        Self { live: false, held, ends: Some(ends) }
    }

    /// Both together: whatever one protects is protected.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let ends = match (self.ends, other.ends) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        Self { live: self.live || other.live, held: self.held || other.held, ends }
    }
}

/// Whether more than `secs` have passed between `then` and `now`; never for a future `then`.
#[must_use]
pub fn is_older(then: Timestamp, secs: u64, now: Timestamp) -> bool {
    let age_nanos = now.as_nanosecond() - then.as_nanosecond();
    age_nanos > i128::from(secs) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    const NOW: i64 = 1_800_000_000;
    const WEEK: i64 = 7 * 86_400;

    fn over(standings: &[Standing]) -> bool {
        let worth = standings.iter().map(|s| Worth::of(*s, false)).fold(Worth::default(), Worth::and);
        worth.ends.unwrap().are_over(&Policy::classic(), at(NOW))
    }

    #[test]
    fn the_latest_end_of_each_kind_counts_and_an_unknown_one_never_comes() {
        let failed = |secs: i64| Standing::Failed { since: Some(at(secs)) };
        let expires = |secs: i64| Standing::Expires { at: Some(at(secs)) };
        assert!(over(&[failed(NOW - WEEK - 1)]));
        assert!(!over(&[failed(NOW - WEEK)]));
        assert!(over(&[expires(NOW - 1)]));
        assert!(!over(&[expires(NOW)]));
        assert!(!over(&[failed(NOW - WEEK - 1), expires(NOW + 1)]));
        assert!(!over(&[failed(NOW - WEEK - 1), failed(NOW)]));
        assert!(!over(&[expires(NOW - 1), Standing::Expires { at: None }]));
        assert!(!over(&[Standing::Failed { since: None }]));
        assert!(over(&[failed(NOW - WEEK - 1), expires(NOW - 1)]));
    }

    #[test]
    fn together_claims_protect_what_one_of_them_protects() {
        let failed = Worth::of(Standing::Failed { since: Some(at(0)) }, false);
        let both = failed.and(Worth::of(Standing::Live, true));
        assert_eq!(both, Worth { live: true, held: true, ends: failed.ends });
    }
}
