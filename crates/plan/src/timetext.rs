//! Points in time as databases write them.

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// 2001-09-09T01:46:40Z, the first second since 1970 with ten digits.
const EPOCH_NUMBERS_FROM: i128 = 1_000_000_000;

/// 2000-01-01T00:00:00Z: what is written as earlier is some program's way to say "never".
const WRITTEN_TIMES_FROM: Timestamp = Timestamp::constant(946_684_800, 0);

/// Reads a database's rendering of a point in time: ISO 8601 with `T` or a blank, with or without a
/// zone (none means UTC), a bare date (its midnight, UTC), or a whole number of seconds, milliseconds,
/// microseconds or nanoseconds since 1970 (told apart by size: up to 11, 14, 17 and 20 digits).
///
/// A number that would mean a moment before September 2001 is no known time: it is far more likely a
/// date written as a number, a count of days, or counted from another epoch. A written date before the year
/// 2000 is none either: `0001-01-01`, `1900-01-01` and `1970-01-01` are the zero dates of languages and
/// databases, and no recording is as old.
///
/// Returns `None` for anything else, `infinity` included: what has no known age is never old.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(number) = text.parse::<i128>() {
        return from_epoch(number);
    }
    from_iso(text).filter(|written| *written >= WRITTEN_TIMES_FROM)
}

fn from_iso(text: &str) -> Option<Timestamp> {
    // PostgreSQL writes a zone as +00, which ISO 8601 allows; jiff reads it as it is.
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil = text.parse::<DateTime>().ok()?;
    // A zone that the zone-less parser skipped over must not be read as UTC.
    if text.contains(['[', 'Z', 'z']) || has_offset(text) {
        return None;
    }
    TimeZone::UTC.to_timestamp(civil).ok()
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
mod tests {
    use super::*;

    #[test]
    fn databases_spell_one_moment_in_many_ways() {
        let moment: Timestamp = "2026-11-01T12:30:00Z".parse().unwrap();
        for text in [
            "2026-11-01 12:30:00",
            "2026-11-01T12:30:00",
            "2026-11-01 12:30:00.000000",
            "2026-11-01 12:30:00+00",
            "2026-11-01 12:30:00+00:00",
            "2026-11-01 14:30:00+02",
            "2026-11-01 07:00:00-05:30",
            "2026-11-01T12:30:00Z",
            "1793536200",
            "1793536200000",
            "1793536200000000",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(moment), "{text}");
        }
        assert_eq!(parse(b"2026-11-01"), Some("2026-11-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn numbers_of_another_kind_are_not_long_ago() {
        for (kind, number) in [
            ("nothing", "0"),
            ("before the epoch", "-1793536200"),
            ("a date", "20261101"),
            ("a date and a time of day", "202611011230"),
            ("a Julian day", "2461346"),
            ("days since 1970", "20758"),
            ("seconds since 2001", "815228999"),
            ("ticks since the year 1", "639291330000000000"),
            ("ticks since 1601", "134380098000000000"),
        ] {
            assert_eq!(parse(number.as_bytes()), None, "{kind}: {number}");
        }
        assert!(parse(b"1000000000").is_some() && parse(b"1000000000000").is_some());
    }

    #[test]
    fn zero_dates_are_not_long_ago() {
        for text in [
            "0001-01-01",
            "0001-01-01T00:00:00Z",
            "1601-01-01 00:00:00",
            "1899-12-30",
            "1900-01-01",
            "1970-01-01 00:00:00",
            "1970-01-01 01:00:00+01",
            "1999-12-31 23:59:59.999999999",
            "2000-01-01 00:00:00+00:01",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        for text in ["2000-01-01", "1999-12-31 23:59:00-00:01"] {
            assert_eq!(parse(text.as_bytes()), Some(WRITTEN_TIMES_FROM), "{text}");
        }
    }

    #[test]
    fn doubt_is_not_a_time() {
        for text in ["", "infinity", "-infinity", "yesterday", "0000-00-00 00:00:00", "2026-13-01", "12:30", "1e9"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
