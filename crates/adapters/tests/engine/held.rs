//! What people want kept, and what an auditor is told of it.

use jiff::SignedDuration;
use upsweep_engine::error::EngineError;
use upsweep_engine::holds::{self, BROUGHT_BACK};
use upsweep_engine::ports::{NewHold, Release};
use upsweep_engine::runs::{self, Report, Selection};
use upsweep_engine::trail::{self, Part};
use upsweep_plan::audit::Record;
use upsweep_plan::guard::Code;
use upsweep_plan::hold::{Hold, HoldTarget};
use upsweep_plan::lifecycle::State;

use crate::crashing::Fault;
use crate::stage::{DAY, START, Stage, key, request};

fn restore(stage: &mut Stage, selection: &Selection) -> Report {
    stage.with(|world| runs::restore_by_hand(world, selection, &request(&[]))).unwrap().0
}

fn held(stage: &Stage) -> Vec<Hold> {
    stage.ledger().holds(stage.now()).unwrap()
}

fn new_hold(stage: &Stage, name: &str) -> NewHold {
    let target = HoldTarget::Key(key(name));
    NewHold { target, by: "carl".to_owned(), why: "a complaint".to_owned(), since: stage.now(), until: None }
}

fn trail(stage: &Stage) -> Vec<Record> {
    let mut records = Vec::new();
    let ledger = stage.ledger();
    trail::export(&*ledger, None, &mut |part| {
        if let Part::Line(line) = part {
            records.push(Record::read(line).unwrap());
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    ledger.verify().unwrap();
    records
}

#[test]
fn what_a_human_brings_back_is_held() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "b.m4a"] {
        stage.orphan(name);
    }
    stage.run();
    stage.pass(DAY);
    let report = restore(&mut stage, &Selection::All);
    assert_eq!(report.restored.amount.files, 2);
    let holds = held(&stage);
    assert_eq!(report.holds, holds);
    let targets: Vec<&HoldTarget> = holds.iter().map(|hold| &hold.target).collect();
    assert_eq!(targets, [&HoldTarget::Key(key("a.m4a")), &HoldTarget::Key(key("b.m4a"))]);
    for Hold { by, why, since, until, .. } in &holds {
        assert_eq!((by.as_str(), why.as_str()), ("anna (uid 7), process 1 on host", BROUGHT_BACK));
        assert_eq!((*since, *until), (stage.now(), None));
    }
}

#[test]
fn the_hold_is_durable_before_the_file_moves() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.fault = Some(Fault::Settling);
    let report = restore(&mut stage, &Selection::All);
    assert!(matches!(report.failure, Some(EngineError::Store(_))), "{report:?}");
    assert!(stage.has("a.m4a"), "it is back");
    assert_eq!(stage.op("a.m4a").state, State::Restoring, "which is not noted yet");
    assert_eq!(held(&stage).len(), 1, "but the hold is");
}

#[test]
fn what_is_held_for_good_is_not_held_twice() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let hold = new_hold(&stage, "a.m4a");
    stage.ledger().add_holds(std::slice::from_ref(&hold)).unwrap();
    assert_eq!(restore(&mut stage, &Selection::All).holds, []);
    // One that ends by itself is not enough.
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let until = Some(stage.now() + SignedDuration::from_hours(1));
    stage.ledger().add_holds(&[NewHold { until, ..hold }]).unwrap();
    assert_eq!(restore(&mut stage, &Selection::All).holds.len(), 1);
}

#[test]
fn what_a_claim_brings_back_is_not_held() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.amount.files, 1);
    assert_eq!(held(&stage), []);
}

#[test]
fn a_hold_can_be_set_while_a_run_is_at_work() {
    let mut stage = Stage::new();
    stage.run();
    let hold = new_hold(&stage, "a.m4a");
    let now = stage.now();
    stage.with(|world| {
        let _lease = world.home.acquire(&request(&[]).holder).unwrap();
        let set = holds::add(world.store, world.home, &[hold]).unwrap();
        assert_eq!(holds::list(world.store, world.home, now).unwrap(), set);
        let released = holds::release(world.store, world.home, &[1, 2], ("carl", "settled"), now).unwrap();
        assert!(matches!(&released[..], [(1, Release::Released(_)), (2, Release::Unknown)]), "{released:?}");
    });
    assert_eq!(held(&stage), []);
}

#[test]
fn an_unbound_store_has_no_holds_and_keeps_none() {
    let mut stage = Stage::new();
    let hold = new_hold(&stage, "a.m4a");
    stage.with(|world| {
        let error = holds::add(world.store, world.home, &[hold]).unwrap_err();
        assert!(matches!(error, EngineError::NoLedgerYet { .. }), "{error}");
        assert_eq!(holds::list(world.store, world.home, world.now()).unwrap(), []);
    });
}

#[test]
fn the_trail_begins_with_the_binding_and_says_who() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let told: Vec<(String, String)> = trail(&stage).into_iter().map(|r| (r.event, r.actor)).collect();
    let by = "anna (uid 7), process 1 on host";
    let events = ["store-bound", "run-begun", "hidden", "run-ended"];
    assert_eq!(told, events.map(|event| (event.to_owned(), by.to_owned())));
}

#[test]
fn what_recovery_finds_is_told_with_who_asked() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.fault = Some(Fault::Settling);
    restore(&mut stage, &Selection::All);
    stage.fault = None;
    stage.run();
    let records = trail(&stage);
    let back = records.iter().find(|record| record.event == "put-back").expect("recovery noted it");
    assert_eq!((back.run.as_deref(), back.actor.as_str()), (None, "anna (uid 7), process 1 on host"));
    assert_eq!(back.subject.as_deref(), Some("a.m4a"));
}

#[test]
fn old_records_are_pruned_at_the_end_of_a_run_and_not_after_a_refusal() {
    let mut stage = Stage::new();
    stage.run();
    stage.audit_years = 1;
    let whole = trail(&stage).len();
    stage.pass(366 * DAY + 1);
    for n in 0..40 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    let refused = stage.run();
    assert!(refused.refusals.iter().any(|refusal| refusal.code == Code::G003), "{refused:?}");
    assert_eq!(trail(&stage)[0].seq, 1, "nothing goes when something is wrong");
    assert!(trail(&stage).len() > whole);
    stage.try_run(&[Code::G001, Code::G003]).unwrap();
    let left = trail(&stage);
    assert_eq!(left[0].seq as usize, whole + 1, "everything of the first year is gone, and nothing else");
    assert_eq!(left.last().unwrap().event, "audit-pruned");
    assert!(left.iter().all(|record| record.at.as_second() > START));
}
