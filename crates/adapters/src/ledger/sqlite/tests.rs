use super::*;

#[test]
fn every_commit_is_on_disk_before_it_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let fresh = SqliteLedger::create(&path, "ledger-1").unwrap();
    let again = SqliteLedger::open(&path).unwrap().unwrap();
    for ledger in [&fresh, &again] {
        let pragma = |name| ledger.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = ledger.db.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma("synchronous"), 2, "full");
        assert_eq!(pragma("foreign_keys"), 1);
        assert_eq!(pragma("busy_timeout"), i64::try_from(BUSY_MILLIS).unwrap());
    }
}

#[test]
fn the_steps_lead_to_one_form() {
    MIGRATIONS.validate().unwrap();
}

#[test]
fn a_page_reads_no_more_than_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::create(&dir.path().join("ledger.db"), "ledger-1").unwrap();
    let steps = |sql: String, values: Vec<rusqlite::types::Value>| {
        let mut statement = ledger.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(3);
        let steps = statement.query_map(rusqlite::params_from_iter(values), read).unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let (run, states) = (Some("r".to_owned()), vec![State::Quarantined, State::Lost]);
    for (run, states) in [(None, vec![]), (None, states.clone()), (run.clone(), vec![]), (run, states)] {
        let filter = upsweep_engine::ports::OpFilter { run, states };
        let (condition, values) = pages::ops_where(&filter, Some(OpId(7)), 9);
        let steps = steps(format!("SELECT id FROM ops WHERE {condition} ORDER BY id"), values);
        let is_bounded = |step: &String| {
            !step.starts_with("SCAN ops") && !step.starts_with("SEARCH ops USING INDEX ops_by_state (state=?)")
        };
        assert!(steps.iter().all(is_bounded), "{filter:?}: {steps:#?}");
    }
    let filter = upsweep_engine::ports::RunFilter { from: Some(Timestamp::UNIX_EPOCH), ..Default::default() };
    let (condition, mut values) = pages::runs_where(&filter, Some("r"));
    values.push(9.into());
    let sql = format!("SELECT id FROM runs WHERE {condition} ORDER BY started_at DESC, id DESC LIMIT ?");
    let steps = steps(sql, values);
    assert!(steps[0].contains("USING") && steps[0].contains("runs_by_start (started_at"), "{steps:#?}");
    assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{steps:#?}");
}

/// The locks that processes hold on a file.
fn locks_on(path: &Path) -> Vec<String> {
    let inode = format!(":{}", std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap()));
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let on_it = |line: &&str| line.split_whitespace().any(|word| word.ends_with(&inode));
    locks.lines().filter(on_it).map(|line| line.split_once(':').unwrap().1.to_owned()).collect()
}

#[test]
fn who_makes_a_ledger_that_is_there_leaves_the_locks_of_others_in_this_process_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let _first = SqliteLedger::create(&path, "ledger-1").unwrap();
    let held = locks_on(&path);
    assert!(!held.is_empty(), "who has a ledger in hand holds a lock on it");
    let second = SqliteLedger::create(&path, "ledger-2").unwrap();
    drop(second);
    assert_eq!(locks_on(&path), held);
}
