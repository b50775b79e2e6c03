//! Times at every boundary, as file systems and databases spell them.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use upsweep_plan::listing::{FileFacts, FileTime};
use upsweep_plan::reconcile::Look;

use super::{Moment, NOW, SECOND, at};

/// Nanoseconds since 1970 around everything that matters: a retention ago, one to either side, the future.
pub(super) fn moments() -> impl Strategy<Value = i128> {
    let retention = select(vec![0, 3_600, 604_800]).prop_map(|secs: i128| NOW - secs * SECOND);
    let near = (retention, select(vec![-1, 0, 1, -2 * SECOND])).prop_map(|(then, by)| then + by);
    prop_oneof![4 => near, 3 => select(vec![NOW - 9_000_000 * SECOND, NOW + 90 * SECOND, NOW - 90_000 * SECOND])]
}

/// A time of a file, now and then one that no calendar knows.
fn file_times() -> impl Strategy<Value = FileTime> {
    let absurd = select(vec![(i64::MIN, 0), (i64::MAX, 999_999_999), (0, u32::MAX), (0, 1_000_000_000), (-1, 5)]);
    let time = moments()
        .prop_map(|n| (i64::try_from(n.div_euclid(SECOND)).unwrap(), u32::try_from(n.rem_euclid(SECOND)).unwrap()));
    prop_oneof![19 => time, 1 => absurd].prop_map(|(secs, nanos)| FileTime { secs, nanos })
}

/// What looking at a file shows; its inode often changed when its content did.
pub(super) fn looks() -> impl Strategy<Value = Look> {
    let seen = prop_oneof![1 => Just(None), 4 => moments().prop_map(|n| Some(at(n)))];
    let ctime = option::weighted(0.5, file_times());
    let file = (file_times(), ctime, seen, 1..4_u64).prop_map(|(mtime, ctime, first_seen, ino)| {
        let ctime = ctime.unwrap_or(mtime);
        let facts = FileFacts { dev: 1, ino, size_bytes: ino * 7, mtime, ctime, btime: None, links: 1 };
        Look::File(facts, first_seen)
    });
    prop_oneof![24 => file, 2 => Just(Look::Gone), 2 => Just(Look::Failed), 1 => Just(Look::DatabaseFile)]
}

/// A time as some database spells it.
pub(super) fn created() -> impl Strategy<Value = Moment> {
    let said = |text: String, nanos| Moment { cell: Some(text.into()), means: Some(at(nanos)) };
    let spelled = (moments(), 0..8_usize).prop_map(move |(n, how)| {
        let (whole, milli) = (n.div_euclid(SECOND) * SECOND, n.div_euclid(1_000_000) * 1_000_000);
        let blank = |n: i128| format!("{:.9}", at(n)).replace('T', " ").replace('Z', "");
        match how {
            0 => said(format!("{:.9}", at(n)), n),
            1 => said(blank(n), n),
            2 => said(format!("{}+02", blank(n + 7_200 * SECOND)), n),
            3 => said(format!("{}-05:30", blank(n - 19_800 * SECOND)), n),
            4 => said(n.to_string(), n),
            5 => said((whole / SECOND).to_string(), whole),
            6 => said((milli / 1_000_000).to_string(), milli),
            _ => said(format!(" {}", blank(whole).replace(".000000000", "")), whole),
        }
    });
    // None of these says when: zero dates, words, dates and days written as numbers, other epochs.
    let words = ["", "infinity", "yesterday", "0000-00-00 00:00:00", "2026-13-01", "12:30", "1e9"];
    let numbers = ["0", "-1793502000", "20261101", "202611011230", "2461346", "20758", "639291330000000000"];
    let zeros = ["0001-01-01", "1900-01-01", "1970-01-01 00:00:00", "1970-01-01T00:00:00Z", "1999-12-31 23:59:59"];
    let nothing = select([&words[..], &numbers, &zeros].concat())
        .prop_map(|text| Moment { cell: Some(text.into()), means: None });
    let null = select(vec![None, Some(vec![0xff])]).prop_map(|cell| Moment { cell, means: None });
    prop_oneof![8 => spelled, 1 => nothing, 1 => null]
}
