//! Buckets of days, weeks or months, as clocks on the wall count them: pure functions.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use upsweep_engine::ports::{self, RunRecord};
use utoipa::ToSchema;

use super::text::Time;
use super::view::Amount;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BucketOf {
    #[default]
    Day,
    Week,
    Month,
}

impl BucketOf {
    /// The first day of the bucket that holds this one.
    fn first_day(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub(Span::new().days(i64::from(day.weekday().to_monday_zero_offset()))).ok(),
            Self::Month => Some(day.first_of_month()),
        }
    }

    /// So many buckets later, or earlier.
    fn step(self, day: Date, buckets: i64) -> Option<Date> {
        let span = match self {
            Self::Day => Span::new().days(buckets),
            Self::Week => Span::new().weeks(buckets),
            Self::Month => Span::new().months(buckets),
        };
        day.checked_add(span).ok()
    }
}

/// What the runs of one bucket did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Bucket {
    pub(super) from: Time,
    /// Where the next one begins.
    pub(super) until: Time,
    /// Runs that began in it.
    pub(super) runs: u64,
    pub(super) hidden: Amount,
    pub(super) purged: Amount,
    pub(super) restored: Amount,
    /// Single files that failed.
    pub(super) errors: u64,
    /// Runs that guards refused.
    pub(super) refusals: u64,
    /// Runs that stopped early.
    pub(super) failures: u64,
}

/// Empty buckets, the oldest first.
pub(super) struct Frame {
    pub(super) buckets: Vec<Bucket>,
    pub(super) is_truncated: bool,
}

/// At most so many buckets; of more the newest stay.
pub(super) const BUCKETS_MAX: i64 = 400;

/// So many, where nobody says from when.
const BUCKETS_USUAL: i64 = 30;

/// The buckets from the one that holds `from` to the one before `until`. Times that no calendar knows give none.
pub(super) fn frame(from: Option<Timestamp>, until: Timestamp, of: BucketOf, zone: &TimeZone) -> Frame {
    let none = Frame { buckets: vec![], is_truncated: false };
    if from.is_some_and(|from| from >= until) {
        return none;
    }
    // The last moment that counts: what ends at midnight does not touch the next day.
    let last = until.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(until);
    let day_of = |at: Timestamp| of.first_day(zone.to_datetime(at).date());
    let Some(last) = day_of(last) else { return none };
    let oldest = of.step(last, 1 - BUCKETS_MAX);
    let wanted = match from {
        Some(from) => day_of(from),
        None => of.step(last, 1 - BUCKETS_USUAL),
    };
    let first = wanted.max(oldest);
    let is_truncated = from.is_some() && wanted < first;
    let mut buckets = Vec::new();
    let mut day = first.or(wanted);
    while let Some(begins) = day.filter(|day| *day <= last) {
        let next = of.step(begins, 1);
        let midnight = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        if let (Some(from), Some(until)) = (midnight(begins), next.and_then(midnight)) {
            buckets.push(empty(from, until));
        }
        day = next;
    }
    Frame { buckets, is_truncated }
}

fn empty(from: Timestamp, until: Timestamp) -> Bucket {
    Bucket {
        from: Time(from),
        until: Time(until),
        runs: 0,
        hidden: Amount::default(),
        purged: Amount::default(),
        restored: Amount::default(),
        errors: 0,
        refusals: 0,
        failures: 0,
    }
}

/// Counts a run in the bucket in which it began, if there is one.
pub(super) fn add(buckets: &mut [Bucket], run: &RunRecord) {
    let after = buckets.partition_point(|bucket| bucket.from.0 <= run.started_at);
    let Some(bucket) = after.checked_sub(1).and_then(|at| buckets.get_mut(at)) else { return };
    if run.started_at >= bucket.until.0 {
        return;
    }
    bucket.runs += 1;
    let Some(outcome) = &run.outcome else { return };
    let add = |sum: &mut Amount, more: ports::Amount| {
        sum.files = sum.files.saturating_add(more.files);
        sum.bytes = sum.bytes.saturating_add(more.bytes);
    };
    add(&mut bucket.hidden, outcome.hidden);
    add(&mut bucket.purged, outcome.purged);
    add(&mut bucket.restored, outcome.restored);
    bucket.errors = bucket.errors.saturating_add(outcome.errors);
    bucket.refusals += u64::from(!outcome.refused.is_empty());
    bucket.failures += u64::from(outcome.failure.is_some());
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
