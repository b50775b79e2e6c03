//! Another ledger: what it does not know comes back, what it does know stays as it is, and a crash costs nothing.

use upsweep_adapters::ledger::memory::MemoryLedger;
use upsweep_engine::adopt::{Adopted, adopt};
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Approval, Entry, Home as _, Ledger as _, RunKind, Store as _};
use upsweep_engine::runs::{Report, Request};
use upsweep_plan::lifecycle::{Event, State};

use crate::stage::{DAY, START, Stage, key, request};

fn asked() -> Request {
    let approval = Approval { codes: [].into(), reason: "the disk with the ledger died".to_owned(), by: None };
    Request { approval: Some(approval), ..request(&[]) }
}

fn try_adopt(stage: &mut Stage) -> Result<(Report, Adopted), EngineError> {
    stage.with(|world| adopt(world, &asked()))
}

fn adopted(stage: &mut Stage) -> (Report, Adopted) {
    let (report, adopted) = try_adopt(stage).unwrap();
    assert!(report.failure.is_none(), "{report:?}");
    (report, adopted)
}

fn marked_ledger(stage: &Stage) -> String {
    stage.store.marker().unwrap().unwrap().ledger_id
}

#[test]
fn a_lost_ledger_is_replaced_and_everything_hidden_comes_back() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(DAY);
    stage.hide("sub.m4a");
    let lost = marked_ledger(&stage);
    stage.home.lose_ledger();
    let said = stage.try_run(&[]).unwrap_err().to_string();
    assert!(said.contains("upsweep adopt") && said.contains(&lost), "{said}");

    let (report, done) = adopted(&mut stage);
    assert_eq!(report.restored.back.len(), 2);
    assert!(stage.has("a.m4a") && stage.has("sub.m4a"));
    assert_eq!((done.replaced, done.ledger.clone()), (Some(lost), Some(marked_ledger(&stage))));
    let run = stage.ledger().runs(1).unwrap().remove(0);
    assert_eq!((run.kind, run.approval), (RunKind::Adopt, asked().approval));
    assert_eq!(run.outcome.unwrap().restored.files, 2);
    // And the next run judges them again.
    assert_eq!(stage.run().applied.hidden.files, 2);
}

#[test]
fn a_ledger_from_a_backup_is_noticed_and_what_it_does_not_know_comes_back() {
    let mut stage = Stage::new();
    stage.hide("known.m4a");
    let backup = stage.home.copy_ledger().unwrap();
    stage.pass(DAY);
    let unknown = stage.hide("unknown.m4a");
    assert_eq!(stage.run().strays, 0);
    stage.home.replace_ledger(backup);
    assert_eq!(stage.run().strays, 1, "and every run says so");
    assert!(!stage.has("unknown.m4a"));
    assert_eq!(stage.purge(&[]).strays, 1);

    let (report, done) = adopted(&mut stage);
    assert_eq!((report.restored.back, done.replaced, done.gone), (vec![key("unknown.m4a")], None, 0));
    assert_eq!(stage.op("known.m4a").state, State::Quarantined, "what it knows stays hidden");
    assert_eq!(stage.store.look_hidden(&unknown.place()).unwrap(), None);
    assert_eq!(stage.run().strays, 0);
}

#[test]
fn a_file_of_a_known_run_is_compared_as_well() {
    let mut stage = Stage::new();
    let op = stage.hide("a.m4a");
    // A copy made in the middle of a run knows the run and not yet all that it hid.
    let mut copy = MemoryLedger::new(stage.ledger().id());
    copy.begin_run(&stage.ledger().run(&op.run).unwrap().unwrap()).unwrap();
    stage.home.replace_ledger(copy);
    assert_eq!(adopted(&mut stage).0.restored.back, [key("a.m4a")]);
}

#[test]
fn a_file_lies_there_although_the_ledger_says_that_it_went() {
    for way in [[Event::IntendRestore, Event::PutBack], [Event::IntendPurge, Event::Freed]] {
        let mut stage = Stage::new();
        let op = stage.hide("a.m4a").id;
        for event in way {
            stage.ledger().record(&[Entry::plain(op, event)], stage.now()).unwrap();
        }
        assert_eq!(adopted(&mut stage).0.restored.back, [key("a.m4a")], "{way:?}");
    }
}

#[test]
fn what_the_old_ledger_takes_for_hidden_and_is_not_there_is_noted() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let backup = stage.home.copy_ledger().unwrap();
    stage.claims.live("a.m4a");
    stage.run();
    assert!(stage.has("a.m4a"));
    stage.home.replace_ledger(backup);
    assert_eq!(adopted(&mut stage).1.gone, 1);
    assert_eq!(stage.op("a.m4a").state, State::Lost);
    stage.ledger().verify().unwrap();
    assert_eq!(adopted(&mut stage).1.gone, 0);
}

