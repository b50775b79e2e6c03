use proptest::prelude::*;

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

/// Central Europe since 1996, New York since 2007 and Lord Howe, whose clocks move by half an hour: without a
/// database of zones.
const ZONES: [(&str, i64); 3] = [
    ("CET-1CEST,M3.5.0,M10.5.0/3", 3_600),
    ("EST5EDT,M3.2.0,M11.1.0", 3_600),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1_800),
];

fn zone(at: usize) -> TimeZone {
    TimeZone::posix(ZONES[at].0).unwrap()
}

#[test]
fn local_times_are_read_in_their_zone() {
    let berlin = zone(0);
    let read = |text: &str| parse_in(text.as_bytes(), &berlin).map(|t| t.to_string());
    for (local, moment) in [
        ("2026-01-15 12:00:00", "2026-01-15T11:00:00Z"),
        ("2026-07-15T12:00:00.5", "2026-07-15T10:00:00.5Z"),
        ("2026-07-15", "2026-07-14T22:00:00Z"),
        // What says more than a local time means what it says.
        ("2026-07-15 12:00:00+00", "2026-07-15T12:00:00Z"),
        ("2026-07-15T12:00:00Z", "2026-07-15T12:00:00Z"),
        ("1793536200", "2026-11-01T12:30:00Z"),
        // The hour that came twice, and the one that never was.
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59Z"),
        ("2026-10-25 02:30:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00Z"),
        ("2026-03-29 01:59:59", "2026-03-29T00:59:59Z"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
        ("2026-03-29 03:00:00", "2026-03-29T01:00:00Z"),
    ] {
        assert_eq!(read(local).as_deref(), Some(moment), "{local}");
    }
    assert_eq!(read("1970-01-01 00:00:00"), None, "a zero date is one in every zone");
    assert_eq!(read("2026-07-15 12:00:00[Europe/Paris]"), None);
}

proptest! {
    /// Whatever the clock on the wall showed, what is read is never before the moment it was written.
    #[test]
    fn what_is_read_is_never_before_what_was_meant(seconds in 1_000_000_000_i64..4_000_000_000, at in 0..ZONES.len()) {
        let (meant, zone) = (Timestamp::from_second(seconds).unwrap(), zone(at));
        let local = zone.to_datetime(meant);
        let read = parse_in(local.to_string().as_bytes(), &zone).unwrap();
        let late = read.as_second() - meant.as_second();
        prop_assert!(late == 0 || late == ZONES[at].1, "{local} was {meant}, is read as {read}");
        prop_assert_eq!(zone.to_datetime(read), local, "what is read shows the same on the wall");
    }

    /// In the nights when clocks move, the later of the two moments that a local time may mean is read.
    #[test]
    fn around_a_change_of_clocks_the_later_moment_is_read(
        year in 2010_i16..2100, change in 0_usize..2, minutes in -240_i64..240, at in 0..ZONES.len(),
    ) {
        let zone = zone(at);
        let start = zone.to_timestamp(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0)).unwrap();
        let change = zone.following(start).nth(change).unwrap();
        let before = zone.to_offset(change.timestamp() - jiff::SignedDuration::from_secs(1));
        let local = before.to_datetime(change.timestamp()) + jiff::SignedDuration::from_mins(minutes);
        let meant: Vec<Timestamp> = [before, change.offset()].map(|o| o.to_timestamp(local).unwrap()).to_vec();
        let possible: Vec<Timestamp> = meant.iter().copied().filter(|t| zone.to_datetime(*t) == local).collect();
        // Of a time that never was, neither reading shows the same on the wall.
        let latest = possible.iter().chain(if possible.is_empty() { &meant[..] } else { &[] }).max().unwrap();
        prop_assert_eq!(parse_in(local.to_string().as_bytes(), &zone).unwrap(), *latest, "{}", local);
    }
}
