//! Watching: what is claimed again comes back between two runs, and nobody is troubled where nothing does.

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{
    ClaimError, ClaimSource, DatabaseIdentity, Entry, Home as _, Horizon, LeaseError, RowSink, RunKind, Snapshot,
    Store as _,
};
use upsweep_engine::runs::{self, Report};
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::lifecycle::{Event, State};

use crate::recovering::crashed;
use crate::stage::{DAY, Stage, key, request, session};

fn watch(stage: &mut Stage) -> Result<Option<Report>, EngineError> {
    stage.with(|world| runs::watch(world, &request(&[])))
}

/// Nothing came of it, and nothing is told.
fn nothing(stage: &mut Stage) {
    let lines = |stage: &Stage| {
        let ledger = stage.ledger();
        (ledger.runs(99).unwrap(), ledger.audit_head().unwrap())
    };
    let before = lines(stage);
    let report = watch(stage).unwrap();
    assert!(report.is_none(), "{report:?}");
    assert_eq!(lines(stage), before);
    assert_eq!(stage.home.holder().unwrap(), None, "and the lease is free again");
}

/// A database that nobody may ask.
struct Untouchable;

impl ClaimSource for Untouchable {
    fn read(&mut self, _rules: &[ClaimRule], _sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        panic!("the claims were read")
    }
    fn check(&mut self, _rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        panic!("the database was checked")
    }
    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        panic!("the database was asked who it is")
    }
    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        panic!("the database was asked for its transactions")
    }
}

#[test]
fn while_nothing_is_hidden_nobody_is_troubled() {
    let untroubled = |stage: &mut Stage| {
        let lease = stage.home.acquire(&request(&[]).holder).unwrap();
        let report = stage.with(|world| {
            for source in &mut world.claims {
                source.claims = Box::leak(Box::new(Untouchable));
            }
            runs::watch(world, &request(&[]))
        });
        drop(lease);
        assert!(report.unwrap().is_none());
    };
    let mut stage = Stage::new();
    untroubled(&mut stage);
    assert!(stage.home.ledger().unwrap().is_none() && stage.store.marker().unwrap().is_none(), "it binds nothing");
    stage.run();
    untroubled(&mut stage);
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.back, [key("a.m4a")]);
    untroubled(&mut stage);
}

#[test]
fn what_is_claimed_again_comes_back() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.hide("b.m4a");
    nothing(&mut stage);
    stage.pass(DAY);
    stage.claims.live("b.m4a");
    let report = watch(&mut stage).unwrap().expect("something came back");
    assert_eq!((report.restored.back.clone(), report.failure.is_none()), (vec![key("b.m4a")], true));
    assert!(stage.has("b.m4a") && !stage.has("a.m4a"));
    let run = stage.ledger().runs(1).unwrap().remove(0);
    assert_eq!((run.kind, Some(run.id), run.started_at), (RunKind::Restore, report.run, stage.now()));
    assert_eq!(run.outcome.unwrap().restored.files, 1);
    assert_eq!(stage.ledger().holds(stage.now()).unwrap(), [], "a claim keeps it, no human does");
    stage.ledger().verify().unwrap();
    nothing(&mut stage);
}

#[test]
fn who_works_is_not_disturbed() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    let lease = stage.home.acquire(&request(&[]).holder).unwrap();
    let error = watch(&mut stage).unwrap_err();
    assert!(matches!(error, EngineError::Lease(LeaseError::Held(Some(_)))), "{error:?}");
    assert!(!stage.has("a.m4a"));
    drop(lease);
    assert!(watch(&mut stage).unwrap().is_some());
}

#[test]
fn a_database_that_is_away_is_an_error_and_no_line_in_the_history() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    let runs = stage.ledger().runs(99).unwrap();
    stage.claims.now.is_unreachable = true;
    let error = watch(&mut stage).unwrap_err();
    assert!(matches!(error, EngineError::Claims(_)), "{error:?}");
    assert_eq!(stage.ledger().runs(99).unwrap(), runs);
    assert!(!stage.has("a.m4a"), "nothing is concluded");
}

#[test]
fn what_a_crash_left_is_finished_and_told() {
    for is_claimed in [false, true] {
        let (mut stage, _) = crashed(true);
        if is_claimed {
            stage.claims.live("a.m4a");
        }
        let report = watch(&mut stage).unwrap().expect("there was something to recover");
        assert_eq!((report.recovered.hidden, report.restored.back.len()), (1, usize::from(is_claimed)));
        assert_eq!(stage.ledger().run(&report.run.unwrap()).unwrap().unwrap().kind, RunKind::Restore);
        assert_eq!(stage.has("a.m4a"), is_claimed);
        nothing(&mut stage);
    }
}

#[test]
fn what_nobody_can_look_at_fills_no_history() {
    let (mut stage, place) = crashed(true);
    stage.fault = Some(crate::crashing::Fault::Settling);
    nothing(&mut stage);
    nothing(&mut stage);
    assert_eq!(stage.op("a.m4a").state, State::Quarantining, "it is tried again");
    stage.fault = None;
    assert!(watch(&mut stage).unwrap().is_some());
    assert!(stage.store.look_hidden(&place).unwrap().is_some());
}

#[test]
fn a_store_that_is_not_what_it_was_is_left_alone() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    stage.home.note(&stage.store.address(), "another").unwrap();
    nothing(&mut stage);
    assert!(!stage.has("a.m4a"));
}

#[test]
fn a_watch_that_is_stopped_tells_nothing_unless_it_did_something() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    let runs = stage.ledger().runs(99).unwrap();
    stage.patience.set(0);
    let error = watch(&mut stage).unwrap_err();
    assert!(matches!(error, EngineError::Stopped), "{error:?}");
    assert_eq!(stage.ledger().runs(99).unwrap(), runs);
    stage.patience.set(i64::MAX);
    assert_eq!(watch(&mut stage).unwrap().unwrap().restored.back, [key("a.m4a")]);
}

#[test]
fn a_claim_that_comes_between_two_looks_is_seen_by_the_second() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let place = stage.op("a.m4a").place();
    nothing(&mut stage);
    stage.claims.before(1, |db| session(db, "a.m4a", "recording"));
    assert_eq!(watch(&mut stage).unwrap().unwrap().restored.back, [key("a.m4a")]);
    assert_eq!(stage.store.look_hidden(&place).unwrap(), None);
    // What is in conflict waits for a human, and for nobody else.
    stage.claims.forget("a.m4a");
    stage.pass(DAY);
    stage.run();
    let op = stage.op("a.m4a");
    stage
        .ledger()
        .record(&[Entry::plain(op.id, Event::IntendRestore), Entry::plain(op.id, Event::PlaceTaken)], stage.now())
        .unwrap();
    stage.claims.live("a.m4a");
    nothing(&mut stage);
}
