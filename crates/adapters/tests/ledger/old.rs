//! Ledgers that an earlier version wrote.

use rusqlite::Connection;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::{Errands as _, OpId, RunFilter};
use upsweep_plan::lifecycle::{Event, State};

use crate::desk::Desk;
use crate::errands::kept;

/// A ledger with a hidden file, as the version before errands left it.
fn before_errands() -> (Desk, OpId) {
    let mut desk = Desk::sqlite();
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    desk.record(id, &[Event::Hidden], 2);
    let db = Connection::open(desk.path()).unwrap();
    db.execute_batch("DROP TABLE plans; DROP TABLE requests; DROP TABLE schedule; PRAGMA user_version = 1").unwrap();
    // What is left is what the first step makes, and nothing else.
    let first = Connection::open_in_memory().unwrap();
    first.execute_batch(include_str!("../../src/ledger/schema.sql")).unwrap();
    let form = |db: &Connection| {
        let mut statement = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        statement.query_map([], |row| row.get::<_, String>(0)).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(form(&db), form(&first));
    (desk, id)
}

#[test]
fn a_ledger_from_before_errands_is_brought_up_to_date_when_it_is_opened() {
    let (desk, id) = before_errands();
    let mut desk = desk.reopened();
    assert_eq!((desk.ledger.id(), desk.op(id).state), ("ledger-1", State::Quarantined));
    assert_eq!(desk.ledger.runs_page(&RunFilter::default(), None, 9).unwrap().len(), 1);
    assert_eq!(desk.ledger.totals().unwrap().quarantined.files, 1);
    desk.ledger.keep_plan(&kept("p1", 0)).unwrap();
    let desk = desk.reopened();
    assert_eq!(desk.ledger.plan_heads().unwrap(), [kept("p1", 0).head()]);
    desk.ledger.verify().unwrap();
}

#[test]
fn many_may_open_an_old_ledger_at_once() {
    for _ in 0..10 {
        let (desk, _) = before_errands();
        let path = desk.path();
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let ledger = SqliteLedger::open(&path).unwrap().unwrap();
                    assert_eq!(ledger.plan_heads().unwrap(), []);
                });
            }
        });
    }
}

#[test]
fn a_plan_in_another_versions_form_is_none() {
    let mut desk = Desk::sqlite();
    desk.ledger.keep_plan(&kept("p1", 0)).unwrap();
    desk.ledger.keep_plan(&kept("p2", 0)).unwrap();
    let db = Connection::open(desk.path()).unwrap();
    let replace = |json: &[u8]| {
        let body = zstd::encode_all(json, 0).unwrap();
        db.execute("UPDATE plans SET body = ?1 WHERE id = 'p1'", [body]).unwrap();
    };
    replace(br#"{"format": 99}"#);
    db.execute("UPDATE plans SET format = 99, outline_json = '{}' WHERE id = 'p1'", []).unwrap();
    assert_eq!(desk.ledger.kept_plan("p1").unwrap(), None);
    assert_eq!(desk.ledger.plan_heads().unwrap(), [kept("p2", 0).head()], "the others are still there");
    // What was altered, or is no plan at all, is not passed over.
    let altered = serde_json::to_string(&kept("p1", 0).plan).unwrap().replace("/srv/", "/SRV/");
    for damaged in [altered.as_bytes(), b"{}", b""] {
        replace(damaged);
        let error = desk.ledger.kept_plan("p1").unwrap_err().to_string();
        assert!(error.contains("plan p1"), "{error}");
    }
    assert_eq!(desk.ledger.plan_heads().unwrap().len(), 1, "a list does not read what a plan says in full");
    db.execute("UPDATE plans SET format = 1 WHERE id = 'p1'", []).unwrap();
    let error = desk.ledger.plan_heads().unwrap_err().to_string();
    assert!(error.contains("the head of plan p1"), "{error}");
    db.execute("UPDATE plans SET body = x'00' WHERE id = 'p1'", []).unwrap();
    assert!(desk.ledger.kept_plan("p1").is_err(), "not even compressed");
}
