//! What was hidden comes back: by a claim, or by hand. Never over another file.

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::Home as _;
use upsweep_engine::runs::{self, Report, Selection};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, START, Stage, key, request, session};

fn restore(stage: &mut Stage, selection: &Selection) -> (Report, Vec<Key>) {
    stage.with(|world| runs::restore_by_hand(world, selection, &request(&[]))).unwrap()
}

#[test]
fn a_file_claimed_again_comes_back_by_itself() {
    for status in ["done", "failed-to-parse", ""] {
        let mut stage = Stage::new();
        stage.hide("a.m4a");
        session(&mut stage.claims.now, "a.m4a", status);
        stage.pass(DAY);
        let report = stage.run();
        assert_eq!(report.restored.back, [key("a.m4a")]);
        assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a");
        assert_eq!((stage.op("a.m4a").state, report.still_hidden), (State::Restored, 0));
    }
}

#[test]
fn a_claim_that_appears_while_files_are_hidden_brings_one_back_in_the_same_run() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    // The survey and the recheck know nothing of it, the reading after hiding does.
    stage.claims.before(3, |db| session(db, "a.m4a", "recording"));
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.restored.amount.files), (1, 1));
    assert!(stage.has("a.m4a"));
}

#[test]
fn a_claim_on_the_original_brings_its_variants_back() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    stage.orphan("a_processed.mp3");
    assert_eq!(stage.run().applied.hidden.files, 2);
    stage.claims.live("a.m4a");
    assert_eq!(stage.run().restored.amount.files, 2);
    assert!(stage.has("a.m4a") && stage.has("a_processed.mp3"));
}

#[test]
fn a_refused_run_still_brings_files_back() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.claims.live("a.m4a");
    for n in 0..40 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    let report = stage.run();
    assert!(report.is_refused() && report.applied.hidden.files == 0);
    assert!(stage.has("a.m4a"));
}

#[test]
fn an_incomplete_listing_still_brings_files_back() {
    for purge in [false, true] {
        let mut stage = Stage::new();
        stage.hide("a.m4a");
        stage.hide("b.m4a");
        stage.claims.live("a.m4a");
        stage.store.make_unreadable("lost+found");
        stage.pass(30 * crate::stage::DAY);
        let report = if purge { stage.purge(&[]) } else { stage.run() };
        assert_eq!(crate::stage::codes(&report.refusals), [upsweep_plan::guard::Code::G008]);
        assert_eq!((report.restored.back, report.purged.amount.files), (vec![key("a.m4a")], 0));
        assert_eq!(stage.store.hidden_files(), 1, "nothing is freed on such a survey");
    }
}

#[test]
fn two_files_that_want_one_name_are_both_kept() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.store.write(&key("a.m4a"), b"new upload", START);
    stage.claims.live("a.m4a");
    let report = stage.run();
    assert_eq!((report.restored.conflicts.clone(), report.errors()), (vec![key("a.m4a")], 1));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"new upload");
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Conflict, 1));
    // A conflict is never purged, whatever happens later.
    stage.claims.forget("a.m4a");
    stage.store.remove(&key("a.m4a"));
    stage.pass(30 * DAY);
    assert_eq!(stage.run().purged.amount.files, 0);
    assert_eq!(stage.store.hidden_files(), 1);
    // A human who made room has it back.
    let (report, unknown) = restore(&mut stage, &Selection::Keys(vec![key("a.m4a"), key("b.m4a")]));
    assert_eq!((report.restored.amount.files, unknown), (1, vec![key("b.m4a")]));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a");
}

#[test]
fn of_two_hidden_files_of_one_name_the_newest_comes_back() {
    type Way = fn(&mut Stage, &str);
    let ways: [(&str, Way); 4] = [
        ("claimed", |stage, _| {
            stage.claims.live("a.m4a");
            stage.run();
        }),
        ("named", |stage, _| drop(restore(stage, &Selection::Keys(vec![key("a.m4a")])))),
        ("all", |stage, _| drop(restore(stage, &Selection::All))),
        ("of the newest run", |stage, run| drop(restore(stage, &Selection::Run(run.to_owned())))),
    ];
    for (what, way) in ways {
        let mut stage = Stage::new();
        stage.hide("a.m4a");
        stage.store.write(&key("a.m4a"), b"newest", START - 2 * DAY);
        let run = stage.run().run.unwrap();
        assert_eq!(stage.store.hidden_files(), 2);
        way(&mut stage, &run);
        assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"newest", "{what}");
        assert_eq!(stage.store.hidden_files(), 1, "{what}: the older one is kept");
    }
}

#[test]
fn only_the_run_that_is_named_comes_back() {
    let mut stage = Stage::new();
    let a = stage.hide("a.m4a");
    stage.hide("b.m4a");
    let (report, _) = restore(&mut stage, &Selection::Run(a.run));
    assert_eq!(report.restored.back, [key("a.m4a")]);
    assert!(!stage.has("b.m4a"));
    let nowhere = Selection::Run("nowhere".to_owned());
    let outcome = stage.with(|world| runs::restore_by_hand(world, &nowhere, &request(&[])));
    assert!(matches!(outcome, Err(EngineError::NoSuchRun(run)) if run == "nowhere"));
    assert_eq!(stage.home.holder().unwrap(), None);
}

#[test]
fn an_unbound_store_has_nothing_to_bring_back() {
    let mut stage = Stage::new();
    let outcome = stage.with(|world| runs::restore_by_hand(world, &Selection::All, &request(&[])));
    assert!(matches!(outcome, Err(EngineError::NotBound { .. })));
}

#[test]
fn a_hidden_file_that_somebody_took_is_reported_as_lost() {
    let mut stage = Stage::new();
    let op = stage.hide("a.m4a");
    upsweep_engine::ports::Store::put_back(&stage.store, &op.place(), &key("elsewhere.m4a")).unwrap();
    stage.claims.live("a.m4a");
    let report = stage.run();
    assert_eq!((report.restored.lost.clone(), report.errors()), (vec![key("a.m4a")], 1));
    assert_eq!(stage.op("a.m4a").state, State::Lost);
}
