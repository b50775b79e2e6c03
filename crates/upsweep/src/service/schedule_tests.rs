use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn timetable(cron: &str, zone: &str) -> Timetable {
    with(cron, zone, Missed::Skip)
}

fn with(cron: &str, zone: &str, missed: Missed) -> Timetable {
    let table = TimeTable { cron: Some(cron.to_owned()), zone: Some(zone.to_owned()), missed, ..TimeTable::default() };
    Timetable::new(&table, TimeZone::UTC).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The times after `from` and before `until`, as UTC.
fn times(table: &Timetable, from: &str, until: &str) -> Vec<String> {
    let first = table.next_after(at(from));
    let all = std::iter::successors(first, |last| table.next_after(*last));
    all.take_while(|time| *time < at(until)).map(|time| time.to_string()).collect()
}

#[test]
fn a_time_that_the_night_skips_comes_once_at_the_end_of_the_gap() {
    // In Berlin 2026-03-29 has no time from 02:00 to 03:00, and 03:00 is 01:00 UTC.
    let table = timetable("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        times(&table, "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    let several = timetable("*/10 2,14 * * *", "Europe/Berlin");
    let night = times(&several, "2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z");
    assert_eq!(night, ["2026-03-29T01:00:00Z"], "of several skipped times one is made up for");
}

#[test]
fn a_time_that_the_night_repeats_comes_once() {
    // In Berlin 2026-10-25 has the time from 02:00 to 03:00 twice.
    let table = timetable("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        times(&table, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    assert_eq!(table.next_after(at("2026-10-25T01:10:00Z")), Some(at("2026-10-26T01:30:00Z")), "in the second pass");
}

#[test]
fn what_comes_every_quarter_comes_through_both_nights() {
    let table = timetable("*/15 * * * *", "Europe/Berlin");
    for night in ["2026-03-29T00", "2026-10-25T00"] {
        let found = times(&table, &format!("{night}:00:00Z"), &night.replace("T00", "T04:00:00Z"));
        assert_eq!(found.len(), 15, "{night}: {found:?}");
    }
}

#[test]
fn without_an_expression_nothing_is_ever_due() {
    let table = Timetable::new(&TimeTable::default(), TimeZone::UTC).unwrap();
    assert_eq!(table.next_after(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(table.due(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")), Due::Never);
}

#[test]
fn the_hosts_zone_counts_where_none_is_named() {
    let table = TimeTable { cron: Some("0 3 * * *".to_owned()), ..TimeTable::default() };
    let table = Timetable::new(&table, TimeZone::get("Asia/Kolkata").unwrap()).unwrap();
    assert_eq!(table.next_after(at("2026-01-01T00:00:00Z")), Some(at("2026-01-01T21:30:00Z")));
    assert_eq!(table.zone_name(), "Asia/Kolkata");
}

#[test]
fn a_mistaken_expression_is_told_with_its_setting() {
    let table = TimeTable { cron: Some("0 33 * * *".to_owned()), ..TimeTable::default() };
    let said = format!("{:#}", Timetable::new(&table, TimeZone::UTC).unwrap_err());
    assert!(said.contains("schedule = '0 33 * * *'") && said.contains("hour '33'"), "{said}");
}

#[test]
fn what_is_due_is_decided_as_a_value() {
    let (skip, once) = (with("0 3 * * *", "UTC", Missed::Skip), with("0 3 * * *", "UTC", Missed::Once));
    let done = at("2026-07-01T03:00:00Z");
    for table in [&skip, &once] {
        let wait = Due::Wait { until: at("2026-07-02T03:00:00Z") };
        assert_eq!(table.due(done, at("2026-07-01T03:00:00Z")), wait);
        assert_eq!(table.due(done, at("2026-07-02T02:59:59Z")), wait);
        assert_eq!(table.due(done, at("2026-06-01T00:00:00Z")), wait, "the clock was set back");
        let run = Due::Run { slot: at("2026-07-02T03:00:00Z"), passed: 0 };
        assert_eq!(table.due(done, at("2026-07-02T03:00:00Z")), run);
        assert_eq!(table.due(done, at("2026-07-02T03:05:00Z")), run);
        let with_older = Due::Run { slot: at("2026-07-04T03:00:00Z"), passed: 2 };
        assert_eq!(table.due(done, at("2026-07-04T03:01:00Z")), with_older);
    }
    let late = at("2026-07-04T03:05:01Z");
    assert_eq!(skip.due(done, late), Due::Pass { newest: at("2026-07-04T03:00:00Z"), count: 3 });
    assert_eq!(once.due(done, late), Due::Run { slot: at("2026-07-04T03:00:00Z"), passed: 2 });
}

#[test]
fn years_away_cost_little_and_the_newest_time_is_still_found() {
    for (cron, newest) in [
        ("* * * * *", "2036-07-04T03:17:00Z"),
        ("0 * * * *", "2036-07-04T03:00:00Z"),
        ("0 3 * * *", "2036-07-04T03:00:00Z"),
        ("0 3 1 * *", "2036-07-01T03:00:00Z"),
    ] {
        let table = timetable(cron, "UTC");
        let found = table.passed(at("2026-07-01T03:00:00Z"), at("2036-07-04T03:17:30Z"));
        let (slot, count) = found.unwrap();
        assert_eq!((slot, count > 100), (at(newest), true), "{cron}: {count}");
    }
}

/// Zones that change their clocks: by an hour and by half of one, at midnight, in the north and in the south.
const ZONES: [&str; 13] = [
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
];

const PATTERNS: [&str; 9] = [
    "0 3 * * *",
    "30 2 * * *",
    "15 0 * * *",
    "0 0 * * *",
    "59 23 * * *",
    "*/15 * * * *",
    "7 * * * *",
    "*/20 1-3 * * *",
    "0 */2 * * 1,4",
];

/// One field of an expression, read as plainly as can be.
fn holds(field: &str, value: i8) -> bool {
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
        match range.split_once('-') {
            _ if range == "*" => value % step == 0,
            Some((low, high)) => (low.parse().unwrap()..=high.parse().unwrap()).contains(&value),
            None => range.parse() == Ok(value),
        }
    })
}

fn names(cron: &str, wall: DateTime) -> bool {
    let fields: Vec<&str> = cron.split(' ').collect();
    holds(fields[0], wall.minute())
        && holds(fields[1], wall.hour())
        && holds(fields[4], wall.weekday().to_sunday_zero_offset())
}

/// The times from `from` on, found by walking through them minute by minute with an eye on the wall clock.
fn walked(cron: &str, zone: &TimeZone, from: Timestamp, days: i64) -> Vec<Timestamp> {
    let is_every_hour = cron.split(' ').nth(1) == Some("*");
    let minute = SignedDuration::from_mins(1);
    let mut found = Vec::new();
    // The latest that the wall clock ever showed. It begins early enough to know of a repeated hour.
    let mut latest = zone.to_datetime(from - SignedDuration::from_hours(6));
    for step in -6 * 60 + 1..days * 24 * 60 {
        let now = from + minute * i32::try_from(step).unwrap();
        let wall = zone.to_datetime(now);
        let is_due = if is_every_hour {
            names(cron, wall)
        } else {
            let shown = std::iter::successors(Some(latest + minute), |shown| Some(*shown + minute));
            shown.take_while(|shown| *shown <= wall).any(|shown| names(cron, shown))
        };
        latest = latest.max(wall);
        if is_due && step > 0 {
            found.push(now);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_timetable_is_what_a_look_at_the_clock_every_minute_finds(
        zone in select(&ZONES[..]), cron in select(&PATTERNS[..]), year in 1995_i16..2040, nth in 0_usize..3,
    ) {
        // Around a change of the clocks, if the zone has one in that year or later.
        let tz = TimeZone::get(zone).unwrap();
        let new_year = TimeZone::UTC.to_timestamp(date(year, 1, 1).at(0, 0, 0, 0)).unwrap();
        let change = tz.following(new_year).nth(nth).map_or(new_year, |change| change.timestamp());
        // (Some zones' data has a last entry in 2038 that changes nothing, and that at an odd second.)
        let from = change - SignedDuration::from_hours(50) - SignedDuration::from_secs(change.as_second() % 60);
        let table = timetable(cron, zone);
        let walked = walked(cron, &tz, from, 5);
        let end = from + SignedDuration::from_hours(5 * 24);
        let found: Vec<Timestamp> = std::iter::successors(table.next_after(from), |last| table.next_after(*last))
            .take_while(|time| *time < end)
            .collect();
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        prop_assert_eq!(found, walked, "{} {} {}", zone, cron, from);
    }

    #[test]
    fn a_daily_time_comes_on_every_day_and_on_none_twice(
        zone in select(&ZONES[..]), hour in 0_i8..24, minute in 0_i8..60, year in 1995_i16..2040,
    ) {
        let table = timetable(&format!("{minute} {hour} * * *"), zone);
        let tz = TimeZone::get(zone).unwrap();
        let mut time = tz.to_timestamp(date(year, 1, 1).at(12, 0, 0, 0)).unwrap();
        let mut day = tz.to_datetime(time).date();
        // From noon to noon: what is left of the first day may or may not have it.
        if tz.to_datetime(table.next_after(time).unwrap()).date() == day {
            time = table.next_after(time).unwrap();
        }
        for _ in 0..370 {
            let next = table.next_after(time).unwrap();
            prop_assert!(next > time);
            day = day.tomorrow().unwrap();
            prop_assert_eq!(tz.to_datetime(next).date(), day, "{} {}:{}", zone, hour, minute);
            time = next;
        }
    }
}

#[test]
fn a_gap_that_ends_the_day_leaves_no_time_out() {
    // In Nuuk 2026-03-28 ends at 23:00, so the next day begins an hour early: the time of that day comes at its end.
    let table = timetable("30 23 * * *", "America/Nuuk");
    assert_eq!(
        times(&table, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
}