#[test]
fn nothing_is_overwritten_and_what_cannot_come_back_stays_and_is_told() {
    let mut stage = Stage::new();
    stage.hide("taken.m4a");
    let nameless = stage.hide("nameless.m4a").place();
    stage.store.write(&key("taken.m4a"), b"new upload", START);
    stage.store.forget_name(&nameless);
    stage.home.lose_ledger();
    let (report, done) = adopted(&mut stage);
    assert_eq!((report.restored.conflicts.as_slice(), done.nameless), (&[key("taken.m4a")][..], vec![nameless]));
    assert_eq!(report.errors(), 1);
    assert_eq!(stage.store.content(&key("taken.m4a")).unwrap(), b"new upload");
    assert_eq!(stage.store.hidden_files(), 2);
    assert_eq!(stage.run().strays, 2, "they are not forgotten");
    stage.store.remove(&key("taken.m4a"));
    assert_eq!(adopted(&mut stage).0.restored.back, [key("taken.m4a")]);
}

#[test]
fn of_two_files_of_one_name_the_newer_comes_back() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(DAY);
    stage.store.write(&key("a.m4a"), b"newer", START - 2 * DAY);
    stage.run();
    assert_eq!(stage.store.hidden_files(), 2);
    stage.home.lose_ledger();
    let (report, _) = adopted(&mut stage);
    assert_eq!((report.restored.back.len(), report.restored.conflicts.len()), (1, 1));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"newer");
}

#[test]
fn a_crash_before_the_marker_is_repeated() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let lost = marked_ledger(&stage);
    stage.home.lose_ledger();
    stage.store.stick_marker(true);
    let (report, done) = try_adopt(&mut stage).unwrap();
    assert!(report.failure.is_some() && done.ledger.is_none());
    assert_eq!(marked_ledger(&stage), lost);
    assert!(matches!(stage.try_run(&[]), Err(EngineError::LedgerMismatch { .. })), "nothing works by half");
    stage.store.stick_marker(false);
    assert_eq!(adopted(&mut stage).1.replaced, Some(lost));
    assert!(stage.has("a.m4a"));
    stage.run();
}

#[test]
fn another_stores_ledger_is_taken_only_where_no_other_store_can_be() {
    let theirs = || {
        let mut ledger = MemoryLedger::new("theirs");
        ledger.belong_to("their-store").unwrap();
        ledger
    };
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.home.keep_ledger_outside();
    stage.home.replace_ledger(theirs());
    let error = try_adopt(&mut stage).unwrap_err();
    assert!(matches!(&error, EngineError::LedgerTaken { store_id, .. } if store_id == "their-store"), "{error}");
    assert!(!stage.has("a.m4a"));
    assert_eq!(stage.ledger().store_id().unwrap().as_deref(), Some("their-store"));
    // Nor does a store that was never bound take it.
    let mut fresh = Stage::new();
    fresh.orphan("b.m4a");
    fresh.home.keep_ledger_outside();
    fresh.home.replace_ledger(theirs());
    assert!(matches!(fresh.try_run(&[]), Err(EngineError::LedgerTaken { .. })));
    assert_eq!(fresh.store.marker().unwrap(), None);

    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.home.replace_ledger(theirs());
    assert_eq!(adopted(&mut stage).1.ledger.as_deref(), Some("theirs"));
    let store_id = stage.store.marker().unwrap().unwrap().store_id;
    assert_eq!(stage.ledger().store_id().unwrap(), Some(store_id));
}

#[test]
fn a_store_that_is_not_what_it_was_adopts_nothing() {
    let mut stage = Stage::new();
    assert!(matches!(try_adopt(&mut stage), Err(EngineError::NotBound { .. })));
    stage.home.note("memory", "bound-before").unwrap();
    assert!(matches!(try_adopt(&mut stage), Err(EngineError::Refused(_))));
    assert!(stage.home.ledger().unwrap().is_none());
}

#[test]
fn a_quarantine_wanted_elsewhere_waits_until_nothing_is_hidden() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.store.want_quarantine(Some("/elsewhere"));
    stage.orphan("b.m4a");
    let error = stage.try_run(&[]).unwrap_err();
    assert!(matches!(&error, EngineError::QuarantineMoved { files: 1, .. }), "{error}");
    assert!(error.to_string().contains("upsweep restore --all"), "{error}");
    let plan = stage.plan();
    assert!(matches!(stage.apply(plan), Err(EngineError::QuarantineMoved { .. })));
    assert!(stage.has("b.m4a"));
    // Freeing what is due empties the old place; then the marker follows.
    stage.pass(8 * DAY);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
    assert_eq!(stage.store.marker().unwrap().unwrap().quarantine, None);
    assert_eq!(stage.run().applied.hidden.files, 1);
    assert_eq!(stage.store.marker().unwrap().unwrap().quarantine.as_deref(), Some("/elsewhere"));
}
