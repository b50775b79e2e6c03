//! What the last good survey must remember, so that rows that vanish do not do so in silence.

use upsweep_engine::runs::{self, Selection};
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, Stage, codes, request};

#[test]
fn files_that_rows_only_nearly_name_are_remembered_as_claimed() {
    let mut stage = Stage::new();
    let address = |n: u32| format!("https://cdn/u{n}.m4a?v=1");
    for n in 0..60 {
        stage.orphan(&format!("u{n}.m4a"));
        stage.claims.live(&address(n));
    }
    stage.run();
    (0..24).for_each(|n| stage.claims.forget(&address(n)));
    stage.pass(DAY);
    let report = stage.run();
    assert_eq!((codes(&report.refusals), report.applied.hidden.files), (vec![Code::G010], 0));
    (24..50).for_each(|n| stage.claims.forget(&address(n)));
    stage.pass(DAY);
    assert_eq!(codes(&stage.run().refusals), [Code::G003, Code::G005, Code::G010]);
}

#[test]
fn a_file_that_was_claimed_is_remembered_while_it_is_hidden() {
    let mut stage = Stage::new();
    stage.run();
    stage.claims.forget("s0.m4a");
    stage.pass(DAY);
    stage.run();
    assert!(stage.op("s0.m4a").reason.claimed_until().is_some());
    // Good surveys that do not see it in its place.
    for _ in 0..2 {
        stage.pass(DAY);
        stage.run();
    }
    stage.with(|world| runs::restore_by_hand(world, &Selection::All, &request(&[]))).unwrap();
    stage.release_holds();
    stage.pass(DAY);
    stage.run();
    let again = stage.op("s0.m4a");
    assert_eq!(again.state, State::Quarantined);
    assert!(again.reason.claimed_until().is_some(), "it was claimed once");
}
