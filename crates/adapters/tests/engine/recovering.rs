//! What a crash left half done is looked at, finished, and told. Each state is made by hand.

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{
    Entry, FreeOrder, FreeOutcome, HideOrder, HideOutcome, Home as _, NewOp, Place, PutBackOutcome, Store,
};
use upsweep_engine::recover::Recovered;
use upsweep_engine::runs;
use upsweep_plan::action::Action;
use upsweep_plan::lifecycle::{Event, State};
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::verdict::Reason;

use crate::crashing::Fault;
use crate::stage::{DAY, START, Stage, key, request, run_record};

/// A crashed run that meant to hide `a.m4a`; `is_moved` tells whether it came to that.
pub(crate) fn crashed(is_moved: bool) -> (Stage, Place) {
    let mut stage = Stage::new();
    stage.run();
    stage.orphan("a.m4a");
    let facts = stage.store.look(&key("a.m4a")).unwrap().unwrap();
    let mut ledger = stage.ledger();
    ledger.begin_run(&run_record("crashed", stage.now())).unwrap();
    let reason = Reason::Orphan { since: stage.now(), age_from: AgeFrom::Mtime, claimed_until: None };
    let new = NewOp { key: key("a.m4a"), reason, facts, quarantine_secs: 60, action: Action::Quarantine };
    let op = ledger.intend("crashed", &[new], stage.now()).unwrap()[0];
    let place = Place { run: "crashed".to_owned(), op };
    if is_moved {
        let order = HideOrder { key: key("a.m4a"), facts, place: place.clone() };
        let outcome = stage.store.hide(&[order]).unwrap();
        assert!(matches!(outcome[..], [HideOutcome::Hidden(_)]));
    }
    (stage, place)
}

/// Goes on to a pending state of a file that was hidden properly.
fn hidden_and_then(intent: Event) -> (Stage, Place) {
    let (stage, place) = crashed(true);
    let hidden_facts = stage.store.look_hidden(&place).unwrap();
    note(&stage, Entry { hidden_facts, ..Entry::plain(place.op, Event::Hidden) });
    note(&stage, Entry::plain(place.op, intent));
    (stage, place)
}

fn note(stage: &Stage, entry: Entry) {
    stage.ledger().record(&[entry], stage.now()).unwrap();
}

fn recover(stage: &mut Stage) -> Recovered {
    let report = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
    stage.ledger().verify().unwrap();
    let again = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
    assert_eq!(again.recovered.total(), 0, "once is enough");
    report.recovered
}

#[test]
fn hiding_was_meant_but_nothing_moved() {
    let (mut stage, _) = crashed(false);
    assert_eq!(recover(&mut stage), Recovered { in_place: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::LeftAlone);
    assert!(stage.has("a.m4a"));
}

#[test]
fn hiding_was_done_but_not_told() {
    let (mut stage, place) = crashed(true);
    stage.pass(90);
    assert_eq!(recover(&mut stage), Recovered { hidden: 1, ..Recovered::default() });
    let op = stage.op("a.m4a");
    assert_eq!((op.state, op.hidden_at), (State::Quarantined, Some(stage.now())), "hidden no earlier than now");
    assert_eq!(op.hidden_facts, stage.store.look_hidden(&place).unwrap());
    assert!(op.horizons.is_some(), "the drain begins anew");
    // From here on it is a hidden file like any other.
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.back, [key("a.m4a")]);
}

#[test]
fn hiding_was_done_and_the_name_was_taken_since() {
    let (mut stage, _) = crashed(true);
    stage.store.write(&key("a.m4a"), b"new upload", START);
    assert_eq!(recover(&mut stage), Recovered { hidden: 1, ..Recovered::default() });
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Quarantined, 1));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"new upload");
}

