//! The last good survey, which later ones are compared with: what moves it, and what does not.

use upsweep_plan::baseline::Baseline;
use upsweep_plan::guard::Code::{self, G001, G003, G005, G008, G010};

use crate::stage::{DAY, HOUR, START, Stage, codes, key};

/// Fifty files with their sessions: `s0` to `s9`, and `c0` to `c39`; a first run found everything well.
fn crowd() -> Stage {
    let mut stage = Stage::new();
    for n in 0..40 {
        stage.orphan(&format!("c{n}.m4a"));
        stage.claims.live(&format!("c{n}.m4a"));
    }
    stage.run();
    assert_eq!(baseline(&stage).live_files, 50);
    stage
}

fn baseline(stage: &Stage) -> Baseline {
    stage.ledger().baseline().unwrap().expect("a good run made it")
}

fn lose(stage: &mut Stage, count: u32) {
    (0..count).for_each(|n| stage.claims.forget(&format!("c{n}.m4a")));
}

fn refused(stage: &mut Stage, allow: &[Code]) -> Vec<Code> {
    let report = stage.try_run(allow).unwrap();
    assert_eq!(report.applied.hidden.files, 0);
    codes(&report.refusals)
}

#[test]
fn a_good_run_makes_it_whether_or_not_it_hides() {
    let mut stage = Stage::new();
    stage.orphan("orphan.m4a");
    stage.claims.live("nowhere.m4a");
    let run = stage.run().run.unwrap();
    let first = baseline(&stage);
    assert_eq!((first.at.as_second(), first.run, first.live_files, first.missing), (START, run, 10, 1));
    assert!(first.live.contains(b"s0.m4a") && !first.live.contains(b"orphan.m4a"));
    stage.pass(HOUR);
    stage.orphan("new.m4a");
    stage.claims.live("new.m4a");
    stage.run();
    let second = baseline(&stage);
    assert_eq!((second.at.as_second(), second.live_files), (START + HOUR, 11));
    assert!(second.live.contains(b"new.m4a"));
}

#[test]
fn refusals_never_move_it() {
    let mut stage = crowd();
    let before = baseline(&stage);
    lose(&mut stage, 35);
    for _ in 0..3 {
        stage.pass(DAY);
        assert_eq!(refused(&mut stage, &[]), [G003, G005, G010]);
        assert_eq!(refused(&mut stage, &[G003, G005]), [G010], "a part of them is not enough");
        stage.purge(&[]);
        assert_eq!(baseline(&stage), before);
    }
    // Nor does a survey that did not come to its end.
    stage.store.make_unreadable("private");
    assert_eq!(refused(&mut stage, &Code::ALL), [G008]);
    assert_eq!(baseline(&stage), before);
}

#[test]
fn a_plan_alone_moves_nothing() {
    let mut stage = crowd();
    let before = baseline(&stage);
    stage.pass(HOUR);
    stage.orphan("a.m4a");
    let plan = stage.plan();
    assert_eq!(baseline(&stage), before);
    stage.apply(plan).unwrap();
    assert_eq!(baseline(&stage), before, "a saved plan's survey is not new");
}

#[test]
fn approvals_move_it() {
    let mut stage = crowd();
    lose(&mut stage, 35);
    stage.pass(DAY);
    let report = stage.try_run(&[G003, G005, G010]).unwrap();
    assert_eq!((report.applied.hidden.files, report.overruled), (35, vec![G003, G005, G010]));
    let after = baseline(&stage);
    assert_eq!((after.at.as_second(), after.live_files), (START + DAY, 15));
    // What is lost from here on is compared with that.
    (35..40).for_each(|n| stage.claims.forget(&format!("c{n}.m4a")));
    (0..3).for_each(|n| stage.claims.forget(&format!("s{n}.m4a")));
    stage.limits.floor_files = 0;
    assert_eq!(refused(&mut stage, &[]), [G003, G005, G010]);
    assert_eq!(baseline(&stage), after);
}

/// Below the floor files are hidden although the mapping is in doubt. That doubt must not become what is normal.
#[test]
fn hiding_below_the_floor_does_not_move_it_while_the_mapping_is_in_doubt() {
    // G005 would object: 4 of 10. G001 would: none.
    for lost in [6, 10] {
        let mut stage = Stage::new();
        stage.run();
        let before = baseline(&stage);
        (0..lost).for_each(|n| stage.claims.forget(&format!("s{n}.m4a")));
        stage.pass(DAY);
        assert_eq!(stage.run().applied.hidden.files, lost);
        assert_eq!(baseline(&stage), before);
        // Nor does the next night, on which there is nothing more to hide.
        stage.pass(DAY);
        let report = stage.run();
        assert_eq!((report.applied.hidden.files, report.refusals.len()), (0, 0));
        assert_eq!(baseline(&stage), before);
        // So the purge can still tell.
        stage.pass(8 * DAY);
        let report = stage.purge(&[]);
        let expected = if lost == 10 { vec![G001, G005, G010] } else { vec![G005, G010] };
        assert_eq!((codes(&report.purged.refusals), report.purged.refused), (expected.clone(), lost));
        assert_eq!(baseline(&stage), before);
        // Whoever approves that purge says that this is normal.
        assert_eq!(stage.purge(&expected).purged.amount.files, lost);
        assert_eq!(baseline(&stage).live_files, 10 - lost);
    }
}

