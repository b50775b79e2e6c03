//! Several databases for one store: a claim in any of them counts, and doubt about one is doubt about all.

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{ClaimError, Horizon};
use upsweep_plan::guard::Code;
use upsweep_plan::plan::PlanError;

use crate::stage::{DAY, Stage, codes, key, session, session_of};

fn two() -> Stage {
    let mut stage = Stage::new();
    stage.add_database("billing");
    stage
}

fn three() -> Stage {
    let mut stage = two();
    stage.add_database("archive");
    stage
}

fn planned(stage: &mut Stage) -> Vec<String> {
    stage.plan().removals.iter().map(|removal| removal.key.to_string()).collect()
}

#[test]
fn a_live_claim_in_either_database_protects() {
    let mut stage = two();
    for name in ["billed.m4a", "failed.m4a", "orphan.m4a"] {
        stage.orphan(name);
        stage.claims.failed(if name == "orphan.m4a" { "other.m4a" } else { name });
    }
    session_of(&mut stage.other("billing").now, "billing", "billed.m4a", "done");
    assert_eq!(planned(&mut stage), ["failed.m4a", "orphan.m4a"]);
    let report = stage.run();
    assert_eq!(report.applied.hidden.files, 2, "{report:?}");
    assert!(stage.has("billed.m4a"), "live in one wins over failed in the other");
    let names: Vec<String> = report.plan.unwrap().databases.into_iter().map(|d| d.database).collect();
    assert_eq!(names, ["test", "billing"], "in configured order");
}

#[test]
fn rows_that_are_read_twice_are_counted_once() {
    let mut stage = two();
    stage.claims.live("gone.m4a");
    stage.claims.failed("failed.m4a");
    session_of(&mut stage.other("billing").now, "billing", "billed.m4a", "done");
    let survey = stage.plan().survey;
    assert_eq!(stage.claims.reads, 2, "the first database is read again after the last");
    assert_eq!((survey.rows, survey.claims.live, survey.claims.failed), (13, 12, 1));
    assert_eq!(survey.claims.missing, 2);
}

#[test]
fn a_row_that_moves_to_a_database_read_before_is_seen() {
    let mut stage = two();
    stage.orphan("moved.m4a");
    session_of(&mut stage.other("billing").now, "billing", "moved.m4a", "done");
    let billing = |db: &mut upsweep_adapters::claims::MemoryClaims| db.rows.get_mut("billing").unwrap().rows.clear();
    stage.other("billing").before(1, billing);
    stage.claims.before(2, |db| session(db, "moved.m4a", "done"));
    assert!(planned(&mut stage).is_empty());
}

#[test]
fn a_row_that_moves_between_later_databases_is_seen() {
    let mut stage = three();
    stage.orphan("moved.m4a");
    session_of(&mut stage.other("archive").now, "archive", "moved.m4a", "done");
    stage.other("archive").before(1, |db| db.rows.get_mut("archive").unwrap().rows.clear());
    stage.other("billing").before(2, |db| session_of(db, "billing", "moved.m4a", "done"));
    assert!(planned(&mut stage).is_empty());
}

#[test]
fn one_incomplete_database_makes_the_survey_incomplete() {
    let breaks: [fn(&mut upsweep_adapters::claims::MemoryClaims); 2] =
        [|db| db.fail_after_rows = Some(0), |db| db.is_unreachable = true];
    for (at, break_it) in breaks.into_iter().enumerate() {
        for second in [true, false] {
            let mut stage = two();
            stage.orphan("orphan.m4a");
            session_of(&mut stage.other("billing").now, "billing", "billed.m4a", "done");
            break_it(if second { &mut stage.other("billing").now } else { &mut stage.claims.now });
            let report = stage.try_run(&Code::ALL).unwrap();
            assert_eq!(codes(&report.refusals), [Code::G008], "{at} {second}");
            assert!(stage.has("orphan.m4a") && stage.store.hidden_files() == 0);
        }
    }
}

#[test]
fn a_database_that_breaks_off_when_it_is_read_again_condemns_nothing() {
    let mut stage = two();
    stage.orphan("orphan.m4a");
    stage.claims.before(2, |db| db.fail_after_rows = Some(5));
    assert_eq!(codes(&stage.run().refusals), [Code::G008]);
    let mut stage = two();
    stage.orphan("orphan.m4a");
    stage.claims.before(2, |db| db.identity.server = "staging".to_owned());
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [Code::G008]);
    assert!(report.refusals[0].saw.contains("staging"), "{report:?}");
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn a_replica_among_them_is_named() {
    let mut stage = two();
    stage.orphan("orphan.m4a");
    stage.other("billing").now.is_replica = true;
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [Code::G004]);
    assert!(report.refusals[0].saw.contains("billing"), "{report:?}");
    stage.other("billing").now.is_replica = false;
    // Only the second reading of the recheck meets it.
    stage.claims.before(4, |db| db.is_replica = true);
    assert_eq!(codes(&stage.run().refusals), [Code::G004]);
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn the_whole_list_of_databases_is_bound_in_whatever_order() {
    let mut stage = two();
    stage.hide("a.m4a");
    stage.orphan("orphan.m4a");
    stage.other("billing").now.identity.server = "staging".to_owned();
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [Code::G004]);
    assert!(report.refusals[0].saw.contains("staging"), "{report:?}");
    stage.other("billing").now.identity.server = "memory".to_owned();
    // One fewer is another list, too.
    let (billing, rule) = (stage.others.pop().unwrap(), stage.policy.claim_rules.pop().unwrap());
    assert_eq!(codes(&stage.run().refusals), [Code::G004]);
    stage.others.push(billing);
    stage.policy.claim_rules.push(rule);
    // The same two in another order are the same two.
    let first = stage.claims.now.identity.clone();
    stage.claims.now.identity = stage.other("billing").now.identity.clone();
    stage.other("billing").now.identity = first;
    let report = stage.run();
    assert_eq!((report.refusals.len(), report.applied.hidden.files), (0, 1), "{report:?}");
}

