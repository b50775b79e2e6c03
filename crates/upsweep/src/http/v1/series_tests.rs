use upsweep_engine::ports::{RunKind, RunOutcome};
use upsweep_plan::guard::Code;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> TimeZone {
    upsweep_engine::zone::find("Europe/Berlin").unwrap()
}

fn begins(from: &str, until: &str, of: BucketOf, zone: &TimeZone) -> Vec<String> {
    let frame = frame(Some(at(from)), at(until), of, zone);
    frame.buckets.iter().map(|bucket| bucket.from.0.to_string()).collect()
}

fn run(started_at: &str, outcome: Option<RunOutcome>) -> RunRecord {
    let (id, by) = ("a-run".to_owned(), "anna".to_owned());
    let started_at = at(started_at);
    RunRecord { id, kind: RunKind::Run, started_at, ended_at: None, by, approval: None, outcome }
}

#[test]
fn days_begin_at_midnight_of_the_zone_also_where_clocks_change() {
    assert_eq!(
        begins("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", BucketOf::Day, &berlin()),
        ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
        "a day of 23 hours"
    );
    assert_eq!(
        begins("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", BucketOf::Day, &berlin()),
        ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
        "a day of 25 hours"
    );
}

#[test]
fn a_day_without_midnight_begins_when_its_clocks_do() {
    let beirut = upsweep_engine::zone::find("Asia/Beirut").unwrap();
    let days = begins("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", BucketOf::Day, &beirut);
    assert_eq!(days, ["2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"]);
}

#[test]
fn weeks_begin_on_mondays_and_months_on_their_first_day() {
    assert_eq!(
        begins("2026-11-11T00:00:00Z", "2026-11-17T00:00:00Z", BucketOf::Week, &TimeZone::UTC),
        ["2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"]
    );
    assert_eq!(
        begins("2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z", BucketOf::Month, &TimeZone::UTC),
        ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        "what ends at midnight does not touch the next month"
    );
}

#[test]
fn there_are_never_more_buckets_than_fit_and_then_the_newest() {
    let frame = frame(Some(Timestamp::MIN), at("2026-11-11T12:00:00Z"), BucketOf::Day, &TimeZone::UTC);
    assert!(frame.is_truncated);
    assert_eq!(frame.buckets.len(), 400);
    assert_eq!(frame.buckets[399].from.0, at("2026-11-11T00:00:00Z"));
    for of in [BucketOf::Day, BucketOf::Week, BucketOf::Month] {
        for zone in [TimeZone::UTC, berlin()] {
            for (from, until) in [(Timestamp::MIN, Timestamp::MAX), (Timestamp::MAX, Timestamp::MIN)] {
                assert!(super::frame(Some(from), until, of, &zone).buckets.len() <= 400);
            }
            assert!(super::frame(None, Timestamp::MAX, of, &zone).buckets.len() <= 30);
            assert!(super::frame(None, Timestamp::MIN, of, &zone).buckets.len() <= 30);
        }
    }
}

#[test]
fn without_a_beginning_there_are_thirty_buckets_and_without_a_span_none() {
    let thirty = frame(None, at("2026-11-11T12:00:00Z"), BucketOf::Day, &TimeZone::UTC);
    assert_eq!((thirty.buckets.len(), thirty.is_truncated), (30, false));
    let now = at("2026-11-11T12:00:00Z");
    assert!(frame(Some(now), now, BucketOf::Day, &TimeZone::UTC).buckets.is_empty());
}

#[test]
fn each_run_counts_once_where_it_began_and_empty_buckets_stay() {
    let mut buckets =
        frame(Some(at("2026-11-01T00:00:00Z")), at("2026-11-04T00:00:00Z"), BucketOf::Day, &TimeZone::UTC).buckets;
    let amount = |files| ports::Amount { files, bytes: files * 10 };
    let done =
        RunOutcome { hidden: amount(3), purged: amount(2), restored: amount(1), errors: 4, ..RunOutcome::default() };
    let refused =
        RunOutcome { refused: vec![Code::G001, Code::G003], failure: Some("no disk".into()), ..RunOutcome::default() };
    for run in [
        run("2026-10-31T23:59:59Z", Some(done.clone())),
        run("2026-11-01T00:00:00Z", Some(done.clone())),
        run("2026-11-01T23:59:59Z", Some(done.clone())),
        run("2026-11-03T12:00:00Z", Some(refused)),
        run("2026-11-03T13:00:00Z", None),
        run("2026-11-04T00:00:00Z", Some(done)),
    ] {
        add(&mut buckets, &run);
    }
    let sums: Vec<_> =
        buckets.iter().map(|b| (b.runs, b.hidden.files, b.purged.bytes, b.restored.files, b.errors)).collect();
    assert_eq!(sums, [(2, 6, 40, 2, 8), (0, 0, 0, 0, 0), (2, 0, 0, 0, 0)]);
    assert_eq!((buckets[2].refusals, buckets[2].failures), (1, 1));
}
