//! Hidden files that nobody claims, whose time is over, and that must stay hidden all the same.

use upsweep_engine::ports::NewHold;
use upsweep_plan::exclude::Exclusion;
use upsweep_plan::hold::HoldTarget;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, Stage};

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
    let target = HoldTarget::Owner("F.M4A".to_owned());
    let hold =
        NewHold { target, by: "carl".to_owned(), why: "a complaint".to_owned(), since: stage.now(), until: None };
    stage.ledger().add_holds(&[hold]).unwrap();
    stage.claims.forget("f.m4a");
    stage.pass(WEEK + 1);
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.held), (0, 1));
    assert_kept(&stage, "f.m4a");
    stage.release_holds();
    assert_eq!(stage.run().purged.amount.files, 1, "nothing else keeps it");
}
