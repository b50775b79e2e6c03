//! Saved plans: carried out exactly, or less, or not at all.

use std::sync::atomic::AtomicI64;

use upsweep_engine::apply::Skipped;
use upsweep_engine::databases::Source;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::Home as _;
use upsweep_engine::runs;
use upsweep_engine::world::World;
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::{Plan, PlanError};

use crate::purging::Hurrying;
use crate::stage::{DAY, HOUR, Stage, codes, key, session};

/// A plan to remove `a.m4a` and `b.m4a`.
fn planned() -> (Stage, Plan) {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    stage.orphan("b.m4a");
    let plan = stage.plan();
    assert_eq!(plan.removals.len(), 2);
    assert!(stage.home.ledger().unwrap().is_none() && stage.store.hidden_files() == 0, "planning changes nothing");
    (stage, plan)
}

fn refused(stage: &mut Stage, plan: Plan) -> PlanError {
    match stage.apply(plan) {
        Err(EngineError::Plan(error)) => {
            assert!(stage.has("a.m4a") && stage.has("b.m4a") && stage.store.hidden_files() == 0);
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_is_carried_out_and_nothing_else_is() {
    let (mut stage, plan) = planned();
    stage.orphan("later.m4a");
    stage.pass(HOUR);
    let report = stage.apply(plan.clone()).unwrap();
    assert_eq!(report.applied.hidden.files, 2);
    assert!(stage.has("later.m4a"), "it is not in the plan");
    assert_eq!(stage.ledger().runs(1).unwrap()[0].outcome.clone().unwrap().plan.as_deref(), Some(plan.hash.as_str()));
    // Once more there is nothing left of it.
    let report = stage.apply(plan).unwrap();
    assert_eq!(report.applied.hidden.files, 0);
    assert_eq!(report.applied.skipped, [(key("a.m4a"), Skipped::Gone), (key("b.m4a"), Skipped::Gone)]);
}

#[test]
fn what_was_replaced_or_removed_since_is_left() {
    let (mut stage, plan) = planned();
    stage.store.write(&key("a.m4a"), b"a.m4a", crate::stage::START - 2 * DAY);
    stage.store.remove(&key("b.m4a"));
    let report = stage.apply(plan).unwrap();
    assert_eq!(report.applied.skipped, [(key("a.m4a"), Skipped::Changed), (key("b.m4a"), Skipped::Gone)]);
    assert!(stage.has("a.m4a"), "another file under the same name, length and time");
    assert_eq!(stage.op("a.m4a").state, State::Superseded);
    assert_eq!(stage.op("b.m4a").state, State::Vanished);
}

#[test]
fn a_claim_since_the_plan_keeps_the_file() {
    let (mut stage, plan) = planned();
    stage.claims.live("a.m4a");
    // A failed session is a claim too: the file was planned as nobody's.
    stage.claims.failed("b.m4a");
    let report = stage.apply(plan).unwrap();
    assert_eq!(report.applied.hidden.files, 0);
    assert!(stage.has("a.m4a") && stage.has("b.m4a"));
}

#[test]
fn a_claim_on_a_variant_or_a_near_name_keeps_the_file() {
    for claim in ["b.mp3", "B.M4A", "b%2Em4a"] {
        let (mut stage, plan) = planned();
        stage.orphan("b_processed.mp3");
        stage.claims.live(if claim == "b.mp3" { "b_processed.mp3" } else { claim });
        let report = stage.apply(plan).unwrap();
        assert_eq!(report.applied.skipped, [(key("b.m4a"), Skipped::ClaimedSince)], "{claim}");
        assert!(stage.has("b.m4a"));
    }
}

#[test]
fn a_plan_lives_a_day() {
    let (mut stage, plan) = planned();
    stage.pass(DAY);
    assert!(matches!(refused(&mut stage, plan.clone()), PlanError::Stale { .. }));
    stage.pass(-DAY - 2 * HOUR);
    assert!(matches!(refused(&mut stage, plan), PlanError::FromTheFuture { .. }));
}

#[test]
fn an_altered_plan_is_refused() {
    let (mut stage, plan) = planned();
    let text = serde_json::to_string(&plan).unwrap();
    let altered = text.replace("a.m4a", "s1.m4a");
    assert_ne!(altered, text);
    assert_eq!(Plan::read(altered.as_bytes()), Err(PlanError::Altered));
    // Nor is one that was altered in memory, or never sealed, ever carried out.
    let mut more = plan.clone();
    more.removals[0].key = key("s1.m4a");
    assert_eq!(refused(&mut stage, more), PlanError::Altered);
    assert_eq!(refused(&mut stage, Plan { hash: String::new(), ..plan }), PlanError::Altered);
}

#[test]
fn a_plan_for_another_store_database_or_policy_is_refused() {
    let (mut stage, plan) = planned();
    let mut elsewhere = plan.clone();
    elsewhere.store.address = "/srv/other".to_owned();
    assert!(matches!(refused(&mut stage, elsewhere.sealed()), PlanError::Foreign { .. }));
    stage.claims.now.identity.database = "staging".to_owned();
    assert!(matches!(refused(&mut stage, plan.clone()), PlanError::Foreign { .. }));
    stage.claims.now.identity.database = "test".to_owned();
    stage.policy.failed_retention_secs += DAY.unsigned_abs();
    assert!(matches!(refused(&mut stage, plan), PlanError::RulesChanged(_)));
}

#[test]
fn a_plan_of_a_bound_store_belongs_to_that_store() {
    let mut stage = Stage::new();
    stage.run();
    stage.orphan("a.m4a");
    let plan = stage.plan();
    let other_disk = upsweep_adapters::store::memory::MemoryStore::default();
    let disk = std::mem::replace(&mut stage.store, other_disk);
    stage.orphan("a.m4a");
    assert!(matches!(stage.apply(plan.clone()), Err(EngineError::Plan(PlanError::Foreign { .. }))));
    stage.store = disk;
    assert_eq!(stage.apply(plan).unwrap().applied.hidden.files, 1);
}

#[test]
fn another_database_at_the_recheck_moves_nothing() {
    let (mut stage, plan) = planned();
    // The identity was asked before; the connection leads elsewhere by the time the claims are read.
    stage.claims.before(1, |db| db.identity.server = "staging".to_owned());
    assert!(matches!(refused(&mut stage, plan), PlanError::Foreign { .. }));
}

#[test]
fn a_plan_from_a_replica_may_be_made_but_not_carried_out() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    stage.claims.now.is_replica = true;
    let plan = stage.plan();
    assert_eq!((codes(&plan.refusals), plan.removals.len()), (vec![Code::G004], 1));
    assert_eq!(codes(&stage.apply(plan.clone()).unwrap().refusals), [Code::G004]);
    assert!(stage.has("a.m4a"));
    // On the primary itself it may.
    stage.claims.now.is_replica = false;
    assert_eq!(stage.apply(plan).unwrap().applied.hidden.files, 1);
}

#[test]
fn claims_that_break_off_at_the_recheck_move_nothing() {
    let (mut stage, plan) = planned();
    stage.claims.now.fail_after_rows = Some(3);
    assert!(matches!(stage.apply(plan), Err(EngineError::Claims(_))));
    assert!(stage.has("a.m4a") && stage.has("b.m4a"));
}

#[test]
fn an_incomplete_plan_stays_refused() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    stage.claims.now.fail_after_rows = Some(3);
    let plan = stage.plan();
    stage.claims.now.fail_after_rows = None;
    assert_eq!((codes(&plan.refusals), plan.removals.len()), (vec![Code::G008], 0));
    assert!(matches!(stage.apply(plan), Err(EngineError::Plan(PlanError::Foreign { .. }))), "it read no database");
    assert!(stage.has("a.m4a"));
}

#[test]
fn a_plan_keeps_to_todays_floor() {
    let mut stage = Stage::new();
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
        stage.orphan(&format!("o{n}.m4a"));
    }
    let plan = stage.plan();
    assert_eq!((plan.removals.len(), codes(&plan.refusals)), (20, vec![]));
    assert_eq!(stage.apply(plan).unwrap().applied.hidden.files, 20);
    stage.orphan("one-more.m4a");
    let plan = stage.plan();
    assert_eq!(codes(&stage.apply(plan).unwrap().refusals), [Code::G001, Code::G003]);
    assert!(stage.has("one-more.m4a"));
}

