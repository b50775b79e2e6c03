//! Stopping: wherever somebody asks for it, nothing is half done, what was done is told, and the next run goes on.

use std::sync::atomic::{AtomicI64, Ordering};

use upsweep_engine::adopt::adopt;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Amount, Home as _, Op, RunKind, RunOutcome, Stop, Store as _};
use upsweep_engine::rebind::rebind;
use upsweep_engine::runs::{self, Report, Selection};
use upsweep_plan::action::Action;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;

use crate::recovering::crashed;
use crate::stage::{DAY, HOUR, Stage, key, request};

/// Asks to stop after so many questions whether to.
pub(crate) struct Patience(AtomicI64);

impl Default for Patience {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Patience {
    pub(crate) fn set(&self, questions: i64) {
        self.0.store(questions, Ordering::Relaxed);
    }
}

impl Stop for Patience {
    fn is_asked(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left > 0).then(|| left - 1)).is_err()
    }
}

pub(crate) type Outcome = Result<Report, EngineError>;

/// Does `what` on a new stage each time, stopped after 0, 1, 2 and so on questions, until it comes to its end unstopped;
/// and goes on with `then` after an hour. Gives how long each one took on the stage's clock, in seconds.
pub(crate) fn sweep<T>(
    make: impl Fn() -> (Stage, T),
    what: impl Fn(&mut Stage, T) -> Outcome,
    then: impl Fn(&mut Stage) -> Outcome,
    check: impl Fn(&Stage),
) -> Vec<i64> {
    let mut took = Vec::new();
    for questions in 0.. {
        let (mut stage, given) = make();
        let (files, before, begun) = (all_files(&stage), sums(&stage), stage.now());
        stage.patience.set(questions);
        let outcome = what(&mut stage, given);
        stage.patience.set(i64::MAX);
        took.push(stage.now().duration_since(begun).as_secs());
        whole(&stage, files);
        match outcome {
            Ok(Report { failure: None, .. }) => {
                check(&stage);
                assert!(questions > 1, "it was hardly ever asked");
                return took;
            }
            Ok(report) => told(&stage, &report, &before),
            // It stopped before there was anything to write it down in.
            Err(EngineError::Stopped) => assert!(stage.store_is_unbound(), "after {questions}"),
            Err(error) => panic!("after {questions}: {error}"),
        }
        stage.pass(HOUR);
        let report = then(&mut stage).unwrap();
        assert!(report.failure.is_none(), "{report:?}");
        whole(&stage, files);
        check(&stage);
    }
    unreachable!("it ends some time")
}

impl Stage {
    fn store_is_unbound(&self) -> bool {
        self.store.marker().unwrap().is_none()
    }

    fn ops(&self) -> Vec<Op> {
        self.home.ledger().unwrap().map(|ledger| ledger.ops_in(&State::ALL).unwrap()).unwrap_or_default()
    }
}

/// How many files there are, wherever they are; those that were freed count as well.
fn all_files(stage: &Stage) -> usize {
    let mut visible = 0;
    stage.store.list(true, &mut |_| visible += 1).unwrap();
    visible + stage.store.hidden_files() + stage.ops().iter().filter(|op| op.state == State::Purged).count()
}

/// No file is lost, no intent is open, and the ledger is right.
fn whole(stage: &Stage, files: usize) {
    assert_eq!(all_files(stage), files);
    assert_eq!(stage.store.incoming_files(), 0);
    if let Some(ledger) = stage.home.ledger().unwrap() {
        ledger.verify().unwrap();
    }
}

/// What all operations together say: hidden, freed, brought back, copied.
fn sums(stage: &Stage) -> [u64; 4] {
    let ops = stage.ops();
    let count = |is: fn(&&Op) -> bool| ops.iter().filter(is).count() as u64;
    [
        count(|op| op.hidden_at.is_some()),
        count(|op| op.state == State::Purged),
        count(|op| op.state == State::Restored),
        count(|op| op.copy.is_some()),
    ]
}