#[test]
fn hiding_a_little_below_the_floor_moves_it() {
    let mut stage = Stage::new();
    stage.run();
    (0..5).for_each(|n| stage.claims.forget(&format!("s{n}.m4a")));
    stage.pass(DAY);
    assert_eq!(stage.run().applied.hidden.files, 5);
    assert_eq!((baseline(&stage).live_files, baseline(&stage).at.as_second()), (5, START + DAY));
}

/// A file whose row is deleted while it is young is judged only days later. By then good surveys have passed, and
/// still it is one that was claimed.
#[test]
fn a_file_that_lost_its_claim_while_it_was_young_stays_one_that_was_claimed() {
    let mut stage = Stage::new();
    for n in 0..30 {
        stage.store.write(&key(&format!("young{n}.m4a")), b"x", START - HOUR);
        stage.claims.live(&format!("young{n}.m4a"));
    }
    stage.run();
    (0..30).for_each(|n| stage.claims.forget(&format!("young{n}.m4a")));
    stage.pass(8 * HOUR);
    stage.claims.live("s0.m4a");
    // Thirty of forty rows: too many for a new baseline. It takes an approval, as nothing is hidden and nothing refused.
    assert_eq!(stage.run().applied.hidden.files, 0);
    assert_eq!(baseline(&stage).live_files, 40);
    // A few of them: the baseline goes on without them, and remembers their names.
    (0..25).for_each(|n| stage.claims.live(&format!("young{n}.m4a")));
    stage.pass(HOUR);
    stage.run();
    let moved = baseline(&stage);
    assert_eq!((moved.live_files, moved.at.as_second()), (35, START + 9 * HOUR));
    assert!(moved.live.contains(b"young29.m4a"));
    stage.pass(2 * DAY);
    stage.limits.floor_files = 0;
    assert_eq!(refused(&mut stage, &[]), [G010]);
    let report = stage.try_run(&[G010]).unwrap();
    assert_eq!(report.applied.hidden.files, 5);
    assert!(stage.op("young29.m4a").reason.claimed_until().is_some());
    assert!(!baseline(&stage).live.contains(b"young0.m5a"));
    // Hidden, it is still remembered: it may come back, and lose its claim a second time.
    stage.pass(HOUR);
    stage.run();
    assert!(baseline(&stage).live.contains(b"young29.m4a"));
}

#[test]
fn an_operation_remembers_whether_its_file_was_claimed() {
    let mut stage = Stage::new();
    stage.orphan("failed.m4a");
    stage.claims.failed("failed.m4a");
    stage.run();
    stage.pass(DAY);
    stage.orphan("never.m4a");
    stage.claims.forget("s0.m4a");
    let report = stage.run();
    assert_eq!(report.plan.as_ref().unwrap().survey.claimed_before, 1);
    let claimed_until = |name: &str| stage.op(name).reason.claimed_until().map(|at| at.as_second());
    assert_eq!(claimed_until("s0.m4a"), Some(START), "the last good survey that saw it claimed");
    assert_eq!((claimed_until("never.m4a"), claimed_until("failed.m4a")), (None, None));
}

/// At the purge G010 keeps exactly the files that were claimed before, and says of how many.
#[test]
fn a_purge_keeps_what_was_claimed_and_frees_what_never_was() {
    let mut stage = crowd();
    lose(&mut stage, 10);
    for n in 0..7 {
        stage.orphan(&format!("never{n}.m4a"));
    }
    assert_eq!(stage.run().applied.hidden.files, 17);
    stage.pass(8 * DAY);
    let report = stage.purge(&[]);
    assert_eq!(
        (report.purged.amount.files, report.purged.refused, codes(&report.purged.refusals)),
        (7, 10, vec![G010])
    );
    assert!(report.purged.refusals[0].saw.starts_with("10 of 50 files"), "{report:?}");
    // Rows of some are restored: they come back, and the others are few enough to go.
    (2..10).for_each(|n| stage.claims.live(&format!("c{n}.m4a")));
    let report = stage.purge(&[]);
    assert_eq!((report.restored.amount.files, report.purged.amount.files, report.purged.refused), (8, 2, 0));
}

/// An approval of G010 goes with its files, one of G005 does not: that is judged anew when they are freed.
#[test]
fn which_approvals_last_until_the_purge() {
    let mut stage = crowd();
    lose(&mut stage, 35);
    stage.try_run(&[G003, G005, G010]).unwrap();
    stage.pass(8 * DAY);
    (0..10).for_each(|n| stage.claims.forget(&format!("s{n}.m4a")));
    let report = stage.purge(&[]);
    assert_eq!((codes(&report.purged.refusals), report.purged.amount.files), (vec![G005], 0));
    (0..10).for_each(|n| stage.claims.live(&format!("s{n}.m4a")));
    assert_eq!(stage.purge(&[]).purged.amount.files, 35, "what was approved at hiding goes");
}
