use std::collections::BTreeSet;

use upsweep_engine::ports::OpId;
use upsweep_plan::listing::{FileFacts, FileTime};
use upsweep_plan::policy::AgeFrom;

use super::*;

const TIME: FileTime = FileTime { secs: 0, nanos: 0 };

fn op(name: &str, reason: Reason, state: State, bytes: u64) -> Op {
    let facts = FileFacts { dev: 1, ino: 1, size_bytes: bytes, mtime: TIME, ctime: TIME, btime: None, links: 1 };
    Op {
        id: OpId(1),
        run: "run".to_owned(),
        key: Key::parse(name.as_bytes()).unwrap(),
        reason,
        facts,
        hidden_facts: Some(facts),
        state,
        hidden_at: None,
        quarantine_secs: 0,
        action: Action::Quarantine,
        copy: None,
        horizons: None,
        note: None,
        changed_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn orphan() -> Reason {
    let since = jiff::Timestamp::UNIX_EPOCH;
    Reason::Orphan { since, age_from: AgeFrom::Mtime, claimed_until: None }
}

const MB: u64 = 1_024 * 1_024;

#[test]
fn only_what_is_gone_from_the_uploads_is_listed() {
    let is_listed = |state: State| {
        let result = of_run(&Report::default(), Action::Quarantine, &[op("a", orphan(), state, MB)]);
        let (listed, size) = (result.orphaned_files_count == 1, result.total_space_freed_mb);
        assert!(if listed { size == 1.0 } else { size == 0.0 }, "{state:?}: {size}");
        listed
    };
    let listed: Vec<State> = State::ALL.into_iter().filter(|state| is_listed(*state)).collect();
    use State::{Archiving, Conflict, Lost, Purged, Purging, Quarantined, Retrieving};
    let expected = BTreeSet::from([Quarantined, Archiving, Purging, Purged, Retrieving, Conflict, Lost]);
    assert_eq!(BTreeSet::from_iter(listed), expected);
}

#[test]
fn what_it_freed_itself_is_told_apart_from_what_earlier_runs_had_hidden() {
    let mut report = Report::default();
    (report.purged.amount.files, report.purged.amount.bytes) = (5, 10 * MB);
    let mut linked = op("b", orphan(), State::Purged, 2 * MB);
    linked.hidden_facts.as_mut().unwrap().links = 2;
    let ops = [op("a", orphan(), State::Purged, 3 * MB), linked, op("c", orphan(), State::Quarantined, 4 * MB)];
    let result = of_run(&report, Action::Delete { backup: false }, &ops);
    assert_eq!((result.files_freed_by_purge, result.space_freed_by_purge_mb), (3, 7.0));
    assert_eq!((result.total_space_freed_mb, result.space_pending_purge_mb), (9.0, 4.0));
    assert_eq!(result.action, "delete");
}

#[test]
fn lists_are_cut_and_counts_are_not() {
    let failed = |n: usize| Reason::FailedSession {
        since: jiff::Timestamp::UNIX_EPOCH,
        owners: vec![format!("session-{n:06}"), "shared".to_owned()],
    };
    let ops: Vec<Op> = (0..=NAMES_MAX).map(|n| op(&format!("f{n}"), failed(n), State::Quarantined, 1)).collect();
    let result = of_run(&Report::default(), Action::Quarantine, &ops);
    assert!(result.truncated);
    assert_eq!((result.failed_session_files_deleted.len(), result.failed_session_files_count), (10_000, 10_001));
    assert_eq!((result.failed_sessions_cleaned.len(), result.failed_sessions_count), (10_000, 10_002));
    assert_eq!(result.failed_sessions_cleaned[0], "session-000000");
    assert_eq!(result.total_space_freed_mb, 0.01, "of all of them");
    let few = of_run(&Report::default(), Action::Quarantine, &ops[..3]);
    assert!(!few.truncated);
}

#[test]
fn files_of_expired_rows_have_a_list_of_their_own() {
    let expired = Reason::Expired { at: jiff::Timestamp::UNIX_EPOCH, owners: vec!["row".to_owned()] };
    let result = of_run(&Report::default(), Action::Archive, &[op("a", expired, State::Quarantined, 1)]);
    assert_eq!((result.expired_files_deleted, result.expired_files_count), (vec!["a".to_owned()], 1));
    assert_eq!((result.orphaned_files_count, result.failed_sessions_count), (0, 0));
}

#[test]
fn each_error_counts_once() {
    let mut report = Report::default();
    let key = |name: &str| Key::parse(name.as_bytes()).unwrap();
    report.applied.failed.push((key("a"), "no room".to_owned()));
    report.restored.conflicts.push(key("b"));
    report.restored.lost.push(key("c"));
    report.purged.failed.push((key("d"), "no right".to_owned()));
    report.recovered.unknown = 2;
    let result = of_run(&report, Action::Quarantine, &[]);
    assert_eq!((result.error_count, result.errors.len() as u64), (report.errors(), report.errors()));
    assert_eq!(result.error_count, 6);
    assert!(result.errors.contains(&"a: no room".to_owned()), "{:?}", result.errors);
}

#[test]
fn megabytes_are_rounded_to_two_digits() {
    let rounded = [0, 1, 5_242, 5_243, MB, 1_572_864, 1_234_567_890].map(megabytes);
    assert_eq!(rounded, [0.0, 0.0, 0.0, 0.01, 1.0, 1.5, 1_177.38]);
}
