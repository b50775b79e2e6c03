//! What holds for every ledger.

use std::collections::BTreeSet;

use upsweep_engine::ports::{
    Amount, Approval, Entry, Horizon, LedgerError, NewOp, OpId, RunKind, RunOutcome, RunRecord,
};
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::{Event, Life, State, next};

use crate::desk::{Desk, at, copy_record, entry, everywhere, facts, new_op, run_record};

everywhere!(
    an_operation_is_kept_to_the_last_detail,
    numbers_are_never_used_twice,
    every_illegal_transition_is_refused,
    a_copy_and_its_record_belong_together,
    of_a_batch_with_a_mistake_nothing_is_noted,
    entries_of_one_batch_follow_each_other,
    an_unknown_operation_is_an_error,
    hiding_notes_when_and_what,
    a_note_stays_until_there_is_a_newer_one,
    hidden_files_count_whatever_became_of_them,
    operations_are_given_by_number,
    horizons_are_kept,
    the_newest_runs_come_first,
    a_run_ends_with_its_outcome,
    a_run_is_begun_once,
    operations_belong_to_a_run_that_began,
    approvals_are_kept,
    a_whole_life_can_be_verified,
    it_belongs_to_the_store_that_was_noted_last,
);

fn it_belongs_to_the_store_that_was_noted_last(mut desk: Desk) {
    assert_eq!(desk.ledger.store_id().unwrap(), None);
    for store in ["store-1", "store-2"] {
        desk.ledger.belong_to(store).unwrap();
        desk = desk.reopened();
        assert_eq!(desk.ledger.store_id().unwrap().as_deref(), Some(store));
        assert_eq!(desk.ledger.id(), "ledger-1", "its own name is another matter");
    }
}

fn an_operation_is_kept_to_the_last_detail(mut desk: Desk) {
    desk.begin("run-1", 0);
    let names: [&[u8]; 3] = [b"a.m4a", b"sub/\xff\n'\"\\", "🎙".as_bytes()];
    let ids = desk.intend("run-1", &names, 3);
    let desk = desk.reopened();
    for (id, name) in ids.into_iter().zip(names) {
        let op = desk.op(id);
        let meant = new_op(name);
        assert_eq!((op.key, op.reason, op.facts), (meant.key, meant.reason, meant.facts));
        assert_eq!((op.run.as_str(), op.state, op.quarantine_secs), ("run-1", State::Quarantining, 604_800));
        assert_eq!((op.hidden_facts, op.hidden_at, op.horizons, op.note), (None, None, None, None));
        assert_eq!(op.changed_at, at(3));
    }
    assert_eq!(desk.ledger.id(), "ledger-1");
}

fn numbers_are_never_used_twice(mut desk: Desk) {
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        let run = format!("run-{round}");
        desk.begin(&run, round);
        let ids = desk.intend(&run, &[b"a", b"b", b"a"], round);
        assert!(ids.is_sorted());
        for id in ids {
            assert!(id.0 > 0 && seen.insert(id), "{id}");
            let end: &[Event] =
                if round % 2 == 0 { &[Event::Hidden, Event::IntendPurge, Event::Freed] } else { &[Event::FoundOther] };
            desk.record(id, end, round);
        }
        assert_eq!(desk.intend(&run, &[], round), []);
        desk = desk.reopened();
    }
    assert_eq!(seen.len(), 12);
}

/// The events that lead from a fresh operation to each standing that one can have, with and without a copy.
fn ways() -> Vec<(Action, Life, Vec<Event>)> {
    let fresh = |action: Action| {
        let life = next(Life::planned(action.needs_copy()), Event::IntendHide).unwrap();
        (action, life, vec![])
    };
    let mut found: Vec<(Action, Life, Vec<Event>)> = vec![fresh(Action::Quarantine), fresh(Action::Archive)];
    let mut at = 0;
    while at < found.len() {
        let (action, life, way) = found[at].clone();
        for event in Event::ALL {
            if let Ok(to) = next(life, event)
                && !found.iter().any(|(_, known, _)| *known == to)
            {
                found.push((action, to, [way.as_slice(), &[event]].concat()));
            }
        }
        at += 1;
    }
    found
}

