//! The audit trail in a file: what the database refuses, and what is found when somebody goes around it.

use rusqlite::Connection;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::{AuditTrail, Ledger, NewHold};
use upsweep_plan::audit::Finding;
use upsweep_plan::hold::HoldTarget;
use upsweep_plan::lifecycle::Event;

use crate::desk::{Desk, at, run_record};

/// A ledger with five records.
fn used() -> Desk {
    let mut desk = Desk::sqlite();
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    desk.record(id, &[Event::Hidden, Event::IntendPurge, Event::Freed], 2);
    desk.begin("run-2", 3);
    desk.begin("run-3", 4);
    assert_eq!(desk.trail().len(), 5);
    desk
}

fn raw(desk: &Desk) -> Connection {
    Connection::open(desk.path()).unwrap()
}

#[test]
fn the_database_refuses_to_alter_the_trail() {
    let mut desk = used();
    desk.ledger.prune_audit(at(1), at(5)).unwrap();
    let before = desk.trail();
    let db = raw(&desk);
    let copy = "SELECT 3, at, body, hash FROM audit WHERE seq = 4";
    for (change, why) in [
        ("UPDATE audit SET body = 'x' WHERE seq = 3", "the audit trail is final"),
        ("UPDATE audit SET at = 0", "the audit trail is final"),
        ("DELETE FROM audit", "only what lies before its anchor may go"),
        ("DELETE FROM audit WHERE seq = 6", "only what lies before its anchor may go"),
        (&format!("INSERT INTO audit (seq, at, body, hash) {copy}"), "the audit trail only grows"),
        (&format!("INSERT OR REPLACE INTO audit (seq, at, body, hash) {copy}"), "the audit trail only grows"),
        ("UPDATE audit_anchor SET seq = 99", "the anchor must be a record that is not the newest"),
        ("UPDATE audit_anchor SET seq = 3", "the anchor must be a record that is not the newest"),
        (
            "UPDATE audit_anchor SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 6)",
            "the anchor must be a record that is not the newest",
        ),
        (
            "INSERT OR REPLACE INTO audit_anchor VALUES (1, 9, 'x')",
            "the anchor must be a record that is not the newest",
        ),
        ("DELETE FROM audit_anchor", "the anchor of the audit trail stays"),
    ] {
        let error = db.execute(change, []).expect_err(change).to_string();
        assert!(error.contains(why), "{change}: {error}");
    }
    assert_eq!(desk.trail(), before);
    desk.ledger.verify().unwrap();
}

type IsFound<'a> = &'a dyn Fn(&Finding) -> bool;

#[test]
fn what_was_altered_past_the_database_is_found() {
    const OPEN: &str = "DROP TRIGGER audit_is_final; DROP TRIGGER audit_is_kept; DROP TRIGGER audit_only_grows; DROP TRIGGER audit_anchor_is_laid;";
    let altered = |finding: &Finding| matches!(finding, Finding::Altered { .. });
    let unreadable = |finding: &Finding| matches!(finding, Finding::Unreadable { .. });
    let missing = |finding: &Finding| matches!(finding, Finding::Missing { after: 2, found: 4, .. });
    let cut = |finding: &Finding| matches!(finding, Finding::TailCut { last: 3, checkpoint: 5, at: None });
    let moved = |finding: &Finding| matches!(finding, Finding::Reordered { expected: 3, found: 2, .. });
    let head = |finding: &Finding| matches!(finding, Finding::HeadCut { expected: 1, found: (2, Some(_)) });
    let head_of_other = |finding: &Finding| matches!(finding, Finding::Unlinked { seq: 3, .. });
    let cases: [(&str, IsFound); 11] = [
        ("UPDATE audit SET body = replace(body, 'process 7', 'process 8') WHERE seq = 3", &altered),
        ("UPDATE audit SET hash = upper(hash) WHERE seq = 3", &altered),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", &altered),
        ("UPDATE audit SET body = body || ' ' WHERE seq = 3", &unreadable),
        ("UPDATE audit SET body = CAST(x'7bff7d' AS TEXT) WHERE seq = 3", &unreadable),
        ("UPDATE audit SET seq = 9 WHERE seq = 3", &missing),
        ("DELETE FROM audit WHERE seq = 3", &missing),
        ("DELETE FROM audit WHERE seq > 3", &cut),
        ("DELETE FROM audit WHERE seq = 1", &head),
        ("DELETE FROM audit WHERE seq < 3; INSERT INTO audit_anchor VALUES (1, 2, 'cafe')", &head_of_other),
        (
            "UPDATE audit SET body = (SELECT body FROM audit WHERE seq = 2), hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 3",
            &moved,
        ),
    ];
    for (change, is_found) in cases {
        let desk = used();
        raw(&desk).execute_batch(&format!("{OPEN} {change}")).unwrap();
        let finding = desk.ledger.verify_audit(None).unwrap().expect_err(change);
        assert!(is_found(&finding), "{change}: {finding}");
        let error = desk.ledger.verify().unwrap_err().to_string();
        assert!(error.contains(&finding.to_string()), "{error}");
        desk.ledger.verify_journal().expect("recovery rests on the journal alone");
    }
}

#[test]
fn numbers_of_records_that_were_taken_out_are_not_given_again() {
    let mut desk = used();
    raw(&desk).execute_batch("DROP TRIGGER audit_is_kept; DELETE FROM audit WHERE seq > 3").unwrap();
    desk.begin("run-9", 9);
    let finding = desk.ledger.verify_audit(None).unwrap().unwrap_err();
    assert_eq!(finding, Finding::Missing { after: 3, found: 6, at: at(9) }, "the gap stays for all to see");
}

#[test]
fn a_record_and_what_it_tells_are_written_together() {
    let desk = used();
    // Whatever keeps the record from being written keeps the deed from being done.
    raw(&desk)
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
        .unwrap();
    let mut ledger = SqliteLedger::open(&desk.path()).unwrap().unwrap();
    ledger.begin_run(&run_record("run-9", 9)).unwrap_err();
    ledger.end_run("run-1", at(9), &Default::default()).unwrap_err();
    let hold =
        NewHold { target: HoldTarget::Owner("7".into()), by: "a".into(), why: "b".into(), since: at(9), until: None };
    upsweep_engine::ports::Holds::add_holds(&mut ledger, &[hold]).unwrap_err();
    let id = ledger.intend("run-1", &[crate::desk::new_op(b"b")], at(9)).unwrap()[0];
    ledger.record(&[upsweep_engine::ports::Entry::plain(id, Event::Hidden)], at(9)).unwrap_err();
    assert_eq!(ledger.run("run-9").unwrap(), None);
    assert_eq!(ledger.run("run-1").unwrap().unwrap().ended_at, None);
    assert_eq!(desk.ledger.holds(at(9)).unwrap(), []);
    assert_eq!(desk.op(id).hidden_at, None);
    ledger.verify().unwrap();
    assert_eq!(ledger.audit_head().unwrap().unwrap().seq, 5);
}

#[test]
fn two_writers_make_one_chain() {
    let desk = used();
    let path = desk.path();
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut ledger = SqliteLedger::open(&path).unwrap().unwrap();
                for n in 0..20 {
                    ledger.begin_run(&run_record(&format!("of-{writer}-{n}"), 9)).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(desk.ledger.verify_audit(None).unwrap().unwrap().records, 45);
}
