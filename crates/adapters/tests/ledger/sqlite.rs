//! What a file adds: it can be cut, filled with something else, written by others, and read meanwhile.

use std::fs;

use rusqlite::Connection;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::{Entry, Ledger, LedgerError, OpId};
use upsweep_plan::lifecycle::{Event, State};

use crate::desk::{Desk, at};

/// A ledger with one hidden and one freed file.
fn used() -> (Desk, Vec<OpId>) {
    let mut desk = Desk::sqlite();
    desk.begin("run-1", 0);
    let ids = desk.intend("run-1", &[b"a", b"b"], 1);
    desk.record(ids[0], &[Event::Hidden], 2);
    desk.record(ids[1], &[Event::Hidden, Event::IntendPurge, Event::Freed], 3);
    desk.ledger.verify().unwrap();
    (desk, ids)
}

fn raw(desk: &Desk) -> Connection {
    Connection::open(desk.path()).unwrap()
}

#[test]
fn the_journal_can_only_grow() {
    let (desk, _) = used();
    let db = raw(&desk);
    let lines = || db.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(lines(), 6);
    for change in [
        "UPDATE journal SET event = 'freed'",
        "UPDATE journal SET note = 'x' WHERE seq = 1",
        "DELETE FROM journal",
        "DELETE FROM journal WHERE seq = 6",
    ] {
        let error = db.execute(change, []).unwrap_err().to_string();
        assert!(error.contains("the journal is append-only"), "{error}");
    }
    assert_eq!(lines(), 6);
    desk.ledger.verify().unwrap();
}