fn intend(desk: &mut Desk, action: Action) -> OpId {
    desk.ledger.intend("run-1", &[NewOp { action, ..new_op(b"a") }], at(1)).unwrap()[0]
}

fn every_illegal_transition_is_refused(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ways = ways();
    let states: BTreeSet<State> = ways.iter().map(|(_, life, _)| life.state).collect();
    assert_eq!(states.len(), State::ALL.len() - 1, "all but 'planned', which no ledger holds");
    for (action, life, way) in ways {
        for event in Event::ALL {
            let id = intend(&mut desk, action);
            desk.record(id, &way, 2);
            let before = desk.op(id);
            assert_eq!(before.life(), life);
            let outcome = desk.ledger.record(&[entry(id, event)], at(3));
            match next(life, event) {
                Ok(to) => {
                    outcome.unwrap();
                    assert_eq!(desk.op(id).life(), to);
                }
                Err(why) => {
                    let error = outcome.unwrap_err();
                    assert!(
                        matches!(&error, LedgerError::Illegal { op, cause } if *op == id && *cause == why),
                        "{error:?}"
                    );
                    assert_eq!(desk.op(id), before);
                }
            }
        }
    }
    desk.ledger.verify().unwrap();
}

fn a_copy_and_its_record_belong_together(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = intend(&mut desk, Action::Delete { backup: true });
    desk.record(id, &[Event::Hidden, Event::IntendCopy], 2);
    let without = Entry::plain(id, Event::Copied);
    assert!(desk.ledger.record(&[without], at(3)).is_err());
    let too_much = Entry { copy: Some(copy_record()), ..Entry::plain(id, Event::NotCopied) };
    assert!(desk.ledger.record(&[too_much], at(3)).is_err());
    assert_eq!(desk.op(id).copy, None);
    desk.record(id, &[Event::Copied, Event::IntendPurge, Event::Freed], 4);
    let desk = desk.reopened();
    let op = desk.op(id);
    assert_eq!((op.action, op.copy), (Action::Delete { backup: true }, Some(copy_record())), "kept after the purge");
    desk.ledger.verify().unwrap();
}

fn of_a_batch_with_a_mistake_nothing_is_noted(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ids = desk.intend("run-1", &[b"a", b"b", b"c"], 1);
    let before = desk.ledger.ops_in(&State::ALL).unwrap();
    let hidden = |op| Entry { hidden_facts: Some(facts(9)), note: Some("n".into()), ..Entry::plain(op, Event::Hidden) };
    let batch = [hidden(ids[0]), hidden(ids[1]), Entry::plain(ids[2], Event::Freed)];
    assert!(matches!(desk.ledger.record(&batch, at(2)), Err(LedgerError::Illegal { op, .. }) if op == ids[2]));
    assert_eq!(desk.ledger.ops_in(&State::ALL).unwrap(), before);
    let unknown = [hidden(ids[0]), Entry::plain(OpId(9_999), Event::Hidden)];
    assert!(desk.ledger.record(&unknown, at(2)).is_err());
    assert_eq!(desk.ledger.hidden_since(at(0)).unwrap(), 0);
    let desk = desk.reopened();
    assert_eq!(desk.ledger.ops_in(&State::ALL).unwrap(), before);
    desk.ledger.verify().unwrap();
}

fn entries_of_one_batch_follow_each_other(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    let batch = [Event::Hidden, Event::IntendRestore, Event::PutBack].map(|event| Entry::plain(id, event));
    desk.ledger.record(&batch, at(2)).unwrap();
    assert_eq!(desk.op(id).state, State::Restored);
    desk.ledger.record(&[], at(3)).unwrap();
    desk.ledger.verify().unwrap();
}

