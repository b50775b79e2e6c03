//! Whether a database's own time zone is the one in which its times without a zone are read.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use upsweep_engine::zone;

use super::Check;
use super::database::Read;
use crate::config::Config;

/// A database writes its own local time where an application lets it fill one in.
pub(super) fn examine(config: &Config, reads: &[Read], checks: &mut Vec<Check>) {
    let set = &config.policy.db_timezone;
    for read in reads {
        if let Some(own) = &read.snapshot.time_zone {
            checks.push(compare(own, set, read.after));
        }
    }
}

fn compare(own: &str, set: &str, now: Timestamp) -> Check {
    const NAME: &str = "time zone";
    if is_same(own, set, now) {
        return Check::good(
            NAME,
            format!("the database's own zone is {own}, and times without a zone are read as {set}"),
        );
    }
    Check::note(
        NAME,
        format!(
            "the database's own zone is {own}, but times without a zone are read as {set}: right if the application writes them so, wrong if the database fills them in (now(), CURRENT_TIMESTAMP)"
        ),
    )
    .next("compare the time of a new row with the clock; if it is the database's, set UPSWEEP_DB_TIMEZONE to that zone")
}

/// Whether clocks in both zones show the same, now and in half a year.
fn is_same(own: &str, set: &str, now: Timestamp) -> bool {
    let offsets =
        |zone: &TimeZone| [now, now + SignedDuration::from_hours(24 * 182)].map(|at| zone.to_offset(at).seconds());
    // Servers without a zone of a name give a distance, or a word such as CEST, which nothing can be made of.
    let fixed = |text: &str| jiff::fmt::strtime::parse("%:z", text).ok().and_then(|time| time.offset());
    let zone = |text: &str| zone::find(text).ok().or_else(|| fixed(text).map(TimeZone::fixed));
    match (zone(own), zone(set)) {
        (Some(own), Some(set)) => offsets(&own) == offsets(&set),
        _ => own.eq_ignore_ascii_case(set),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn zones_are_the_same_when_their_clocks_are() {
        let now: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
        let status = |own, set| compare(own, set, now).status;
        for (own, set) in [
            ("UTC", "UTC"),
            ("Etc/UTC", "UTC"),
            ("GMT", "UTC"),
            ("+00:00", "UTC"),
            ("+02:00", "Etc/GMT-2"),
            ("Europe/Berlin", "Europe/Paris"),
        ] {
            assert_eq!(status(own, set), Status::Good, "{own} {set}");
        }
        for (own, set) in [
            ("Europe/Berlin", "UTC"),
            // The same in January, and not in July.
            ("Europe/London", "UTC"),
            ("+01:00", "Europe/Berlin"),
            ("CEST", "UTC"),
            ("CEST", "Europe/Berlin"),
        ] {
            assert_eq!(status(own, set), Status::Note, "{own} {set}");
        }
    }
}
