//! The audit trail, in every ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use upsweep_engine::ports::{Amount, Approval, Entry, NewOp, RunOutcome, RunRecord};
use upsweep_plan::action::Action;
use upsweep_plan::audit::{Finding, NewRecord, Start};
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::{Event, State};

use crate::desk::{Desk, at, everywhere, new_op, run_record};

everywhere!(
    a_run_is_told_from_its_beginning_to_its_end,
    what_happened_to_a_file_is_told_and_intents_are_not,
    every_event_that_is_no_intent_is_told,
    what_was_refused_is_not_told,
    who_writes_outside_a_run_is_told,
    the_trail_is_one_chain_however_often_it_is_opened,
    a_checkpoint_is_kept_to,
    the_oldest_records_are_pruned_and_the_rest_verifies,
    the_newest_record_is_never_pruned,
    a_reader_may_stop,
);

fn a_run_is_told_from_its_beginning_to_its_end(mut desk: Desk) {
    let approval = Approval {
        codes: BTreeSet::from([Code::G003, Code::G001]),
        reason: "we \"moved\"".into(),
        by: Some("berta".into()),
    };
    desk.ledger.begin_run(&RunRecord { approval: Some(approval), ..run_record("run-1", 1) }).unwrap();
    let outcome = RunOutcome {
        copied: Amount::default(),
        plan: Some("cafe".into()),
        refused: vec![Code::G008],
        overruled: vec![Code::G001, Code::G003],
        hidden: Amount { files: 2, bytes: 30 },
        restored: Amount { files: 3, bytes: 40 },
        purged: Amount { files: 4, bytes: 50 },
        skipped: 5,
        errors: 6,
        failure: Some("the disk is full".into()),
        stopped: false,
    };
    desk.ledger.end_run("run-1", at(9), &outcome).unwrap();
    let [begun, ended] = &desk.trail()[..] else { panic!("two records") };
    assert_eq!((begun.seq, begun.at, begun.event.as_str()), (1, at(1), "run-begun"));
    assert_eq!((begun.run.as_deref(), begun.subject.as_deref()), (Some("run-1"), Some("run-1")));
    assert_eq!(begun.actor, "process 7 on host");
    let words = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(
        begun.details,
        words(&[("kind", "run"), ("allowed", "G001 G003"), ("allowed_why", "we \"moved\""), ("allowed_by", "berta")])
    );
    assert_eq!((ended.seq, ended.at, ended.event.as_str()), (2, at(9), "run-ended"));
    assert_eq!((ended.run.as_deref(), ended.actor.as_str()), (Some("run-1"), "process 7 on host"));
    let all = [
        ("plan", "cafe"),
        ("refused", "G008"),
        ("overruled", "G001 G003"),
        ("hidden_files", "2"),
        ("hidden_bytes", "30"),
        ("restored_files", "3"),
        ("restored_bytes", "40"),
        ("freed_files", "4"),
        ("freed_bytes", "50"),
        ("skipped", "5"),
        ("errors", "6"),
        ("failure", "the disk is full"),
    ];
    assert_eq!(ended.details, words(&all));
    desk.reopened().ledger.verify().unwrap();
}

