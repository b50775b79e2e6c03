//! Hidden files that nobody claims, whose time is over, and that must stay hidden all the same.

use jiff::Timestamp;
use upsweep_adapters::home::memory::MemoryHome;
use upsweep_engine::ports::{Home as _, NewHold};
use upsweep_plan::exclude::Exclusion;
use upsweep_plan::hold::HoldTarget;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, Stage, key};

const WEEK: i64 = 7 * DAY;

fn assert_kept(stage: &Stage, name: &str) {
    assert_eq!(stage.op(name).state, State::Quarantined, "{name}");
}

#[test]
fn what_was_excluded_after_it_was_hidden_is_not_freed() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "b.m4a", "b_processed.mp3", "c.m4a"] {
        stage.orphan(name);
    }
    assert_eq!(stage.run().applied.hidden.files, 4);
    stage.pass(WEEK + 1);
    let exclusion = |text: &str| Exclusion::try_from(text.to_owned()).unwrap();
    stage.policy.exclude = vec![exclusion("a.*"), exclusion("b_processed.mp3")];
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (1, 3));
    for name in ["a.m4a", "b.m4a", "b_processed.mp3"] {
        assert_kept(&stage, name);
    }
    assert_eq!(stage.op("c.m4a").state, State::Purged);
    stage.policy.exclude.clear();
    assert_eq!(stage.run().purged.amount.files, 3, "nothing else keeps them");
}

#[test]
fn a_visible_file_that_is_excluded_keeps_its_hidden_relatives() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    stage.orphan("a_processed.mp3");
    stage.policy.exclude = vec![Exclusion::try_from("a_processed.mp3".to_owned()).unwrap()];
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (0, 1));
    assert_kept(&stage, "a.m4a");
}

#[test]
fn a_held_session_keeps_its_hidden_file_when_its_row_is_gone() {
    let mut stage = Stage::new();
    stage.orphan("f.m4a");
    stage.claims.failed("f.m4a");
    stage.run();
    assert_kept(&stage, "f.m4a");
    hold_on(&stage.home, HoldTarget::Owner("F.M4A".to_owned()), stage.now());
    stage.claims.forget("f.m4a");
    stage.pass(WEEK + 1);
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (0, 1));
    assert_kept(&stage, "f.m4a");
    stage.release_holds();
    assert_eq!(stage.run().purged.amount.files, 1, "nothing else keeps it");
}

fn hold_on(home: &MemoryHome, target: HoldTarget, since: Timestamp) {
    let hold = NewHold { target, by: "carl".to_owned(), why: "a complaint".to_owned(), since, until: None };
    home.ledger().unwrap().unwrap().add_holds(&[hold]).unwrap();
}

#[test]
fn a_hold_that_is_set_while_the_rows_are_read_for_the_last_time_keeps_the_file() {
    let (file, session) = (HoldTarget::Key(key("a.m4a")), HoldTarget::Owner("a.m4a".to_owned()));
    for (target, others) in [(file.clone(), 1), (session, 1), (file, 0)] {
        let mut stage = Stage::new();
        stage.orphan("a.m4a");
        for _ in 0..others {
            stage.orphan("b.m4a");
        }
        stage.claims.failed("a.m4a");
        stage.run();
        stage.pass(WEEK + 1);
        let (home, since) = (stage.home.clone(), stage.now());
        // The survey is the first reading, the watch over the hidden files the second.
        stage.claims.before(2, move |_| hold_on(&home, target, since));
        let report = stage.run();
        assert_eq!((report.purged.amount.files, report.purged.held), (others, 1), "nobody holds the other one");
        assert_kept(&stage, "a.m4a");
    }
}

#[test]
fn time_drains_before_the_last_reading_and_not_during_it() {
    let mut stage = Stage::new();
    stage.quarantine_secs = 60;
    stage.hide("a.m4a");
    stage.pass(9 * 60);
    // The survey ends after 13 minutes, the last reading begins then and ends after 17.
    stage.claims.takes_secs = 4 * 60;
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.undrained), (0, 1));
    assert_kept(&stage, "a.m4a");
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_young_relative_in_sight_keeps_a_hidden_file() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    // Somebody is still at work on what belongs together.
    stage.store.write(&key("A_processed.mp3"), b"new", stage.now().as_second() - 60);
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (0, 1));
    assert_kept(&stage, "a.m4a");
    stage.store.remove(&key("A_processed.mp3"));
    assert_eq!(stage.run().purged.amount.files, 1, "nothing else keeps it");
}

#[test]
fn a_retention_that_was_raised_since_keeps_a_hidden_orphan() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    stage.policy.orphan_retention_secs = 30 * 86_400;
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (0, 1));
    assert_kept(&stage, "a.m4a");
    stage.pass(21 * DAY);
    assert_eq!(stage.run().purged.amount.files, 1, "it is as old as that by now");
}
