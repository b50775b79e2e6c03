//! Holds at every moment of a file's life: before a plan, between plan and apply, while it is hidden.

use jiff::SignedDuration;
use upsweep_engine::apply::Skipped;
use upsweep_engine::holds;
use upsweep_engine::ports::{NewHold, Release};
use upsweep_plan::hold::{HoldTarget, Prefix};
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, START, Stage, key};

/// Sets a hold and gives its number.
fn hold(stage: &Stage, target: HoldTarget, until: Option<i64>) -> u64 {
    let until = until.map(|secs| stage.now() + SignedDuration::from_secs(secs));
    let (by, why) = ("carl".to_owned(), "a complaint".to_owned());
    let hold = NewHold { target, by, why, since: stage.now(), until };
    stage.ledger().add_holds(&[hold]).unwrap()[0].id
}

fn release(stage: &mut Stage, id: u64) {
    let now = stage.now();
    let released = stage.with(|world| holds::release(world.store, world.home, &[id], ("carl", "settled"), now));
    assert!(matches!(released.unwrap()[..], [(_, Release::Released(_))]));
}

fn file(name: &str) -> HoldTarget {
    HoldTarget::Key(key(name))
}

fn prefix(text: &str) -> HoldTarget {
    HoldTarget::Prefix(Prefix::parse(text.as_bytes()).unwrap())
}

fn owner(id: &str) -> HoldTarget {
    HoldTarget::Owner(id.to_owned())
}

/// A bound store with these files that nobody claims.
fn with_orphans(names: &[&str]) -> Stage {
    let mut stage = Stage::new();
    stage.run();
    names.iter().for_each(|name| stage.orphan(name));
    stage
}

#[test]
fn what_is_held_is_not_planned_nor_is_its_group() {
    let mut stage = with_orphans(&["a.m4a", "a_processed.mp3", "b.m4a"]);
    let id = hold(&stage, file("a_processed.mp3"), None);
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.plan.unwrap().kept.held), (1, 2));
    assert!(stage.has("a.m4a") && stage.has("a_processed.mp3") && !stage.has("b.m4a"));
    release(&mut stage, id);
    assert_eq!(stage.run().applied.hidden.files, 2);
}

#[test]
fn a_hold_between_plan_and_apply_counts() {
    let mut stage = with_orphans(&["a.m4a", "anna-1.m4a", "f.m4a", "b.m4a"]);
    stage.claims.failed("f.m4a");
    let plan = stage.plan();
    assert_eq!(plan.removals.len(), 4);
    hold(&stage, file("a.m4a"), None);
    hold(&stage, prefix("anna-"), None);
    hold(&stage, owner("f.m4a"), None);
    let report = stage.apply(plan).unwrap();
    assert_eq!(report.applied.hidden.files, 1);
    let skipped = ["a.m4a", "anna-1.m4a", "f.m4a"].map(|name| (key(name), Skipped::Held));
    assert_eq!(report.applied.skipped, skipped);
}

#[test]
fn what_is_held_while_it_is_hidden_is_neither_freed_nor_brought_back() {
    let mut stage = with_orphans(&["a.m4a", "b.m4a"]);
    stage.run();
    let id = hold(&stage, file("a.m4a"), None);
    stage.pass(8 * DAY);
    assert_eq!(stage.plan().held, [key("a.m4a")]);
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.held, report.restored.amount.files), (1, 1, 0));
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held, report.restored.amount.files), (0, 1, 0));
    assert_eq!(stage.op("a.m4a").state, State::Quarantined);
    release(&mut stage, id);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

/// A hold keeps; it does not keep from its owner: what a row needs comes back.
#[test]
fn a_claim_brings_back_what_is_held() {
    let mut stage = with_orphans(&["a.m4a"]);
    stage.run();
    hold(&stage, file("a.m4a"), None);
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.back, [key("a.m4a")]);
    // And without the row it stays where it is.
    stage.claims.forget("a.m4a");
    assert_eq!(stage.run().applied.hidden.files, 0);
    assert!(stage.has("a.m4a"));
}

/// The hold of a session keeps what its row names, failed or not, for as long as the row is there.
#[test]
fn a_sessions_hold_keeps_its_files() {
    let mut stage = with_orphans(&["f.m4a", "f_processed.mp3", "g.m4a"]);
    stage.claims.failed("f.m4a");
    stage.claims.failed("g.m4a");
    let id = hold(&stage, owner("f.m4a"), None);
    assert_eq!(stage.run().applied.hidden.files, 1);
    assert!(stage.has("f.m4a") && stage.has("f_processed.mp3") && !stage.has("g.m4a"));
    release(&mut stage, id);
    stage.run();
    hold(&stage, owner("g.m4a"), None);
    stage.pass(8 * DAY);
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (2, 1));
    assert_eq!(stage.op("g.m4a").state, State::Quarantined);
}

#[test]
fn a_prefix_keeps_all_that_begins_so() {
    let mut stage = Stage::new();
    stage.policy.recursive = true;
    stage.run();
    ["2026/a.m4a", "2026/b/c.m4a", "20260101.m4a", "x2026/a.m4a"].iter().for_each(|name| stage.orphan(name));
    hold(&stage, prefix("2026/"), None);
    assert_eq!(stage.run().applied.hidden.files, 2);
    assert!(stage.has("2026/a.m4a") && stage.has("2026/b/c.m4a") && !stage.has("20260101.m4a"));
    hold(&stage, prefix("x"), None);
    stage.pass(8 * DAY);
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.held), (1, 1));
}

#[test]
fn a_hold_ends_by_itself() {
    let mut stage = with_orphans(&["a.m4a"]);
    hold(&stage, file("a.m4a"), Some(DAY));
    assert_eq!(stage.run().applied.hidden.files, 0);
    stage.pass(DAY);
    assert_eq!(stage.run().applied.hidden.files, 1);
    assert_eq!(stage.op("a.m4a").hidden_at.map(|at| at.as_second()), Some(START + DAY));
}