fn an_unknown_operation_is_an_error(mut desk: Desk) {
    for id in [0, 1, u64::MAX] {
        let outcome = desk.ledger.record(&[Entry::plain(OpId(id), Event::Hidden)], at(0));
        let said = outcome.unwrap_err().to_string();
        assert!(said.contains(&id.to_string()), "{said}");
    }
}

fn hiding_notes_when_and_what(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    let hidden = Entry { hidden_facts: Some(facts(9)), ..Entry::plain(id, Event::Hidden) };
    desk.ledger.record(&[hidden], at(2)).unwrap();
    let check = |op: upsweep_engine::ports::Op| {
        assert_eq!((op.hidden_facts, op.hidden_at), (Some(facts(9)), Some(at(2))));
        assert_eq!(op.quarantined_until(), Some(at(2 + 604_800)));
    };
    check(desk.op(id));
    // What comes later does not move when it was hidden.
    desk.record(id, &[Event::IntendRestore, Event::StillHidden], 9);
    check(desk.op(id));
    assert_eq!(desk.op(id).changed_at, at(9));
    check(desk.reopened().op(id));
}

fn a_note_stays_until_there_is_a_newer_one(mut desk: Desk) {
    desk.begin("run-1", 0);
    let id = desk.intend("run-1", &[b"a"], 1)[0];
    let note = |event, note: &str| Entry { note: Some(note.to_owned()), ..Entry::plain(id, event) };
    desk.ledger.record(&[note(Event::Hidden, "first")], at(2)).unwrap();
    desk.record(id, &[Event::IntendPurge], 3);
    assert_eq!(desk.op(id).note.as_deref(), Some("first"));
    desk.ledger.record(&[note(Event::StillHidden, "second")], at(4)).unwrap();
    assert_eq!(desk.op(id).note.as_deref(), Some("second"));
}

fn hidden_files_count_whatever_became_of_them(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ids = desk.intend("run-1", &[b"a", b"b", b"c", b"d"], 0);
    desk.record(ids[0], &[Event::Hidden], 10);
    desk.record(ids[1], &[Event::Hidden, Event::IntendRestore, Event::PutBack], 20);
    desk.record(ids[2], &[Event::Hidden, Event::IntendPurge, Event::Freed], 30);
    desk.record(ids[3], &[Event::FoundOther], 40);
    let counts = [0, 10, 11, 20, 30, 31].map(|secs| desk.ledger.hidden_since(at(secs)).unwrap());
    assert_eq!(counts, [3, 3, 2, 2, 1, 0], "at or after");
    assert_eq!(desk.ledger.hidden_since(jiff::Timestamp::MIN).unwrap(), 3);
}

fn operations_are_given_by_number(mut desk: Desk) {
    desk.begin("run-b", 0);
    desk.begin("run-a", 1);
    let first = desk.intend("run-b", &[b"z", b"y"], 0);
    let second = desk.intend("run-a", &[b"a"], 0);
    let third = desk.intend("run-b", &[b"b"], 0);
    desk.record(third[0], &[Event::Hidden], 1);
    desk.record(first[0], &[Event::Hidden], 2);
    let numbers = |ops: Vec<upsweep_engine::ports::Op>| ops.iter().map(|op| op.id).collect::<Vec<_>>();
    let ledger = &desk.ledger;
    assert_eq!(numbers(ledger.ops_in(&[State::Quarantined]).unwrap()), [first[0], third[0]]);
    let both = ledger.ops_in(&[State::Quarantined, State::Quarantining]).unwrap();
    assert_eq!(numbers(both), [first[0], first[1], second[0], third[0]]);
    assert_eq!(numbers(ledger.ops_of("run-b").unwrap()), [first[0], first[1], third[0]]);
    assert_eq!(numbers(ledger.ops_of("run-a").unwrap()), second);
    assert_eq!(numbers(ledger.ops_of("run-c").unwrap()), []);
    assert_eq!(numbers(ledger.ops_in(&[]).unwrap()), []);
}