#[test]
fn another_file_was_moved_instead() {
    let (mut stage, place) = crashed(true);
    stage.store.append_to_hidden(&place, b"!");
    assert_eq!(recover(&mut stage).total(), 1);
    assert_eq!(stage.op("a.m4a").state, State::Superseded);
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a!", "it is back");
    // Or its place is taken by then: both are kept, and nobody purges either.
    let (mut stage, place) = crashed(true);
    stage.store.append_to_hidden(&place, b"!");
    stage.store.write(&key("a.m4a"), b"third", START);
    assert_eq!(recover(&mut stage), Recovered { conflicts: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Conflict);
    stage.pass(30 * DAY);
    stage.claims.live("a.m4a");
    stage.run();
    assert_eq!((stage.has("a.m4a"), stage.store.hidden_files()), (true, 1));
}

#[test]
fn the_file_was_gone_or_replaced_before_it_moved() {
    let (mut stage, _) = crashed(false);
    stage.store.remove(&key("a.m4a"));
    assert_eq!(recover(&mut stage), Recovered { gone: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Vanished);
    let (mut stage, _) = crashed(false);
    stage.store.write(&key("a.m4a"), b"a.m4a", START - 2 * DAY);
    assert_eq!(recover(&mut stage), Recovered { in_place: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Superseded);
    assert!(stage.has("a.m4a"));
}

#[test]
fn restoring_was_meant_or_done() {
    let (mut stage, _) = hidden_and_then(Event::IntendRestore);
    assert_eq!(recover(&mut stage), Recovered { hidden: 1, ..Recovered::default() });
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Quarantined, 1));
    let (mut stage, place) = hidden_and_then(Event::IntendRestore);
    assert_eq!(stage.store.put_back(&place, &key("a.m4a")).unwrap(), PutBackOutcome::Back);
    assert_eq!(recover(&mut stage), Recovered { in_place: 1, ..Recovered::default() });
    assert_eq!((stage.op("a.m4a").state, stage.has("a.m4a")), (State::Restored, true));
    let (mut stage, place) = hidden_and_then(Event::IntendRestore);
    stage.store.put_back(&place, &key("a.m4a")).unwrap();
    stage.store.remove(&key("a.m4a"));
    assert_eq!(recover(&mut stage), Recovered { gone: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Lost);
}

#[test]
fn a_conflict_is_no_less_one_after_a_crash() {
    let (mut stage, place) = hidden_and_then(Event::IntendRestore);
    stage.store.write(&key("a.m4a"), b"new upload", START);
    note(&stage, Entry::plain(place.op, Event::PlaceTaken));
    note(&stage, Entry::plain(place.op, Event::IntendRestore));
    assert_eq!(recover(&mut stage), Recovered { conflicts: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Conflict);
    stage.pass(30 * DAY);
    stage.run();
    assert!(stage.store.look_hidden(&place).unwrap().is_some(), "a human decides");
}

#[test]
fn purging_was_meant_or_done() {
    let (mut stage, _) = hidden_and_then(Event::IntendPurge);
    assert_eq!(recover(&mut stage), Recovered { hidden: 1, ..Recovered::default() });
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Quarantined, 1), "nothing is freed here");
    let (mut stage, place) = hidden_and_then(Event::IntendPurge);
    let facts = stage.store.look_hidden(&place).unwrap().unwrap();
    assert_eq!(stage.store.free(&[FreeOrder { place, facts }]), [FreeOutcome::Freed]);
    assert_eq!(recover(&mut stage), Recovered { purged: 1, ..Recovered::default() });
    assert_eq!(stage.op("a.m4a").state, State::Purged);
}

#[test]
fn a_purge_that_was_interrupted_waits_for_new_evidence() {
    let (mut stage, _) = hidden_and_then(Event::IntendPurge);
    stage.claims.live("a.m4a");
    stage.pass(30 * DAY);
    let report = stage.run();
    assert_eq!((report.recovered.hidden, report.purged.amount.files), (1, 0));
    assert!(stage.has("a.m4a"), "claimed meanwhile");
}

#[test]
fn every_command_that_changes_the_store_recovers_first() {
    let (mut stage, _) = crashed(true);
    assert_eq!(stage.run().recovered.hidden, 1);
    let (mut stage, _) = crashed(true);
    assert_eq!(stage.purge(&[]).recovered.hidden, 1);
    let (mut stage, _) = crashed(true);
    let all = runs::Selection::All;
    let (report, _) = stage.with(|world| runs::restore_by_hand(world, &all, &request(&[]))).unwrap();
    assert_eq!((report.recovered.hidden, report.restored.amount.files), (1, 1));
}

#[test]
fn a_damaged_journal_stops_recovery() {
    let (mut stage, _) = crashed(true);
    stage.home.damage_ledger();
    assert!(matches!(stage.try_run(&[]), Err(EngineError::Ledger(_))));
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Quarantining, 1), "nothing is guessed");
}

#[test]
fn a_ledger_that_the_marker_does_not_name_is_never_used() {
    let (mut stage, _) = crashed(true);
    let other = upsweep_adapters::ledger::memory::MemoryLedger::new("ledger-2");
    stage.home.replace_ledger(other);
    assert!(matches!(stage.try_run(&[]), Err(EngineError::LedgerMismatch { .. })));
    stage.home.lose_ledger();
    assert!(matches!(stage.try_run(&[]), Err(EngineError::LedgerMismatch { .. })));
    assert!(stage.home.ledger().unwrap().is_none(), "and none is made in its place");
    assert_eq!(stage.store.hidden_files(), 1);
}

#[test]
fn a_store_that_fails_after_it_moved_files_is_looked_at_anew() {
    let mut stage = Stage::new();
    stage.run();
    stage.orphan("a.m4a");
    stage.fault = Some(Fault::AfterHiding);
    assert!(matches!(stage.try_run(&[]), Err(EngineError::Store(_))));
    assert_eq!(stage.store.hidden_files(), 1);
    stage.fault = None;
    let report = stage.run();
    assert_eq!(report.recovered.hidden, 1);
    assert_eq!(stage.op("a.m4a").state, State::Quarantined, "hidden, and known to be");
}
