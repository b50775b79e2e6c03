//! Stopping between two batches, or in the middle of one where its rest can wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use upsweep_adapters::archive::memory::MemoryArchive;
use upsweep_engine::ports::{Amount, NewOp, Store as _};
use upsweep_engine::runs::{self, Report, Selection};
use upsweep_engine::world::BATCH_FILES;
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::verdict::Reason;

use crate::stage::{DAY, Stage, key, request, run_record};
use crate::stopping::{Outcome, restore, run, sweep};

/// One file more than there are in a batch.
const FILES: usize = BATCH_FILES + 1;

fn a_batch_and_one() -> (Stage, ()) {
    let mut stage = Stage::new();
    stage.limits.floor_files = FILES as u64;
    stage.run();
    (0..FILES).for_each(|n| stage.orphan(&format!("o{n:05}.m4a")));
    (stage, ())
}

/// The same, hidden.
fn a_batch_and_one_hidden() -> (Stage, ()) {
    let (mut stage, ()) = a_batch_and_one();
    stage.run();
    stage.pass(8 * DAY);
    (stage, ())
}

/// Sweeps, and checks that one of the stops came after the first batch.
fn sweep_batches(
    make: fn() -> (Stage, ()),
    what: fn(&mut Stage) -> Outcome,
    did: fn(&Report) -> Amount,
    hidden_then: usize,
) {
    let was_cut = Cell::new(false);
    let in_part = |stage: &mut Stage, ()| {
        what(stage).inspect(|report| was_cut.set(was_cut.get() | (did(report).files == BATCH_FILES as u64)))
    };
    sweep(make, in_part, what, |stage| assert_eq!(stage.store.hidden_files(), hidden_then));
    assert!(was_cut.get());
}

#[test]
fn hiding_may_be_stopped_between_two_batches() {
    sweep_batches(a_batch_and_one, run, |report| report.applied.hidden, FILES);
}

#[test]
fn restoring_may_be_stopped_between_two_batches() {
    let all = |stage: &mut Stage| restore(stage, &Selection::All);
    sweep_batches(a_batch_and_one_hidden, all, |report| report.restored.amount, 0);
}

#[test]
fn purging_may_be_stopped_between_two_batches() {
    let purge = |stage: &mut Stage| stage.with(|world| runs::purge_due(world, &request(&[Code::G001])));
    sweep_batches(a_batch_and_one_hidden, purge, |report| report.purged.amount, 0);
}

#[test]
fn recovering_may_be_stopped_between_two_batches() {
    let make = || {
        let (stage, ()) = a_batch_and_one();
        let mut ledger = stage.ledger();
        ledger.begin_run(&run_record("crashed", stage.now())).unwrap();
        let reason = Reason::Orphan { since: stage.now(), age_from: AgeFrom::Mtime, claimed_until: None };
        let new = |n: usize| {
            let key = key(&format!("o{n:05}.m4a"));
            let facts = stage.store.look(&key).unwrap().unwrap();
            NewOp { key, reason: reason.clone(), facts, quarantine_secs: 60, action: Action::Quarantine }
        };
        ledger.intend("crashed", &(0..FILES).map(new).collect::<Vec<_>>(), stage.now()).unwrap();
        (stage, ())
    };
    let recover = |stage: &mut Stage| stage.with(|world| runs::recover_now(world, &request(&[])));
    let found = |report: &Report| Amount { files: report.recovered.in_place, bytes: 0 };
    sweep_batches(make, recover, found, 0);
}

#[test]
fn of_a_batch_of_copies_the_rest_can_wait() {
    let make = || {
        let mut stage = Stage::new();
        stage.archive = Some(MemoryArchive::default());
        stage.policy.action = Action::Archive;
        stage.run();
        ["a.m4a", "b.m4a", "c.m4a"].iter().for_each(|name| stage.orphan(name));
        (stage, ())
    };
    let copied = RefCell::new(BTreeSet::new());
    let run_in_part = |stage: &mut Stage, (): ()| {
        run(stage).inspect(|report| copied.borrow_mut().extend([report.archived.copied.files]))
    };
    sweep(make, run_in_part, run, |stage| assert!(stage.op("c.m4a").copy.is_some()));
    assert_eq!(copied.take(), [0, 1, 2, 3].into());
}

#[test]
fn retrieving_may_be_stopped_between_two_files() {
    let names = ["a.m4a", "b.m4a"];
    let make = || {
        let mut stage = crate::archiving::stage();
        names.iter().for_each(|name| drop(stage.hide(name)));
        stage.pass(8 * DAY);
        assert_eq!(stage.purge(&[]).purged.amount.files, 2);
        (stage, ())
    };
    let both = |stage: &mut Stage| restore(stage, &Selection::Keys(names.map(key).to_vec()));
    let back = RefCell::new(BTreeSet::new());
    let in_part =
        |stage: &mut Stage, ()| both(stage).inspect(|report| back.borrow_mut().extend([report.retrieved.amount.files]));
    sweep(make, in_part, both, |stage| assert!(names.iter().all(|name| stage.has(name))));
    assert_eq!(back.take(), [0, 1, 2].into());
}