#[test]
fn a_plan_is_for_all_of_its_databases() {
    let mut stage = two();
    stage.orphan("orphan.m4a");
    let plan = stage.plan();
    stage.other("billing").now.identity.server = "staging".to_owned();
    assert!(matches!(stage.apply(plan.clone()), Err(EngineError::Plan(PlanError::Foreign { .. }))));
    stage.other("billing").now.identity.server = "memory".to_owned();
    // The connection moves after the identity was asked.
    stage.other("billing").before(1, |db| db.identity.server = "staging".to_owned());
    let refused = stage.apply(plan);
    assert!(matches!(refused, Err(EngineError::Plan(PlanError::Foreign { .. }))), "{refused:?}");
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn a_database_under_two_names_is_an_error() {
    let mut stage = two();
    stage.other("billing").now.identity = stage.claims.now.identity.clone();
    let said = stage.try_run(&[]);
    assert!(matches!(said, Err(EngineError::Claims(ClaimError::Twice { .. }))), "{said:?}");
}

#[test]
fn a_rule_whose_database_is_not_there_is_an_error() {
    let mut stage = two();
    stage.orphan("orphan.m4a");
    stage.others.clear();
    let said = stage.try_run(&[]);
    assert!(matches!(said, Err(EngineError::Claims(ClaimError::Rule { .. }))), "{said:?}");
    assert!(stage.has("orphan.m4a"));
}

#[test]
fn a_hidden_file_that_the_second_database_claims_comes_back() {
    let mut stage = two();
    stage.hide("a.m4a");
    session_of(&mut stage.other("billing").now, "billing", "a.m4a", "done");
    assert_eq!(stage.run().restored.back, [key("a.m4a")]);
}

fn at(xmin: u64, next: u64) -> Horizon {
    Horizon::Transactions { xmin, next }
}

#[test]
fn transactions_of_every_database_are_waited_for() {
    let mut stage = two();
    stage.claims.now.horizon = at(100, 105);
    stage.other("billing").now.horizon = at(5_000, 5_001);
    stage.hide("a.m4a");
    assert_eq!(stage.op("a.m4a").horizons.unwrap().len(), 2);
    stage.pass(30 * DAY);
    for (main, billing) in [(at(104, 9_000), at(5_001, 9_000)), (at(105, 9_000), at(5_000, 9_000))] {
        stage.claims.now.horizon = main;
        stage.other("billing").now.horizon = billing;
        let report = stage.purge(&[]);
        assert_eq!((report.purged.amount.files, report.purged.undrained), (0, 1), "{main:?} {billing:?}");
    }
    stage.claims.now.horizon = at(105, 9_000);
    stage.other("billing").now.horizon = at(5_001, 9_000);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn transactions_are_compared_with_those_of_their_own_database_in_whatever_order() {
    let mut stage = two();
    stage.claims.now.horizon = at(100, 105);
    stage.other("billing").now.horizon = at(5_000, 5_001);
    stage.hide("a.m4a");
    stage.pass(30 * DAY);
    // Listed the other way round. The database of small numbers still has an open transaction.
    let first = stage.claims.now.identity.clone();
    stage.claims.now.identity = stage.other("billing").now.identity.clone();
    stage.other("billing").now.identity = first;
    stage.claims.now.horizon = at(9_000, 9_001);
    stage.other("billing").now.horizon = at(104, 9_001);
    assert_eq!(stage.purge(&[]).purged.undrained, 1);
    stage.other("billing").now.horizon = at(105, 9_001);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_file_hidden_when_there_were_fewer_databases_waits_until_all_were_asked() {
    let mut stage = two();
    stage.claims.now.horizon = at(100, 105);
    stage.other("billing").now.horizon = at(5_000, 5_001);
    stage.hide("a.m4a");
    let op = stage.op("a.m4a");
    stage.ledger().set_horizons(&[op.id], &[at(100, 105)]).unwrap();
    stage.pass(30 * DAY);
    stage.claims.now.horizon = at(9_000, 9_000);
    stage.other("billing").now.horizon = at(9_000, 9_000);
    assert_eq!(stage.purge(&[]).purged.undrained, 1, "asked only now");
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}
