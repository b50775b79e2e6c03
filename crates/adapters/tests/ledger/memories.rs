//! Sightings and the last good survey, in every ledger.

use upsweep_plan::baseline::{Baseline, Fingerprints};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, FileTime};

use crate::desk::{Desk, at, everywhere, facts};

everywhere!(
    the_first_sighting_of_an_incarnation_is_kept,
    another_incarnation_begins_anew,
    what_is_not_seen_is_forgotten,
    the_baseline_is_kept_to_the_last_detail,
    the_newest_time_is_known,
    times_of_a_wrong_clock_can_be_forgiven,
    the_operations_on_one_name_are_found,
);

fn key(name: &[u8]) -> Key {
    Key::parse(name).unwrap()
}

fn the_first_sighting_of_an_incarnation_is_kept(mut desk: Desk) {
    let name = key(b"a\xff.m4a");
    assert_eq!(desk.ledger.first_seen(&name, &facts(1)).unwrap(), None);
    desk.ledger.note_sightings(&[(name.clone(), facts(1))], at(1)).unwrap();
    let mut desk = desk.reopened();
    // A rename, another device number and another link are no other file.
    let time = FileTime { secs: 9, nanos: 9 };
    let same = FileFacts { dev: 3, ctime: time, links: 5, ..facts(1) };
    desk.ledger.note_sightings(&[(name.clone(), same)], at(50)).unwrap();
    for seen in [facts(1), same] {
        assert_eq!(desk.ledger.first_seen(&name, &seen).unwrap(), Some(at(1)));
    }
    assert_eq!(desk.ledger.first_seen(&key(b"b"), &facts(1)).unwrap(), None);
}

fn another_incarnation_begins_anew(mut desk: Desk) {
    let time = FileTime { secs: 9, nanos: 9 };
    let others = [
        FileFacts { ino: 2, ..facts(1) },
        FileFacts { size_bytes: 1, ..facts(1) },
        FileFacts { mtime: time, ..facts(1) },
        FileFacts { btime: Some(time), ..facts(1) },
    ];
    for other in others {
        desk.ledger.note_sightings(&[(key(b"a"), facts(1))], at(1)).unwrap();
        assert_eq!(desk.ledger.first_seen(&key(b"a"), &other).unwrap(), None, "{other:?}");
        desk.ledger.note_sightings(&[(key(b"a"), other)], at(2)).unwrap();
        assert_eq!(desk.ledger.first_seen(&key(b"a"), &other).unwrap(), Some(at(2)));
        assert_eq!(desk.ledger.first_seen(&key(b"a"), &facts(1)).unwrap(), None);
        desk.ledger.note_sightings(&[], at(3)).unwrap();
    }
}

fn what_is_not_seen_is_forgotten(mut desk: Desk) {
    let seen = |names: &[&[u8]]| names.iter().map(|name| (key(name), facts(1))).collect::<Vec<_>>();
    desk.ledger.note_sightings(&seen(&[b"a", b"b"]), at(1)).unwrap();
    desk.ledger.note_sightings(&seen(&[b"b", b"c", b"c"]), at(2)).unwrap();
    desk.ledger.note_sightings(&seen(&[b"a", b"b", b"c"]), at(3)).unwrap();
    let desk = desk.reopened();
    for (name, since) in [(b"a", 3), (b"b", 1), (b"c", 2)] {
        assert_eq!(desk.ledger.first_seen(&key(name), &facts(1)).unwrap(), Some(at(since)), "{name:?}");
    }
}

fn the_baseline_is_kept_to_the_last_detail(mut desk: Desk) {
    assert_eq!(desk.ledger.baseline().unwrap(), None);
    let live = Fingerprints::of([&b"a"[..], b"b\xff"]);
    let first = Baseline { at: at(1), run: "run-1".into(), live, live_files: 2, missing: 3 };
    let empty = Baseline { live: Fingerprints::default(), ..first.clone() };
    let later = Baseline { at: at(2), run: "run-2".into(), ..first.clone() };
    let missing = Baseline { missing: u64::from(u32::MAX) + 1, ..later.clone() };
    for baseline in [first, empty, later, missing] {
        desk.ledger.set_baseline(&baseline).unwrap();
        desk = desk.reopened();
        assert_eq!(desk.ledger.baseline().unwrap(), Some(baseline));
    }
}

fn the_newest_time_is_known(mut desk: Desk) {
    assert_eq!(desk.ledger.last_entry_at().unwrap(), None);
    desk.begin("run-1", 10);
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(10)));
    desk.intend("run-1", &[b"a"], 12);
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(12)));
    desk.ledger.end_run("run-1", at(11), &Default::default()).unwrap();
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(12)), "wherever it stands");
    desk.begin("run-2", 5);
    desk.ledger.end_run("run-2", at(20), &Default::default()).unwrap();
    assert_eq!(desk.reopened().ledger.last_entry_at().unwrap(), Some(at(20)));
}

fn times_of_a_wrong_clock_can_be_forgiven(mut desk: Desk) {
    desk.begin("run-1", 10);
    desk.begin("run-2", 900_000);
    desk.begin("run-3", 20);
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(900_000)));
    desk.ledger.forgive_clock(at(21)).unwrap();
    let mut desk = desk.reopened();
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(20)));
    desk.begin("run-4", 900_001);
    assert_eq!(desk.ledger.last_entry_at().unwrap(), Some(at(900_001)), "what comes later is not forgiven");
}

fn the_operations_on_one_name_are_found(mut desk: Desk) {
    desk.begin("run-1", 0);
    desk.begin("run-2", 1);
    let first = desk.intend("run-1", &[b"a", b"a.b"], 2)[0];
    let second = desk.intend("run-2", &[b"A", b"a"], 3)[1];
    let ids: Vec<_> = desk.ledger.ops_of_key(&key(b"a")).unwrap().iter().map(|op| op.id).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!(desk.ledger.ops_of_key(&key(b"b")).unwrap(), []);
}
