//! A run that hides: what goes, what stays, and what makes it do nothing at all.

use upsweep_engine::apply::Skipped;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Holder, Home as _, LeaseError, Store as _};
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, Stage, codes, forget, key, request, session};

#[test]
fn a_run_hides_exactly_what_nobody_claims() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    stage.store.write(&key("young.m4a"), b"x", crate::stage::START - 3_600);
    stage.orphan("failed.m4a");
    stage.claims.failed("failed.m4a");
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files), (2, 0));
    assert!(report.bound.is_some());
    assert!(!stage.has("orphan.m4a") && !stage.has("failed.m4a"));
    assert!(stage.has("young.m4a") && (0..10).all(|n| stage.has(&format!("s{n}.m4a"))));
    assert_eq!(stage.store.hidden_files(), 2, "hidden, not gone");
    // A second run finds nothing more to do.
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.still_hidden), (0, 2));
    assert!(report.bound.is_none());
}

#[test]
fn a_claim_that_appears_before_the_move_keeps_the_file() {
    let mut stage = Stage::new();
    stage.orphan("late.m4a");
    stage.orphan("orphan.m4a");
    // The second reading is the recheck.
    stage.claims.before(2, |db| session(db, "late.m4a", "recording"));
    let report = stage.run();
    assert_eq!(report.applied.skipped, [(key("late.m4a"), Skipped::ClaimedSince)]);
    assert_eq!(report.applied.hidden.files, 1);
    assert!(stage.has("late.m4a") && !stage.has("orphan.m4a"));
    assert_eq!(stage.ledger().ops_in(&State::ALL).unwrap().len(), 1, "not even an intent");
}

#[test]
fn a_failed_session_that_turned_live_keeps_its_file() {
    let mut stage = Stage::new();
    for name in ["retried.m4a", "deleted.m4a", "failed.m4a"] {
        stage.orphan(name);
        stage.claims.failed(name);
    }
    stage.claims.before(2, |db| {
        forget(db, "retried.m4a");
        session(db, "retried.m4a", "recording");
        // Its row is gone: then it is an orphan, which this plan does not know.
        forget(db, "deleted.m4a");
    });
    let report = stage.run();
    assert_eq!(report.applied.hidden.files, 1);
    assert!(stage.has("retried.m4a") && stage.has("deleted.m4a") && !stage.has("failed.m4a"));
}

#[test]
fn claims_that_break_off_condemn_nothing() {
    for (read, hidden) in [(1, 0), (2, 0)] {
        let mut stage = Stage::new();
        stage.orphan("orphan.m4a");
        stage.claims.before(read, |db| db.fail_after_rows = Some(5));
        let outcome = stage.try_run(&Code::ALL);
        match (read, outcome) {
            (1, Ok(report)) => {
                assert_eq!(codes(&report.refusals), [Code::G008], "no approval overrules it");
                assert!(report.plan.unwrap().removals.is_empty());
            }
            (2, Err(EngineError::Claims(_))) => {}
            (read, other) => panic!("reading {read}: {other:?}"),
        }
        assert_eq!(stage.store.hidden_files(), hidden);
        assert!(stage.has("orphan.m4a"));
    }
}

#[test]
fn a_listing_with_a_hole_condemns_nothing() {
    let mut stage = Stage::new();
    stage.policy.recursive = true;
    stage.orphan("orphan.m4a");
    stage.store.make_unreadable("closed");
    let report = stage.try_run(&Code::ALL).unwrap();
    assert_eq!(codes(&report.refusals), [Code::G008]);
    assert!(stage.has("orphan.m4a") && report.bound.is_none());
}

#[test]
fn another_database_at_the_recheck_moves_nothing() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    stage.claims.before(2, |db| db.identity.server = "staging".to_owned());
    let error = stage.try_run(&[]).unwrap_err();
    assert!(matches!(error, EngineError::Plan(_)) && error.to_string().contains("staging"), "{error}");
    assert!(stage.has("orphan.m4a"));
    let run = stage.ledger().runs(1).unwrap().remove(0);
    assert!(run.ended_at.is_some() && run.outcome.unwrap().failure.unwrap().contains("staging"));
    // From its beginning it is the guard who says so, and nobody can overrule it.
    let report = stage.try_run(&Code::ALL).unwrap();
    assert_eq!(codes(&report.refusals), [Code::G004]);
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn a_replica_condemns_nothing() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    stage.claims.now.is_replica = true;
    let report = stage.try_run(&Code::ALL).unwrap();
    assert_eq!(codes(&report.refusals), [Code::G004]);
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn a_primary_that_became_a_replica_before_the_move_condemns_nothing() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    stage.claims.before(2, |db| db.is_replica = true);
    assert_eq!(codes(&stage.try_run(&Code::ALL).unwrap().refusals), [Code::G004]);
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn one_file_that_cannot_be_moved_does_not_stop_the_others() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        stage.orphan(name);
    }
    stage.store.make_immovable(&key("b.m4a"));
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.errors()), (2, 1));
    assert_eq!(report.applied.failed[0].0, key("b.m4a"));
    assert!(stage.has("b.m4a"));
    assert_eq!(stage.op("b.m4a").state, State::LeftAlone);
    assert!(stage.op("b.m4a").note.unwrap().contains("not permitted"));
    // The next run tries again.
    assert_eq!(stage.run().errors(), 1);
}

