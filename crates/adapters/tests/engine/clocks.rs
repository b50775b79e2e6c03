//! G007 and G009: stores and databases whose word cannot be taken.

use jiff::SignedDuration;
use upsweep_plan::guard::Code::{self, G007, G009};

use crate::stage::{DAY, HOUR, Stage, codes, session};

fn with_orphan() -> Stage {
    let mut stage = Stage::new();
    stage.run();
    stage.orphan("orphan.m4a");
    stage
}

#[test]
fn a_database_clock_may_be_five_minutes_off_and_no_more() {
    for (secs, is_fine) in [(300, true), (301, false), (-300, true), (-301, false), (-20 * DAY, false)] {
        let mut stage = with_orphan();
        stage.claims.now.clock = Some(stage.now() + SignedDuration::from_secs(secs));
        let report = stage.run();
        assert_eq!(report.refusals.is_empty(), is_fine, "{secs}: {report:?}");
        assert_eq!(stage.has("orphan.m4a"), !is_fine);
        if !is_fine {
            assert_eq!(codes(&report.refusals), [G007]);
            let word = if secs < 0 { "behind" } else { "ahead of" };
            assert!(report.refusals[0].saw.contains("memory") && report.refusals[0].saw.contains(word), "{report:?}");
        }
    }
}

/// A reading that takes an hour says what time it was when it began, which is no disagreement.
#[test]
fn a_slow_database_is_no_wrong_clock() {
    let mut stage = with_orphan();
    stage.claims.now.clock = Some(stage.now());
    stage.claims.takes_secs = HOUR;
    assert_eq!(stage.run().refusals, []);
}

#[test]
fn any_of_several_databases_may_object() {
    let mut stage = Stage::new();
    stage.add_database("billing");
    stage.run();
    stage.orphan("orphan.m4a");
    stage.claims.now.clock = Some(stage.now());
    let off = stage.now() + SignedDuration::from_mins(20);
    stage.other("billing").now.clock = Some(off);
    let report = stage.run();
    assert_eq!(codes(&report.refusals), [G007]);
    assert!(report.refusals[0].saw.contains("billing"), "{report:?}");
}

#[test]
fn the_stores_own_clock_counts_too() {
    let mut stage = with_orphan();
    stage.store.set_clock(stage.now() - SignedDuration::from_mins(6));
    assert_eq!(codes(&stage.run().refusals), [G007]);
    stage.store.set_clock(stage.now() - SignedDuration::from_mins(4));
    assert_eq!(stage.run().applied.hidden.files, 1);
}

#[test]
fn a_clock_in_doubt_frees_nothing_and_brings_back() {
    let mut stage = Stage::new();
    for name in ["a.m4a", "b.m4a"] {
        stage.orphan(name);
    }
    stage.run();
    stage.pass(8 * DAY);
    stage.claims.now.clock = Some(stage.now() - SignedDuration::from_hours(2));
    session(&mut stage.claims.now, "a.m4a", "done");
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.restored.amount.files), (0, 1));
    assert_eq!(codes(&report.purged.refusals), [G007]);
    assert_eq!(codes(&stage.purge(&[]).purged.refusals), [G007]);
    stage.claims.now.clock = Some(stage.now());
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

/// A run with a clock that was years ahead leaves entries of the future. Approved runs work meanwhile.
#[test]
fn a_ledger_of_the_future_waits_for_an_approval() {
    let mut stage = with_orphan();
    stage.pass(400 * DAY);
    stage.run();
    stage.pass(-390 * DAY);
    stage.orphan("late.m4a");
    let report = stage.run();
    assert_eq!((codes(&report.refusals), report.applied.hidden.files), (vec![G007], 0));
    assert!(report.refusals[0].saw.contains("but the ledger was written at"), "{report:?}");
    assert_eq!(stage.try_run(&[G007]).unwrap().applied.hidden.files, 1);
}

/// What a change is bound to must be kept by the store itself, or another file goes in its place.
#[test]
fn a_store_that_ignores_preconditions_hides_and_frees_nothing() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.orphan("b.m4a");
    stage.store.ignore_preconditions();
    stage.pass(8 * DAY);
    for allow in [&[][..], &Code::ALL] {
        let report = stage.try_run(allow).unwrap();
        assert_eq!(codes(&report.refusals), [G009]);
        let refusal = &report.refusals[0];
        assert!(refusal.saw.contains("memory carries out changes although"), "{refusal:?}");
        assert!(refusal.likely.contains("ignores conditional requests"), "{refusal:?}");
        assert!(refusal.next.contains("plans and reports are all that is safe"), "{refusal:?}");
        let purged = stage.purge(allow).purged;
        assert_eq!((codes(&purged.refusals), purged.amount.files, purged.refused), (vec![G009], 0, 1));
        assert!(stage.has("b.m4a") && stage.store.hidden_files() == 1);
    }
    // Reports are safe, and so is a run that would change nothing.
    let plan = stage.plan();
    assert_eq!((plan.removals.len(), codes(&plan.refusals)), (1, vec![G009]));
    stage.claims.live("b.m4a");
    assert_eq!(stage.run().refusals, []);
}

/// The harmless neighbour is every other store.
#[test]
fn a_store_that_honours_preconditions_is_not_asked_again() {
    let mut stage = with_orphan();
    assert_eq!((stage.run().applied.hidden.files, stage.plan().refusals), (1, vec![]));
}