/// The history says that it was stopped, and what it did until then is what the operations say.
fn told(stage: &Stage, report: &Report, before: &[u64; 4]) {
    assert!(matches!(report.failure, Some(EngineError::Stopped)), "{report:?}");
    let intents: Vec<Op> = stage.ops().into_iter().filter(|op| State::PENDING.contains(&op.state)).collect();
    // What a crash left before may wait; the run itself leaves nothing.
    assert!(intents.iter().all(|op| op.run == "crashed"), "{intents:?}");
    let id = report.run.as_deref().expect("it begins before it stops");
    let run = stage.ledger().run(id).unwrap().expect("and is in the history");
    assert!(run.ended_at.is_some(), "{run:?}");
    let RunOutcome { hidden, purged, restored, copied, stopped, failure, .. } = run.outcome.expect("it ended");
    assert!(stopped && failure.is_some());
    let files = |amount: Amount| amount.files;
    let [were_hidden, were_freed, were_back, were_copied] = *before;
    let [now_hidden, now_freed, now_back, now_copied] = sums(stage);
    let recovered = report.recovered.hidden;
    assert_eq!(files(hidden) + recovered, now_hidden - were_hidden, "{report:?}");
    assert_eq!(files(copied), now_copied - were_copied, "{report:?}");
    // Adopting brings back what no operation tells of; retrieving takes from what was freed.
    if run.kind != RunKind::Adopt {
        assert_eq!(files(restored), now_back - were_back, "{report:?}");
        let retrieved = report.retrieved.amount.files;
        assert_eq!(files(purged) + were_freed, now_freed + retrieved, "{report:?}");
    }
}

/// Files to hide, one that is due, and one that is claimed again.
fn much_to_do() -> Stage {
    let mut stage = crate::archiving::stage();
    stage.add_database("other");
    stage.hide("old.m4a");
    stage.hide("again.m4a");
    stage.pass(8 * DAY);
    stage.claims.live("again.m4a");
    ["a.m4a", "b.m4a", "c.m4a"].iter().for_each(|name| stage.orphan(name));
    stage
}

fn all_done(stage: &Stage) {
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        let op = stage.op(name);
        assert_eq!((op.state, op.copy.is_some()), (State::Quarantined, true), "{name}");
    }
    assert!(stage.has("again.m4a") && stage.has("s0.m4a"));
}

pub(crate) fn run(stage: &mut Stage) -> Outcome {
    stage.with(|world| runs::run(world, &request(&[])))
}

#[test]
fn a_run_may_be_stopped_anywhere() {
    let and_freed = |stage: &Stage| {
        all_done(stage);
        assert_eq!(stage.op("old.m4a").state, State::Purged);
    };
    sweep(|| (much_to_do(), ()), |stage, ()| run(stage), run, and_freed);
}

#[test]
fn a_first_run_may_be_stopped_anywhere() {
    let make = || {
        let stage = Stage::new();
        stage.orphan("a.m4a");
        (stage, ())
    };
    sweep(make, |stage, ()| run(stage), run, |stage| assert_eq!(stage.op("a.m4a").state, State::Quarantined));
}

#[test]
fn applying_a_plan_may_be_stopped_anywhere() {
    let make = || {
        let mut stage = much_to_do();
        let plan = stage.plan();
        (stage, plan)
    };
    let apply = |stage: &mut Stage, plan: Plan| stage.with(|world| runs::apply_saved(world, plan, &request(&[])));
    sweep(make, apply, run, all_done);
}

#[test]
fn who_waits_for_the_drain_hears_within_a_second() {
    let make = || {
        let mut stage = Stage::new();
        stage.policy.action = Action::Delete { backup: false };
        stage.run();
        stage.orphan("a.m4a");
        stage.orphan("b.m4a");
        (stage, ())
    };
    let freed =
        |stage: &Stage| assert_eq!((stage.op("a.m4a").state, stage.op("b.m4a").state), (State::Purged, State::Purged));
    let mut took = sweep(make, |stage, ()| run(stage), run, freed);
    took.dedup();
    assert_eq!(took, (0..=60).collect::<Vec<i64>>(), "somebody could stop it in each of the seconds");
}

