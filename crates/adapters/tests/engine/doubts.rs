//! Losses that come slowly, sideways, or after the plan: none of them is freed without a question.

use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;

use crate::stage::{DAY, START, Stage, codes, key};

const WEEK: i64 = 7 * DAY;

/// A hundred live files, `s0.m4a` to `s9.m4a` and `r00.m4a` to `r89.m4a`, these 0 to 29 days old.
fn hundred() -> Stage {
    let mut stage = Stage::new();
    for n in 0..90 {
        let name = format!("r{n:02}.m4a");
        stage.store.write(&key(&name), name.as_bytes(), START - (n % 30) * DAY);
        stage.claims.live(&name);
    }
    stage.run();
    stage
}

#[test]
fn rows_that_are_lost_at_once_are_noticed_although_their_files_get_old_one_by_one() {
    let mut stage = hundred();
    stage.policy.orphan_retention_secs = 30 * 86_400;
    (0..45).for_each(|n| stage.claims.forget(&format!("r{n:02}.m4a")));
    let (mut freed, mut refused) = (0, vec![]);
    for _ in 0..60 {
        stage.pass(DAY);
        let report = stage.run();
        freed += report.purged.amount.files;
        refused.extend(codes(&report.refusals));
    }
    assert_eq!(freed, 0);
    assert!(refused.contains(&Code::G010), "{refused:?}");
}

#[test]
fn live_rows_that_all_failed_long_ago_at_once_are_noticed() {
    let mut stage = hundred();
    stage.pass(DAY);
    for n in 0..45 {
        let name = format!("r{n:02}.m4a");
        stage.claims.forget(&name);
        stage.claims.failed(&name);
    }
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, codes(&report.refusals)), (0, vec![Code::G010]));
}

#[test]
fn nothing_is_freed_on_a_database_that_was_doubted_when_it_was_asked_what_to_hide() {
    let mut stage = hundred();
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    (0..26).for_each(|n| stage.claims.forget(&format!("r{n:02}.m4a")));
    let report = stage.run();
    assert_eq!((codes(&report.refusals), report.purged.amount.files), (vec![Code::G010], 0));
    assert_eq!((codes(&report.purged.refusals), report.purged.refused), (vec![Code::G010], 1));
    assert_eq!(stage.purge(&[]).purged.amount.files, 0);
    assert_eq!(stage.purge(&[Code::G010]).purged.amount.files, 1, "a human looked at it");
}

#[test]
fn nothing_is_freed_whose_copy_is_gone() {
    let mut stage = Stage::new();
    stage.policy.action = Action::Archive;
    stage.archive = Some(Default::default());
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    let kept = stage.archive.replace(Default::default());
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.errors()), (0, 1), "another archive, without it");
    assert!(report.purged.failed[0].1.contains("no longer in the archive"), "{report:?}");
    stage.archive = None;
    stage.policy.action = Action::Quarantine;
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.errors()), (0, 1), "no archive to ask");
    stage.archive = kept;
    assert_eq!(stage.run().purged.amount.files, 1);
}

#[test]
fn a_saved_plan_keeps_its_quarantine() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    let plan = stage.plan();
    stage.quarantine_secs = 1;
    stage.apply(plan).unwrap();
    assert_eq!(stage.op("a.m4a").quarantine_secs, 7 * 86_400);
}
