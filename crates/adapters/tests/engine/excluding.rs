//! Names that are none of our business: before they are hidden, and after.

use upsweep_plan::exclude::Exclusion;
use upsweep_plan::guard::Code;

use crate::stage::{DAY, Stage, key};

fn exclude(stage: &mut Stage, patterns: &[&str]) {
    let exclusion = |text: &&str| Exclusion::try_from((*text).to_owned()).unwrap();
    stage.policy.exclude = patterns.iter().map(exclusion).collect();
}

#[test]
fn what_is_excluded_is_not_judged_and_keeps_its_group() {
    let mut stage = Stage::new();
    exclude(&mut stage, &["*.wav", "Keep-*"]);
    for name in ["a.wav", "keep-me.m4a", "keep-me_processed.mp3", "b.m4a", "b_processed.mp3"] {
        stage.orphan(name);
    }
    // The original is excluded by its name; its variant is not, and stays with it.
    exclude(&mut stage, &["*.wav", "keep-me.m4a"]);
    let report = stage.run();
    assert_eq!(report.applied.hidden.files, 2);
    assert!(["a.wav", "keep-me.m4a", "keep-me_processed.mp3"].iter().all(|name| stage.has(name)));
    let plan = report.plan.unwrap();
    assert_eq!((plan.survey.excluded, plan.kept.ignored, plan.survey.files), (2, 1, 13));
}

#[test]
fn what_cannot_be_read_and_is_excluded_is_no_gap() {
    let mut stage = Stage::new();
    stage.policy.recursive = true;
    stage.orphan("a.m4a");
    stage.store.make_unreadable("other/private");
    let report = stage.run();
    assert_eq!(crate::stage::codes(&report.refusals), [upsweep_plan::guard::Code::G008]);
    exclude(&mut stage, &["other"]);
    assert_eq!(stage.run().applied.hidden.files, 1);
}

/// Somebody excludes a name when a file of it is hidden already. It is not freed any more, nor is it brought back
/// without anybody asking.
#[test]
fn what_is_excluded_after_it_was_hidden_stays_hidden() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "b.m4a"] {
        stage.orphan(name);
    }
    stage.run();
    stage.pass(8 * DAY);
    exclude(&mut stage, &["A.*"]);
    let plan = stage.plan();
    assert_eq!((plan.held, plan.restores), (vec![key("a.m4a")], vec![]));
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.held, report.still_hidden), (1, 1, 1));
    assert_eq!(stage.run().purged.amount.files, 0);
    // A claim brings it back all the same, and without the exclusion it is freed.
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.back, [key("a.m4a")]);
    stage.claims.forget("a.m4a");
    stage.policy.exclude.clear();
    stage.run();
    stage.pass(8 * DAY);
    assert_eq!(stage.run().purged.refused, 1, "a row claimed it shortly before");
    assert_eq!(stage.purge(&[Code::G010]).purged.amount.files, 1);
}

/// One that stays with an excluded file when both are visible stays hidden when that one is excluded.
#[test]
fn what_belongs_to_an_excluded_file_is_not_freed() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "a_processed.mp3"] {
        stage.orphan(name);
    }
    stage.run();
    stage.pass(8 * DAY);
    exclude(&mut stage, &["a.m4a"]);
    assert_eq!(stage.purge(&[]).purged.amount.files, 0);
    assert_eq!(stage.store.hidden_files(), 2);
}