#[test]
fn the_floor_counts_seven_days() {
    let mut stage = Stage::new();
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
    }
    let ten = |stage: &Stage, round: char| (0..10).for_each(|n| stage.orphan(&format!("{round}{n}.m4a")));
    ten(&stage, 'a');
    assert_eq!(stage.run().applied.hidden.files, 20, "no claim at all, but no more than the floor");
    stage.pass(3 * DAY);
    stage.orphan("one-more.m4a");
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [Code::G001, Code::G003]);
    assert!(stage.has("one-more.m4a"));
    // Bringing files back does not make room.
    let request = crate::stage::request(&[]);
    let back = stage
        .with(|world| upsweep_engine::runs::restore_by_hand(world, &upsweep_engine::runs::Selection::All, &request))
        .unwrap();
    assert_eq!(back.0.restored.amount.files, 20);
    stage.release_holds();
    for n in 0..10 {
        stage.store.remove(&key(&format!("a{n}.m4a")));
    }
    assert!(!stage.run().refusals.is_empty());
    stage.pass(4 * DAY);
    assert!(!stage.run().refusals.is_empty(), "seven days are not over yet");
    stage.pass(1);
    let report = stage.run();
    assert_eq!((codes(&report.refusals), report.applied.hidden.files), (vec![], 11), "a week later");
}

#[test]
fn more_than_the_floor_needs_an_approval() {
    let mut stage = Stage::new();
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [Code::G003]);
    assert!(report.bound.is_none() && stage.store.hidden_files() == 0, "not even bound");
    assert_eq!(stage.try_run(&[Code::G001]).unwrap().applied.hidden.files, 0, "another guard's approval");
    assert_eq!(stage.try_run(&[Code::G003]).unwrap().applied.hidden.files, 30);
    let run = stage.ledger().runs(1).unwrap().remove(0);
    assert_eq!(run.approval.unwrap().reason, "seen");
}

#[test]
fn a_store_whose_marker_vanished_is_left_alone() {
    let mut stage = Stage::new();
    stage.run();
    let note = stage.home.noted(&stage.store.address()).unwrap().unwrap().store_id;
    // Another disk is mounted where the store was.
    let disk = std::mem::take(&mut stage.store);
    stage.orphan("orphan.m4a");
    let report = stage.try_run(&Code::ALL).unwrap();
    assert!(codes(&report.refusals).contains(&Code::G002), "{:?}", report.refusals);
    assert!(report.refusals.iter().any(|refusal| refusal.saw.contains(&note)));
    assert!(stage.has("orphan.m4a") && report.run.is_none());
    stage.store = disk;
    assert!(stage.run().refusals.is_empty());
}

#[test]
fn who_has_no_lease_changes_nothing() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    let other = Holder { what: "purge".to_owned(), ..request(&[]).holder };
    let lease = stage.home.acquire(&other).unwrap();
    let outcome = stage.try_run(&[]);
    assert!(matches!(&outcome, Err(EngineError::Lease(LeaseError::Held(Some(who)))) if *who == other), "{outcome:?}");
    assert!(stage.has("orphan.m4a"));
    drop(lease);
    assert_eq!(stage.run().applied.hidden.files, 1);
    assert_eq!(stage.home.holder().unwrap(), None, "given back");
}

#[test]
fn a_store_bound_elsewhere_is_noted_here_and_missed_from_then_on() {
    let mut stage = Stage::new();
    stage.run();
    // Another machine, or a first run that could not write its note.
    let address = stage.store.address();
    let noted = stage.home.noted(&address).unwrap();
    stage.home.lose_notes();
    assert!(noted.is_some() && stage.home.noted(&address).unwrap().is_none());
    stage.run();
    assert_eq!(stage.home.noted(&address).unwrap(), noted);
    stage.store = upsweep_adapters::store::memory::MemoryStore::default();
    stage.orphan("orphan.m4a");
    assert!(codes(&stage.run().refusals).contains(&Code::G002));
    assert!(stage.has("orphan.m4a"));
}
