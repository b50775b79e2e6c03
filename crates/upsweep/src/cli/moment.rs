//! Points in time as people type them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::exit::UsageError;

/// A time to come: `30d`, `12h` or `2w` from now, a day (which counts to its end), or an exact time.
pub(super) fn coming(option: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, UsageError> {
    let at = match span(text) {
        Some(span) => now.checked_add(span).ok(),
        None => day(text).map_or_else(|| exact(text), |day| midnight(day.tomorrow().ok()?, zone)),
    };
    match at {
        Some(at) if at > now => Ok(at),
        Some(at) => Err(UsageError(format!("{option} {text}: that is over since {}", crate::render::time(at)))),
        None => {
            Err(UsageError(format!("{option} {text}: write it as 30d, 12h, 2w, 2026-12-31 or 2026-12-31T12:00:00Z")))
        }
    }
}

/// A time that may be past: `30d`, `12h` or `2w` ago, a day (which counts from its beginning), or an exact time.
pub(crate) fn past(option: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, UsageError> {
    let at = match span(text) {
        Some(span) => now.checked_sub(span).ok(),
        None => day(text).map_or_else(|| exact(text), |day| midnight(day, zone)),
    };
    at.ok_or_else(|| {
        let forms = "30d (ago), 12h, 2w, 2026-12-31 or 2026-12-31T12:00:00Z";
        UsageError(format!("{option} {text}: write it as {forms}"))
    })
}

fn span(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let number = number.parse::<u32>().ok()?;
    Some(SignedDuration::from_hours(i64::from(number) * hours))
}

/// A day and nothing else: a time of day must not be cut off unnoticed.
fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

fn exact(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_to_come() {
        let now = at("2026-11-10T12:00:00Z");
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let coming = |text: &str| coming("--until", text, now, &zone);
        assert_eq!(coming("12h").unwrap(), at("2026-11-11T00:00:00Z"));
        assert_eq!(coming("30d").unwrap(), at("2026-12-10T12:00:00Z"));
        assert_eq!(coming("2w").unwrap(), at("2026-11-24T12:00:00Z"));
        assert_eq!(coming("2026-11-30").unwrap(), at("2026-12-01T05:00:00Z"), "the whole day, here");
        assert_eq!(coming("2026-11-10").unwrap(), at("2026-11-11T05:00:00Z"), "today");
        assert_eq!(coming("2026-11-10T12:00:01Z").unwrap(), at("2026-11-10T12:00:01Z"));
        for text in ["0d", "2026-11-09", "2026-11-10T12:00:00Z"] {
            assert!(coming(text).unwrap_err().to_string().contains("over since"), "{text}");
        }
        let far = "4294967295w";
        for text in ["", "d", "-3d", "3", "3m", "3.5d", "tomorrow", "2026-13-01", "2026-11-30T12:00", "ü", far] {
            assert!(coming(text).unwrap_err().to_string().contains("write it as"), "{text}");
        }
    }

    #[test]
    fn times_past() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now = at("2026-11-10T12:00:00Z");
        let past = |text: &str| past("--since", text, now, &zone);
        assert_eq!(past("2026-11-10").unwrap(), at("2026-11-09T22:00:00Z"), "from its beginning, here");
        assert_eq!(past("2026-11-10T12:00:00+01:00").unwrap(), at("2026-11-10T11:00:00Z"));
        assert_eq!(past("36h").unwrap(), at("2026-11-09T00:00:00Z"));
        for text in ["", "yesterday", "-3d", "3", "2026-13-01", "4294967295w"] {
            assert!(past(text).unwrap_err().to_string().contains("write it as"), "{text}");
        }
    }
}