/// A plan to remove so many files that they are hidden in three batches, `o0000.m4a` to `o2099.m4a`.
fn planned_in_batches() -> (Stage, Plan) {
    let mut stage = Stage::new();
    for n in 0..2_100 {
        stage.orphan(&format!("o{n:04}.m4a"));
    }
    stage.limits.max_share = 1.0;
    stage.limits.floor_files = 10_000;
    let plan = stage.plan();
    (stage, plan)
}

#[test]
fn the_end_of_an_apply_reads_the_claims_again() {
    let (mut stage, plan) = planned_in_batches();
    stage.claims.before(2, |db| session(db, "o1500.m4a", "recording"));
    let report = stage.apply(plan).unwrap();
    assert_eq!(report.applied.hidden.files, 2_100, "nothing took long enough for another recheck");
    assert_eq!(report.restored.back, [key("o1500.m4a")], "claimed while it worked");
}

#[test]
fn an_apply_that_takes_long_brings_back_what_is_claimed_meanwhile() {
    let (mut stage, plan) = planned_in_batches();
    // The plan read the claims in a run of its own; the first reading here is the recheck, then a thousand files move.
    stage.claims.before(2, |db| {
        session(db, "o0500.m4a", "recording");
        session(db, "o2000.m4a", "recording");
    });
    let clock: &Hurrying = Box::leak(Box::new(Hurrying(AtomicI64::new(stage.now().as_second()))));
    let report = stage.with(|world| {
        let claims = world.claims.iter_mut().map(|Source { name, claims }| Source { name, claims: &mut **claims });
        let mut slow = World { clock, claims: claims.collect(), ..*world };
        runs::apply_saved(&mut slow, plan, &crate::stage::request(&[]))
    });
    let report = crate::stage::ended(report).unwrap();
    assert_eq!(report.restored.back, [key("o0500.m4a")], "it was hidden, and is back");
    assert_eq!(report.applied.skipped, [(key("o2000.m4a"), Skipped::ClaimedSince)], "it was not hidden yet, and stays");
    assert_eq!(report.applied.hidden.files, 2_099);
}

#[test]
fn what_is_claimed_comes_back_when_asked_and_no_hold_is_set() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.hide("b.m4a");
    stage.claims.live("b.m4a");
    let report = stage.with(|world| runs::restore_claimed(world, &crate::stage::request(&[]))).unwrap();
    assert_eq!(report.restored.back, [key("b.m4a")]);
    assert!(stage.has("b.m4a") && !stage.has("a.m4a"));
    assert_eq!(stage.ledger().holds(stage.now()).unwrap(), []);
}