fn horizons_are_kept(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ids = desk.intend("run-1", &[b"a", b"b"], 0);
    let horizons = [Horizon::Transactions { xmin: 7, next: u64::MAX }, Horizon::Clock];
    desk.ledger.set_horizons(&ids[..1], &horizons).unwrap();
    let desk = desk.reopened();
    assert_eq!(desk.op(ids[0]).horizons.as_deref(), Some(&horizons[..]));
    assert_eq!(desk.op(ids[1]).horizons, None, "nobody asked");
}

fn the_newest_runs_come_first(mut desk: Desk) {
    for (id, secs) in [("b", 5), ("a", 5), ("old", -100), ("new", 9)] {
        desk.begin(id, secs);
    }
    let desk = desk.reopened();
    let ids = |limit| desk.ledger.runs(limit).unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(9), ["new", "b", "a", "old"]);
    assert_eq!(ids(2), ["new", "b"]);
    assert_eq!(ids(0), [""; 0]);
    assert_eq!(ids(usize::MAX).len(), 4);
}

fn a_run_ends_with_its_outcome(mut desk: Desk) {
    desk.begin("run-1", 0);
    desk.begin("run-2", 1);
    let outcome = RunOutcome {
        refused: vec![Code::G001, Code::G003],
        hidden: Amount { files: 1, bytes: u64::MAX },
        skipped: 3,
        failure: Some("it's \"over\"\n".to_owned()),
        stopped: false,
        ..RunOutcome::default()
    };
    desk.ledger.end_run("run-1", at(7), &outcome).unwrap();
    let desk = desk.reopened();
    let ended = RunRecord { ended_at: Some(at(7)), outcome: Some(outcome), ..run_record("run-1", 0) };
    assert_eq!(desk.ledger.run("run-1").unwrap(), Some(ended));
    assert_eq!(desk.ledger.run("run-2").unwrap(), Some(run_record("run-2", 1)), "the other still works");
    assert_eq!(desk.ledger.run("run-3").unwrap(), None);
}

fn a_run_is_begun_once(mut desk: Desk) {
    desk.begin("run-1", 0);
    let told = desk.events();
    let error = desk.ledger.begin_run(&RunRecord { kind: RunKind::Purge, ..run_record("run-1", 5) }).unwrap_err();
    assert!(error.to_string().contains("there is a run run-1 already"), "{error}");
    assert_eq!(desk.events(), told);
    assert_eq!(desk.ledger.runs(9).unwrap(), [run_record("run-1", 0)]);
}

fn operations_belong_to_a_run_that_began(mut desk: Desk) {
    assert!(desk.ledger.intend("run-1", &[new_op(b"a")], at(0)).is_err());
    assert_eq!(desk.ledger.ops_in(&State::ALL).unwrap(), []);
}

fn approvals_are_kept(mut desk: Desk) {
    let kinds = RunKind::ALL;
    let approval = |by: Option<&str>| Approval {
        codes: BTreeSet::from([Code::G003, Code::G001]),
        reason: "we moved house".into(),
        by: by.map(str::to_owned),
    };
    let runs = (0..).zip(kinds).map(|(secs, kind)| RunRecord {
        kind,
        approval: Some(approval((kind == RunKind::Apply).then_some("berta"))),
        ..run_record(kind.word(), secs)
    });
    let runs: Vec<RunRecord> = runs.collect();
    for run in &runs {
        desk.ledger.begin_run(run).unwrap();
    }
    let desk = desk.reopened();
    for run in runs {
        assert_eq!(desk.ledger.run(&run.id).unwrap().as_ref(), Some(&run));
    }
}

fn a_whole_life_can_be_verified(mut desk: Desk) {
    desk.ledger.verify().unwrap();
    desk.begin("run-1", 0);
    for (action, life, way) in ways() {
        let id = intend(&mut desk, action);
        desk.record(id, &way, 2);
        assert_eq!(desk.op(id).life(), life);
    }
    desk.ledger.verify().unwrap();
    desk.reopened().ledger.verify().unwrap();
}
