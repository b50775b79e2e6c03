//! Another database: looked at first, refused when the guards object, and then the store's.

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Horizon, RunKind, Store as _};
use upsweep_engine::rebind::{Rebound, rebind};
use upsweep_engine::runs::Report;
use upsweep_plan::guard::Code;
use upsweep_plan::plan::DatabaseIdentity;

use crate::stage::{DAY, Stage, codes, key, request};

fn bound_to(stage: &Stage) -> Vec<DatabaseIdentity> {
    stage.store.marker().unwrap().unwrap().databases
}

/// The database moves to another server.
fn migrate(stage: &mut Stage) {
    stage.claims.now.identity.server = "new-server".to_owned();
}

fn rebound(stage: &mut Stage, allow: &[Code]) -> (Report, Option<Rebound>) {
    let (report, rebound) = stage.with(|world| rebind(world, &request(allow))).unwrap();
    assert!(report.failure.is_none(), "{report:?}");
    (report, rebound)
}

#[test]
fn after_a_migration_the_store_is_bound_to_the_new_database() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let from = bound_to(&stage);
    migrate(&mut stage);
    assert_eq!(codes(&stage.run().refusals), [Code::G004]);
    let (report, done) = rebound(&mut stage, &[]);
    let to = vec![stage.claims.now.identity.clone()];
    assert_eq!(done, Some(Rebound { from: from.clone(), to: to.clone() }));
    assert_eq!(bound_to(&stage), to);
    assert_eq!(report.plan.unwrap().survey.explained_files, 10);
    let run = stage.ledger().runs(1).unwrap().remove(0);
    assert_eq!((run.kind, run.outcome.unwrap().refused), (RunKind::Rebind, vec![]));
    assert_eq!(codes(&stage.run().refusals), []);
    // Everything but the database is what it was, and doing it again changes nothing.
    let marker = stage.store.marker().unwrap();
    let (_, again) = rebound(&mut stage, &[]);
    assert_eq!(again, Some(Rebound { from: to.clone(), to }));
    assert_eq!(stage.store.marker().unwrap(), marker);
    migrate(&mut stage);
}

#[test]
fn transactions_of_the_old_database_are_not_waited_for_and_those_of_the_new_one_are() {
    let mut stage = Stage::new();
    stage.claims.now.horizon = Horizon::Transactions { xmin: 5_000, next: 5_001 };
    stage.hide("a.m4a");
    migrate(&mut stage);
    // The new server has counted less far, and a transaction is open there.
    stage.claims.now.horizon = Horizon::Transactions { xmin: 10, next: 12 };
    stage.claims.silent_horizon = true;
    rebound(&mut stage, &[]);
    assert_eq!(stage.op("a.m4a").horizons, Some(vec![]), "unknown: it is not freed");
    stage.claims.silent_horizon = false;
    stage.pass(8 * DAY);
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.undrained), (0, 1));
    stage.claims.now.horizon = Horizon::Transactions { xmin: 12, next: 12 };
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_database_that_explains_nothing_is_refused_unless_overruled() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let before = stage.store.marker().unwrap();
    migrate(&mut stage);
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
        // No file is old enough to go, and there is a floor besides: neither makes an empty database the right one.
        stage.store.write(&key(&format!("s{n}.m4a")), b"young", crate::stage::START);
    }
    let (report, done) = rebound(&mut stage, &[]);
    // Besides, the last good survey knew ten claims.
    let all = vec![Code::G001, Code::G005, Code::G010];
    assert_eq!((codes(&report.refusals), done), (all.clone(), None));
    assert_eq!(stage.store.marker().unwrap(), before);
    assert_eq!(stage.ledger().runs(1).unwrap()[0].outcome.as_ref().unwrap().refused, all);
    let (report, done) = rebound(&mut stage, &[Code::G001]);
    assert_eq!(
        (codes(&report.refusals), done),
        (vec![Code::G005, Code::G010], None),
        "overruling one does not overrule the others"
    );
    let (report, done) = rebound(&mut stage, &all);
    assert_eq!((report.overruled, done.is_some()), (all, true));
    assert_eq!(bound_to(&stage)[0].server, "new-server");
}

#[test]
fn a_replica_or_an_incomplete_survey_is_no_ground_whatever_is_allowed() {
    for (spoil, code) in [
        ((|stage| stage.claims.now.is_replica = true) as fn(&mut Stage), Code::G004),
        (|stage| stage.store.make_unreadable("sub"), Code::G008),
    ] {
        let mut stage = Stage::new();
        stage.run();
        let before = stage.store.marker().unwrap();
        migrate(&mut stage);
        spoil(&mut stage);
        let (report, done) = rebound(&mut stage, &[Code::G001, Code::G003]);
        assert_eq!((codes(&report.refusals), done), (vec![code], None));
        assert_eq!(stage.store.marker().unwrap(), before);
    }
}

#[test]
fn how_much_would_go_is_not_asked_yet() {
    let mut stage = Stage::new();
    stage.run();
    for n in 0..40 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    migrate(&mut stage);
    assert!(rebound(&mut stage, &[]).1.is_some());
    assert!(codes(&stage.run().refusals).contains(&Code::G003), "the next run asks");
}

#[test]
fn only_a_store_that_is_bound_can_be_bound_anew() {
    let mut stage = Stage::new();
    let error = stage.with(|world| rebind(world, &request(&[]))).unwrap_err();
    assert!(matches!(error, EngineError::NotBound { .. }), "{error}");
    assert_eq!(stage.store.marker().unwrap(), None);
}

#[test]
fn a_crash_before_the_marker_leaves_the_old_binding() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    let before = bound_to(&stage);
    migrate(&mut stage);
    stage.store.stick_marker(true);
    let (report, done) = stage.with(|world| rebind(world, &request(&[]))).unwrap();
    assert!(report.failure.is_some() && done.is_none());
    assert_eq!(bound_to(&stage), before);
    stage.store.stick_marker(false);
    assert!(rebound(&mut stage, &[]).1.is_some());
    stage.pass(8 * DAY);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}
