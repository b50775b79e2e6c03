//! The timetable: when the service cleans up by itself. Values only: nothing here waits or reads a clock.
//!
//! An expression that names hours keeps to them. On the night that skips such a time, it comes at the first moment
//! after the gap; on the night that repeats it, the first of the two counts. An expression for every hour means
//! "again and again": it comes in both of two repeated hours, and not in one that does not exist.

use anyhow::Context;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron::Expression;
use crate::config::{Missed, TimeTable};

/// When the service cleans up by itself.
#[derive(Clone, Debug)]
pub(crate) struct Timetable {
    expression: Option<Expression>,
    zone: TimeZone,
    missed: Missed,
}

/// What is to be done about the timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing, ever.
    Never,
    /// Nothing, before this time.
    Wait { until: Timestamp },
    /// A clean-up, for this time. So many earlier ones are not made up for.
    Run { slot: Timestamp, passed: u32 },
    /// Nothing: so many times, of which `newest` is the last, came while nobody looked, and are passed over.
    Pass { newest: Timestamp, count: u32 },
}

/// A time counts as kept when it is noticed at most this much later: the loop sleeps in slices, a host may be slow.
pub(crate) const ON_TIME: SignedDuration = SignedDuration::from_mins(5);

/// Missed times are counted up to here: a number for people.
pub(crate) const COUNT_MAX: u32 = 1_000;

impl Timetable {
    /// `host` is the zone that counts where the settings name none.
    ///
    /// # Errors
    /// When the expression or the zone makes no sense, in words for a human.
    pub(crate) fn new(table: &TimeTable, host: TimeZone) -> anyhow::Result<Self> {
        let TimeTable { cron, hour: _, zone, missed } = table;
        let parsed = cron.as_deref().map(Expression::parse).transpose();
        let expression = parsed
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("schedule = '{}'", cron.as_deref().unwrap_or_default()))?;
        let named = zone.as_deref().map(upsweep_engine::zone::find).transpose();
        let zone = named.map_err(anyhow::Error::msg).context("timezone")?.unwrap_or(host);
        Ok(Self { expression, zone, missed: *missed })
    }

    /// A time in that zone, for people.
    pub(crate) fn spelled(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%Y-%m-%d at %H:%M").to_string()
    }

    /// The name of the zone it is read in, for people.
    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("the host's own zone")
    }

    /// The first time after `now`; `None` when there is none.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let expression = self.expression.as_ref()?;
        if expression.is_for_every_hour() {
            next_running_on(expression, &self.zone, now)
        } else {
            next_named(expression, &self.zone, now)
        }
    }

    /// What is to be done at `now`, when every time up to `done` has been dealt with.
    pub(crate) fn due(&self, done: Timestamp, now: Timestamp) -> Due {
        let Some(first) = self.next_after(done) else { return Due::Never };
        if first > now {
            return Due::Wait { until: first };
        }
        let (newest, count) = self.newest(first, now);
        let is_on_time = now.duration_since(newest) <= ON_TIME;
        match self.missed {
            Missed::Skip if !is_on_time => Due::Pass { newest, count },
            Missed::Skip | Missed::Once => Due::Run { slot: newest, passed: count - 1 },
        }
    }

    /// The times after `done` and up to `now`: the newest of them, and how many there are.
    pub(crate) fn passed(&self, done: Timestamp, now: Timestamp) -> Option<(Timestamp, u32)> {
        let first = self.next_after(done)?;
        (first <= now).then(|| self.newest(first, now))
    }

    /// The newest time up to `now`, given an earlier one; and how many they are.
    fn newest(&self, first: Timestamp, now: Timestamp) -> (Timestamp, u32) {
        let (mut newest, mut count) = (first, 1);
        while count < COUNT_MAX {
            match self.next_after(newest) {
                Some(next) if next <= now => (newest, count) = (next, count + 1),
                _ => return (newest, count),
            }
        }
        // After a long time away only the last ones are looked at.
        for back_hours in [1, 24, 24 * 40] {
            let from = now.checked_sub(SignedDuration::from_hours(back_hours)).unwrap_or(newest).max(newest);
            let mut found = None;
            while let Some(next) = self.next_after(found.unwrap_or(from)).filter(|next| *next <= now) {
                found = Some(next);
            }
            if let Some(found) = found {
                return (found, count);
            }
        }
        (newest, count)
    }
}

/// The zone of this host; UTC, with a warning, where it cannot be told.
pub(crate) fn host_zone() -> TimeZone {
    TimeZone::try_system().unwrap_or_else(|error| {
        tracing::warn!(%error, "this host's time zone cannot be told, so the schedule is read as UTC; timezone names one");
        TimeZone::UTC
    })
}

/// Several times on the wall may be one moment (after a gap), or one that is over (in a repeated hour); at most as many
/// as there are minutes in the day that a zone once left out.
const SAME_MOMENT_MAX: usize = 2 * 24 * 60;

fn next_named(expression: &Expression, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let mut wall = zone.to_datetime(now);
    for _ in 0..SAME_MOMENT_MAX {
        wall = expression.next(wall, false)?;
        let at = moment(zone, wall)?;
        if at > now {
            return Some(at);
        }
    }
    None
}

/// The moment at which a clock on the wall shows this for the first time, or is past it.
fn moment(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, a time in the gap lies before it.
            let before_gap = after.to_timestamp(wall).ok()?;
            zone.following(before_gap).next().map(|change| change.timestamp())
        }
    }
}

/// No expression that has a time at all leaves out so many changes of the clocks: a 29th of February comes within
/// eight years, and few zones change more than four times in one.
const CHANGES_MAX: usize = 64;

fn next_running_on(expression: &Expression, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let (mut from, mut from_it_on) = (now, false);
    for _ in 0..CHANGES_MAX {
        // Up to the next change of the clocks, the wall and the time go together.
        let offset = zone.to_offset(from);
        let change = zone.following(from).next().map(|change| change.timestamp());
        let wall = expression.next(offset.to_datetime(from), from_it_on)?;
        let at = offset.to_timestamp(wall).ok()?;
        match change {
            Some(change) if at >= change => (from, from_it_on) = (change, true),
            _ => return Some(at),
        }
    }
    None
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