#[test]
fn purging_may_be_stopped_anywhere() {
    let make = || {
        let mut stage = crate::archiving::stage();
        stage.hide("a.m4a");
        stage.hide("b.m4a");
        stage.pass(8 * DAY);
        (stage, ())
    };
    let purge = |stage: &mut Stage| stage.with(|world| runs::purge_due(world, &request(&[])));
    let freed =
        |stage: &Stage| assert_eq!((stage.op("a.m4a").state, stage.op("b.m4a").state), (State::Purged, State::Purged));
    sweep(make, |stage, ()| purge(stage), purge, freed);
}

pub(crate) fn restore(stage: &mut Stage, selection: &Selection) -> Outcome {
    stage.with(|world| runs::restore_by_hand(world, selection, &request(&[]))).map(|(report, _)| report)
}

#[test]
fn restoring_may_be_stopped_anywhere() {
    let make = || {
        let mut stage = crate::archiving::stage();
        stage.hide("freed.m4a");
        stage.pass(8 * DAY);
        assert_eq!(stage.purge(&[]).purged.amount.files, 1);
        stage.hide("hidden.m4a");
        (stage, ())
    };
    let both = || Selection::Keys(vec![key("freed.m4a"), key("hidden.m4a")]);
    let back = |stage: &Stage| assert!(stage.has("freed.m4a") && stage.has("hidden.m4a"));
    // Who was stopped in the middle asks again.
    sweep(make, |stage, ()| restore(stage, &both()), |stage| restore(stage, &both()), back);
}

#[test]
fn recovering_may_be_stopped_anywhere() {
    for is_moved in [false, true] {
        let make = || (crashed(is_moved).0, ());
        let recover = |stage: &mut Stage| stage.with(|world| runs::recover_now(world, &request(&[])));
        let state = if is_moved { State::Quarantined } else { State::LeftAlone };
        sweep(make, |stage, ()| recover(stage), recover, |stage| assert_eq!(stage.op("a.m4a").state, state));
    }
}

#[test]
fn adopting_may_be_stopped_anywhere() {
    let make = || {
        let mut stage = Stage::new();
        stage.hide("a.m4a");
        stage.hide("b.m4a");
        stage.home.lose_ledger();
        (stage, ())
    };
    let adopt = |stage: &mut Stage| stage.with(|world| adopt(world, &request(&[]))).map(|(report, _)| report);
    sweep(make, |stage, ()| adopt(stage), adopt, |stage| assert!(stage.has("a.m4a") && stage.has("b.m4a")));
}

#[test]
fn rebinding_may_be_stopped_anywhere() {
    let make = || {
        let mut stage = Stage::new();
        stage.hide("a.m4a");
        stage.claims.now.identity.database = "moved".to_owned();
        (stage, ())
    };
    let rebind = |stage: &mut Stage| stage.with(|world| rebind(world, &request(&[]))).map(|(report, _)| report);
    let check = |stage: &Stage| {
        assert_eq!(stage.store.marker().unwrap().unwrap().databases[0].database, "moved");
    };
    sweep(make, |stage, ()| rebind(stage), rebind, check);
}

#[test]
fn bringing_back_what_is_claimed_may_be_stopped_anywhere() {
    let claimed = |stage: &mut Stage| stage.with(|world| runs::restore_claimed(world, &request(&[])));
    // Whether it moved or not: as long as recovery is not through, nobody may say that all is done.
    for is_moved in [false, true] {
        let make = || {
            let (mut stage, _) = crashed(is_moved);
            stage.claims.live("a.m4a");
            (stage, ())
        };
        let settled = |stage: &Stage| assert!(stage.has("a.m4a") && !State::PENDING.contains(&stage.op("a.m4a").state));
        sweep(make, |stage, ()| claimed(stage), claimed, settled);
    }
}