#[test]
fn what_was_tampered_with_is_found() {
    const OPEN: &str = "DROP TRIGGER journal_is_final; DROP TRIGGER journal_is_kept; PRAGMA foreign_keys = off;";
    let cases = [
        ("a state", "UPDATE ops SET state = 'restored' WHERE id = 1"),
        ("a state that is none", "UPDATE ops SET state = 'fine' WHERE id = 1"),
        ("the last operation's state", "UPDATE ops SET state = 'quarantined' WHERE id = 2"),
        ("a copy that nobody made", "UPDATE ops SET copy_json = '{}' WHERE id = 1"),
        ("an action that asked for a copy", "UPDATE ops SET action = 'archive' WHERE id = 2"),
        ("an action that is none", "UPDATE ops SET action = 'burn' WHERE id = 1"),
        ("a line that cannot follow", "INSERT INTO journal (op, event, at) VALUES (2, 'hidden', 0)"),
        ("a line that means nothing", "INSERT INTO journal (op, event, at) VALUES (1, 'fine', 0)"),
        ("the last line of an operation", "DELETE FROM journal WHERE seq = 6"),
        ("a line in between", "DELETE FROM journal WHERE op = 2 AND event = 'intend-purge'"),
        ("all lines of an operation", "DELETE FROM journal WHERE op = 1"),
        ("an operation", "DELETE FROM ops WHERE id = 1"),
        ("every operation", "DELETE FROM ops"),
    ];
    for (what, change) in cases {
        let (desk, _) = used();
        raw(&desk).execute_batch(&format!("{OPEN} {change}")).unwrap();
        let error = desk.ledger.verify().expect_err(what);
        assert!(matches!(error, LedgerError::Damaged { .. } | LedgerError::Illegal { .. }), "{what}: {error:?}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_skipped() {
    for change in [
        "UPDATE ops SET key = x'2e2e' WHERE id = 1",
        "UPDATE ops SET facts_json = '{}' WHERE id = 1",
        "UPDATE ops SET hidden_json = '' WHERE id = 1",
        "UPDATE ops SET reason_json = 'null' WHERE id = 1",
    ] {
        let (desk, _) = used();
        raw(&desk).execute_batch(change).unwrap();
        let error = desk.ledger.ops_in(&State::ALL).unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. }), "{change}: {error:?}");
        assert!(error.to_string().contains("operation 1") && error.to_string().contains("upsweep adopt"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_ledger_is_never_made_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    for garbage in [&b"this is no database at all, but it is long enough to have a header"[..], &[0; 8192], b"SQLite"] {
        fs::write(&path, garbage).unwrap();
        assert!(SqliteLedger::open(&path).is_err());
        assert!(SqliteLedger::create(&path, "fresh").is_err());
        assert_eq!(fs::read(&path).unwrap(), garbage, "and it is left as it was");
    }
    assert!(SqliteLedger::open(dir.path()).is_err(), "a folder");
}

#[test]
fn an_empty_file_is_no_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    fs::write(&path, "").unwrap();
    for _ in 0..2 {
        let error = SqliteLedger::open(&path).err().expect("a ledger cut to nothing has no id");
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    }
    assert!(SqliteLedger::open(&dir.path().join("nowhere.db")).unwrap().is_none());
    assert!(!dir.path().join("nowhere.db").exists(), "opening makes nothing");
}

#[test]
fn a_truncated_ledger_is_an_error() {
    let mut desk = Desk::sqlite();
    desk.begin("run-1", 0);
    let names: Vec<Vec<u8>> = (0..2_000).map(|n| format!("{n}.m4a").into_bytes()).collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    desk.intend("run-1", &names, 1);
    raw(&desk).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let whole = fs::read(desk.path()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    for part in [1, 50, 90, 99] {
        fs::write(&path, &whole[..whole.len() * part / 100 / 4096 * 4096 + 100]).unwrap();
        let outcome = SqliteLedger::open(&path).and_then(|ledger| ledger.unwrap().verify());
        assert!(outcome.is_err(), "{part} % of it are left");
    }
    fs::write(&path, &whole).unwrap();
    SqliteLedger::open(&path).unwrap().unwrap().verify().unwrap();
}

#[test]
fn a_newer_form_is_refused() {
    let (desk, _) = used();
    raw(&desk).pragma_update(None, "user_version", 99).unwrap();
    for error in [SqliteLedger::open(&desk.path()).err(), SqliteLedger::create(&desk.path(), "x").err()] {
        let error = error.expect("a newer upsweep wrote it");
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn an_existing_ledger_keeps_its_id() {
    let (desk, ids) = used();
    let path = desk.path();
    let again = SqliteLedger::create(&path, "ledger-2").unwrap();
    assert_eq!(again.id(), "ledger-1");
    assert_eq!(again.ops_in(&State::ALL).unwrap().len(), ids.len());
}

#[test]
fn one_may_read_while_another_writes() {
    let (desk, ids) = used();
    let db = raw(&desk);
    db.execute_batch("BEGIN IMMEDIATE; UPDATE ops SET state = 'lost'").unwrap();
    // What is not committed is not seen, and nobody waits for it.
    let begun = std::time::Instant::now();
    let reader = SqliteLedger::open(&desk.path()).unwrap().unwrap();
    let states: Vec<State> = reader.ops_in(&State::ALL).unwrap().iter().map(|op| op.state).collect();
    assert_eq!(states, [State::Quarantined, State::Purged]);
    reader.verify().unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "it waited for the writer");
    db.execute_batch("ROLLBACK").unwrap();
    // And a reader with an open snapshot stops no writer.
    db.execute_batch("BEGIN; SELECT * FROM ops").unwrap();
    let mut writer = SqliteLedger::open(&desk.path()).unwrap().unwrap();
    writer.record(&[Entry::plain(ids[0], Event::IntendRestore)], at(9)).unwrap();
    assert_eq!(desk.op(ids[0]).state, State::Restoring);
}

#[test]
fn two_writers_take_turns() {
    let (desk, _) = used();
    let path = desk.path();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut ledger = SqliteLedger::open(&path).unwrap().unwrap();
                let op = crate::desk::new_op(b"c");
                (0..20)
                    .flat_map(|_| ledger.intend("run-1", std::slice::from_ref(&op), at(4)).unwrap())
                    .collect::<Vec<OpId>>()
            })
        })
        .collect();
    let mut ids: Vec<OpId> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40, "each number once");
    desk.ledger.verify().unwrap();
}

#[test]
fn the_write_ahead_log_is_really_used() {
    let (desk, _) = used();
    let mode: String = raw(&desk).query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    assert!(desk.path().with_file_name("ledger.db-wal").exists());
}
