//! What the age of an orphan counts from.

use upsweep_plan::policy::AgeFrom;

use crate::stage::{DAY, HOUR, START, Stage};

#[test]
fn first_seen_takes_two_runs() {
    let mut stage = Stage::new();
    stage.policy.age_from = AgeFrom::FirstSeen;
    stage.orphan("old.m4a");
    assert_eq!(stage.plan().removals, [], "a plan alone has seen nothing");
    assert_eq!(stage.plan().removals, []);
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.plan.unwrap().kept.too_young), (0, 1));
    stage.pass(24 * HOUR);
    assert_eq!(stage.run().applied.hidden.files, 0, "not longer than a day ago");
    stage.pass(1);
    assert_eq!(stage.run().applied.hidden.files, 1, "it was seen a day ago");
    let since = stage.op("old.m4a").reason.counted_from().as_second();
    assert_eq!(since, START, "and that is what its reason says");
}

#[test]
fn first_seen_means_this_very_file_and_unclaimed() {
    let mut stage = Stage::new();
    stage.policy.age_from = AgeFrom::FirstSeen;
    stage.orphan("rewritten.m4a");
    stage.run();
    stage.pass(DAY + 1);
    // Another file under the same name, old as its own time may be; and one that was claimed until today.
    stage.orphan("rewritten.m4a");
    stage.claims.forget("s0.m4a");
    assert_eq!(stage.run().applied.hidden.files, 0);
    stage.pass(DAY + 1);
    assert_eq!(stage.run().applied.hidden.files, 2);
    assert!(!stage.has("rewritten.m4a") && !stage.has("s0.m4a"));
}

/// A survey that did not complete has seen nothing; one that a guard refused has.
#[test]
fn which_surveys_have_seen_a_file() {
    let mut stage = Stage::new();
    stage.policy.age_from = AgeFrom::FirstSeen;
    stage.run();
    stage.orphan("a.m4a");
    stage.claims.before(1, |db| db.fail_after_rows = Some(3));
    stage.run();
    stage.claims.now.fail_after_rows = None;
    stage.pass(DAY + 1);
    stage.claims.now.identity.server = "staging".to_owned();
    stage.run();
    stage.claims.now.identity.server = "memory".to_owned();
    assert_eq!(stage.run().applied.hidden.files, 0);
    stage.pass(DAY + 1);
    assert_eq!(stage.run().applied.hidden.files, 1);
}
