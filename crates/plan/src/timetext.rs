//! Points in time as databases write them.

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// 2001-09-09T01:46:40Z, the first second since 1970 with ten digits.
const EPOCH_NUMBERS_FROM: i128 = 1_000_000_000;

/// 2000-01-01T00:00:00Z: what is written as earlier is some program's way to say "never".
const WRITTEN_TIMES_FROM: Timestamp = Timestamp::constant(946_684_800, 0);

/// Reads a database's rendering of a point in time: ISO 8601 with `T` or a blank, with or without a
/// zone (none means `zone`), a bare date (its midnight there), or a whole number of seconds, milliseconds,
/// microseconds or nanoseconds since 1970 (told apart by size: up to 11, 14, 17 and 20 digits).
///
/// A number that would mean a moment before September 2001 is no known time: it is far more likely a
/// date written as a number, a count of days, or counted from another epoch. A written date before the year
/// 2000 is none either: `0001-01-01`, `1900-01-01` and `1970-01-01` are the zero dates of languages and
/// databases, and no recording is as old.
///
/// Where a local time comes twice, as in an autumn night, or never, as in one of spring, the later moment is
/// meant: younger is safer.
///
/// Returns `None` for anything else, `infinity` included: what has no known age is never old.
#[must_use]
pub fn parse_in(text: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(number) = text.parse::<i128>() {
        return from_epoch(number);
    }
    from_iso(text, zone).filter(|written| *written >= WRITTEN_TIMES_FROM)
}

/// The same for a database that keeps UTC.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Timestamp> {
    parse_in(text, &TimeZone::UTC)
}

/// Whether the text is a day without a time of day.
#[must_use]
pub fn is_bare_date(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| text.trim().parse::<jiff::civil::Date>().is_ok() && text.trim().len() <= 10)
}

fn from_iso(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    // PostgreSQL writes a zone as +00, which ISO 8601 allows; jiff reads it as it is.
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil = text.parse::<DateTime>().ok()?;
    // A zone that the zone-less parser skipped over must not be read as another.
    if text.contains(['[', 'Z', 'z']) || has_offset(text) {
        return None;
    }
    zone.to_ambiguous_timestamp(civil).later().ok()
}

/// Whether anything that looks like a numeric zone follows the time of day.
fn has_offset(text: &str) -> bool {
    text.get(10..).is_some_and(|tail| tail.contains(['+', '-']))
}

fn from_epoch(number: i128) -> Option<Timestamp> {
    let nanos_per_unit: i128 = match number.unsigned_abs() {
        0..=99_999_999_999 => 1_000_000_000,
        100_000_000_000..=99_999_999_999_999 => 1_000_000,
        100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
        _ => 1,
    };
    let nanos = number.checked_mul(nanos_per_unit)?;
    if nanos < EPOCH_NUMBERS_FROM * 1_000_000_000 {
        return None;
    }
    Timestamp::from_nanosecond(nanos).ok()
}

#[cfg(test)]
#[path = "timetext_tests.rs"]
mod tests;