fn what_happened_to_a_file_is_told_and_intents_are_not(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a\n\xff"], 1)[0];
    desk.record(id, &[Event::Hidden], 2);
    desk.begin("run-2", 3);
    desk.record(id, &[Event::IntendPurge], 4);
    let note = Some("a word".to_owned());
    desk.ledger.record(&[Entry { note, ..Entry::plain(id, Event::Freed) }], at(5)).unwrap();
    assert_eq!(desk.events(), ["run-begun", "hidden", "run-begun", "freed"]);
    let trail = desk.trail();
    let freed = &trail[3];
    assert_eq!((freed.run.as_deref(), freed.at), (Some("run-2"), at(5)), "the run that did it");
    assert_eq!(freed.subject.as_deref(), Some(r"a\u{a}\xff"));
    assert_eq!(freed.details["of_run"], "run-1", "the run that hid it");
    assert_eq!((freed.details["op"].as_str(), freed.details["note"].as_str()), ("1", "a word"));
    assert_eq!(freed.details["size_bytes"], u64::MAX.to_string());
    assert_eq!(freed.details["reason_kind"], "failed_session");
    assert_eq!(freed.details["reason_owners"], r#"["7","ü\n"]"#);
    assert!(!trail[1].details.contains_key("note"));
}

fn every_event_that_is_no_intent_is_told(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ways: [&[Event]; 6] = [
        &[Event::FoundOther],
        &[Event::FoundNothing],
        &[Event::NotMoved],
        &[Event::Hidden, Event::IntendRestore, Event::StillHidden, Event::IntendRestore, Event::PutBack],
        &[Event::Hidden, Event::IntendRestore, Event::PlaceTaken, Event::HiddenGone],
        &[Event::Hidden, Event::IntendPurge, Event::Freed],
    ];
    for way in ways {
        let id = desk.intend("run-1", &[b"a"], 1)[0];
        desk.record(id, way, 2);
    }
    // Of copies only the life of a file tells that owes one.
    let owing = NewOp { action: Action::Archive, ..new_op(b"a") };
    let id = desk.ledger.intend("run-1", &[owing], at(1)).unwrap()[0];
    let copied = [Event::Hidden, Event::IntendCopy, Event::NotCopied, Event::IntendCopy, Event::Copied];
    let freed = [Event::IntendPurge, Event::Freed];
    let back = [Event::IntendRetrieve, Event::NotRetrieved, Event::IntendRetrieve, Event::Retrieved];
    desk.record(id, &[&copied[..], &freed, &back].concat(), 2);
    let told: BTreeSet<String> = desk.events().into_iter().collect();
    for event in Event::ALL {
        assert_eq!(told.contains(event.name()), !event.is_intent(), "{event:?}");
    }
}

fn what_was_refused_is_not_told(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    let batch = [Entry::plain(id, Event::Hidden), Entry::plain(id, Event::Freed)];
    desk.ledger.record(&batch, at(2)).unwrap_err();
    assert!(desk.ledger.begin_run(&run_record("run-1", 5)).is_err());
    assert_eq!(desk.events(), ["run-begun"]);
    desk.ledger.verify().unwrap();
}

fn who_writes_outside_a_run_is_told(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    let mut desk = desk.reopened();
    desk.ledger.set_actor("berta");
    desk.ledger.end_run("run-1", at(1), &RunOutcome::default()).unwrap();
    desk.record(id, &[Event::Hidden], 2);
    let hidden = &desk.trail()[2];
    assert_eq!((hidden.run.as_deref(), hidden.actor.as_str()), (None, "berta"));
    assert_eq!(hidden.details["of_run"], "run-1");
    let said = NewRecord { actor: "carl".into(), event: "names-revealed".into(), ..NewRecord::default() };
    desk.ledger.note_audit(said, at(3)).unwrap();
    let noted = &desk.trail()[3];
    assert_eq!((noted.seq, noted.actor.as_str(), noted.event.as_str()), (4, "carl", "names-revealed"));
    desk.ledger.verify().unwrap();
}

fn the_trail_is_one_chain_however_often_it_is_opened(mut desk: Desk) {
    assert_eq!(desk.ledger.audit_head().unwrap(), None);
    assert_eq!(desk.ledger.audit_start().unwrap(), Start::of_ledger("ledger-1"));
    assert_eq!(desk.ledger.verify_audit(None).unwrap().unwrap().records, 0);
    for n in 0..4 {
        desk.begin(&format!("run-{n}"), n);
        desk = desk.reopened();
    }
    let last = desk.trail().pop().unwrap();
    assert_eq!(desk.ledger.audit_head().unwrap(), Some(last.checkpoint("ledger-1")));
    let summary = desk.ledger.verify_audit(None).unwrap().unwrap();
    assert_eq!((summary.records, summary.last_seq, summary.last_hash), (4, 4, last.hash));
    assert_eq!((summary.first, summary.last_at), (Some((1, at(0))), Some(at(3))));
}

fn a_checkpoint_is_kept_to(mut desk: Desk) {
    desk.begin("run-1", 0);
    let kept = desk.ledger.audit_head().unwrap().unwrap();
    desk.begin("run-2", 1);
    desk.ledger.verify_audit(Some(kept.clone())).unwrap().unwrap();
    let mut other = Desk::memory();
    other.begin("run-x", 0);
    let finding = other.ledger.verify_audit(Some(kept.clone())).unwrap().unwrap_err();
    assert_eq!(finding, Finding::Rewritten { seq: 1, at: at(0) });
    let ahead = desk.ledger.audit_head().unwrap();
    let finding = other.ledger.verify_audit(ahead).unwrap().unwrap_err();
    assert_eq!(finding, Finding::TailCut { last: 1, checkpoint: 2, at: Some(at(1)) });
}

fn the_oldest_records_are_pruned_and_the_rest_verifies(mut desk: Desk) {
    for n in 0..6 {
        desk.begin(&format!("run-{n}"), n);
    }
    let before = desk.trail();
    assert_eq!(desk.ledger.prune_audit(at(0), at(10)).unwrap(), 0);
    assert_eq!(desk.trail(), before, "nothing was old enough, so nothing is told either");
    desk.ledger.set_actor("anna");
    assert_eq!(desk.ledger.prune_audit(at(4), at(11)).unwrap(), 4);
    let mut desk = desk.reopened();
    let trail = desk.trail();
    assert_eq!(trail.iter().map(|record| record.seq).collect::<Vec<_>>(), [5, 6, 7]);
    assert_eq!(trail[..2], before[4..]);
    assert_eq!((trail[2].event.as_str(), trail[2].actor.as_str(), trail[2].at), ("audit-pruned", "anna", at(11)));
    assert_eq!((trail[2].details["records"].as_str(), trail[2].details["last_record"].as_str()), ("4", "4"));
    let start = desk.ledger.audit_start().unwrap();
    assert_eq!((start.seq, &start.hash), (4, &before[3].hash));
    desk.ledger.verify().unwrap();
    desk.ledger.verify_audit(Some(before[3].checkpoint("ledger-1"))).unwrap().unwrap();
    desk.ledger.verify_audit(Some(before[5].checkpoint("ledger-1"))).unwrap().unwrap();
    let finding = desk.ledger.verify_audit(Some(before[2].checkpoint("ledger-1"))).unwrap().unwrap_err();
    assert!(matches!(finding, Finding::HeadCut { .. }), "{finding}");
    assert_eq!(desk.ledger.prune_audit(at(5), at(12)).unwrap(), 1, "and again");
    desk.begin("run-7", 13);
    desk.ledger.verify().unwrap();
}

fn the_newest_record_is_never_pruned(mut desk: Desk) {
    assert_eq!(desk.ledger.prune_audit(at(9), at(9)).unwrap(), 0, "of nothing");
    desk.begin("run-1", 0);
    assert_eq!(desk.ledger.prune_audit(at(9), at(9)).unwrap(), 0);
    desk.begin("run-2", 1);
    assert_eq!(desk.ledger.prune_audit(at(9), at(9)).unwrap(), 1);
    assert_eq!(desk.events(), ["run-begun", "audit-pruned"]);
    desk.ledger.verify().unwrap();
    assert_eq!(desk.ledger.ops_in(&State::ALL).unwrap(), [], "and nothing else went");
    assert_eq!(desk.ledger.runs(9).unwrap().len(), 2);
}

fn a_reader_may_stop(mut desk: Desk) {
    for n in 0..5 {
        desk.begin(&format!("run-{n}"), n);
    }
    let mut lines = 0;
    let mut count = |_: &str| {
        lines += 1;
        if lines < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    desk.ledger.audit_from(2, &mut count).unwrap();
    assert_eq!(lines, 2);
}
