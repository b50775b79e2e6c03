//! Deleting at once: hidden, drained, rechecked, and freed by one run; or left hidden for the next.

use upsweep_adapters::archive::memory::{MemoryArchive, Trouble};
use upsweep_engine::ports::Horizon;
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, Stage, codes, forget, session};

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.policy.action = Action::Delete { backup: false };
    stage
}

impl Stage {
    /// Hides and frees `name` in a run of its own.
    pub(crate) fn hide_and_free(&mut self, name: &str) {
        self.orphan(name);
        let report = self.run();
        assert_eq!((report.purged.amount.files, self.op(name).state), (1, State::Purged), "{report:?}");
    }
}

#[test]
fn a_run_frees_what_it_hid_after_a_minute() {
    let mut stage = stage();
    stage.orphan("a.m4a");
    let before = stage.now();
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files, report.undoable), (1, 1, 0));
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Purged, 0));
    assert_eq!(stage.now().duration_since(before).as_secs(), 60, "the drain, and nothing else");
    let before = stage.now();
    stage.run();
    assert_eq!(stage.now(), before, "nothing to wait for");
}

#[test]
fn an_applied_plan_frees_what_it_hid_and_nothing_else() {
    let mut stage = stage();
    stage.policy.action = Action::Quarantine;
    stage.hide("old.m4a");
    stage.pass(8 * DAY);
    stage.policy.action = Action::Delete { backup: false };
    stage.orphan("a.m4a");
    let plan = stage.plan();
    let report = stage.apply(plan).unwrap();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files), (1, 1));
    assert_eq!((stage.op("a.m4a").state, stage.op("old.m4a").state), (State::Purged, State::Quarantined));
}

#[test]
fn a_claim_that_appears_while_it_waits_brings_the_file_back() {
    // A run reads for its survey, its recheck, and once more after the drain.
    for (read, name) in [(3, "a.m4a"), (3, "A.m4a")] {
        let mut stage = stage();
        stage.orphan("a.m4a");
        stage.orphan("b.m4a");
        stage.claims.before(read, move |db| session(db, name, "recording"));
        let report = stage.run();
        assert_eq!((report.applied.hidden.files, report.restored.amount.files), (2, 1), "{name}");
        assert_eq!((report.purged.amount.files, stage.has("a.m4a")), (1, true), "{name}");
    }
}

#[test]
fn a_claim_that_appears_while_an_applied_plan_waits_brings_the_file_back() {
    for read in [2, 3] {
        let mut stage = stage();
        stage.orphan("a.m4a");
        let plan = stage.plan();
        stage.claims.before(read, |db| session(db, "a.m4a", "recording"));
        let report = stage.apply(plan).unwrap();
        assert_eq!((report.purged.amount.files, report.restored.amount.files), (0, 1), "reading {read}");
        assert!(stage.has("a.m4a"));
    }
}

#[test]
fn an_open_transaction_leaves_the_files_hidden_for_the_next_run() {
    let at = |xmin, next| Horizon::Transactions { xmin, next };
    let mut stage = stage();
    stage.claims.now.horizon = at(100, 105);
    stage.orphan("a.m4a");
    let before = stage.now();
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.undrained, report.still_hidden), (0, 1, 1));
    assert_eq!(stage.now().duration_since(before).as_secs(), 60, "no longer than that");
    assert_eq!((stage.op("a.m4a").state, report.undoable), (State::Quarantined, 1));
    assert_eq!(stage.purge(&[]).purged.amount.files, 0, "it is still open");
    stage.claims.now.horizon = at(105, 9_000);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_transaction_that_ends_is_not_waited_for_any_longer() {
    let mut stage = stage();
    stage.claims.now.horizon = Horizon::Transactions { xmin: 100, next: 105 };
    stage.claims.horizons_end_after = Some(3);
    stage.orphan("a.m4a");
    let before = stage.now();
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.undrained), (1, 0));
    assert!(stage.now().duration_since(before).as_secs() < 10);
}

#[test]
fn a_database_that_does_not_say_when_it_is_asked_frees_nothing() {
    let mut stage = stage();
    stage.orphan("a.m4a");
    stage.claims.silent_horizon = true;
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.undrained), (0, 1));
    stage.claims.silent_horizon = false;
    stage.pass(1);
    assert_eq!(stage.purge(&[]).purged.amount.files, 0, "asked only now");
    stage.pass(61);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn guards_judge_once_more_and_without_a_floor() {
    // Ten files may be hidden on any ground, because that can be undone. To delete them needs a better one.
    for (action, hidden) in [(Action::Quarantine, 10), (Action::Delete { backup: false }, 0)] {
        let mut stage = Stage::new();
        stage.policy.action = action;
        for n in 0..10 {
            stage.claims.forget(&format!("s{n}.m4a"));
        }
        let report = stage.run();
        assert_eq!((report.applied.hidden.files, report.purged.amount.files), (hidden, 0), "{action:?}");
        let refused: &[Code] = if hidden == 0 { &[Code::G001, Code::G003] } else { &[] };
        assert_eq!(codes(&report.refusals), refused, "{action:?}");
    }
    // What was well when the files were hidden need not be so after the wait.
    let mut stage = stage();
    stage.orphan("a.m4a");
    stage.claims.before(3, |db| db.is_replica = true);
    let report = stage.run();
    assert_eq!((codes(&report.refusals), codes(&report.purged.refusals)), (vec![], vec![Code::G004]));
    assert_eq!((report.applied.hidden.files, report.purged.amount.files), (1, 0));
    assert_eq!(stage.store.hidden_files(), 1);
}

#[test]
fn an_approval_covers_what_this_very_run_hid() {
    let mut stage = stage();
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
    }
    let report = stage.try_run(&[Code::G001, Code::G003]).unwrap();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files), (40, 40));
    // One that no guard had objected to covers nothing.
    let mut stage = self::stage();
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    stage.claims.before(3, |db| (0..10).for_each(|n| forget(db, &format!("s{n}.m4a"))));
    let report = stage.try_run(&[Code::G001, Code::G003]).unwrap();
    assert_eq!(report.purged.amount.files, 30, "the survey saw them explained");
}

#[test]
fn another_database_after_the_wait_frees_nothing() {
    let mut stage = stage();
    stage.orphan("a.m4a");
    stage.claims.before(3, |db| db.identity.server = "staging".to_owned());
    assert!(stage.try_run(&[]).is_err());
    assert_eq!((stage.store.hidden_files(), stage.op("a.m4a").state), (1, State::Quarantined));
}

#[test]
fn with_backup_nothing_is_freed_without_a_copy() {
    let mut stage = stage();
    stage.policy.action = Action::Delete { backup: true };
    stage.archive = Some(MemoryArchive::default());
    stage.archive.as_ref().unwrap().set_trouble(Trouble::Rotten);
    stage.orphan("a.m4a");
    let before = stage.now();
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files, report.purged.uncopied), (1, 0, 1));
    assert_eq!(stage.now(), before, "there is nothing to wait for");
    stage.archive.as_ref().unwrap().set_trouble(Trouble::None);
    stage.pass(1);
    stage.orphan("b.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.purged.amount.files), (2, 2));
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Purged, 0));
    assert_eq!(report.undoable, 1, "b.m4a, from its copy");
}

#[test]
fn a_file_with_other_names_frees_no_bytes() {
    let mut stage = stage();
    stage.policy.action = Action::Quarantine;
    let place = stage.hide("a.m4a").place();
    stage.hide("b.m4a");
    stage.store.link_hidden(&place);
    stage.pass(8 * DAY);
    let purged = stage.purge(&[]).purged;
    assert_eq!((purged.amount.files, purged.amount.bytes, purged.other_names), (2, 5, 1));
}

#[test]
fn a_crash_while_it_waits_leaves_the_files_to_the_next_run() {
    let mut stage = stage();
    stage.orphan("a.m4a");
    // It dies right after hiding, before anything of that is noted.
    assert!(crate::crashing::dies_after(2, &mut stage, |stage| drop(stage.run())));
    assert_eq!(stage.store.hidden_files(), 1);
    let report = stage.run();
    assert_eq!((report.recovered.hidden, report.purged.amount.files), (1, 0), "hidden no earlier than now");
    stage.pass(61);
    assert_eq!(stage.run().purged.amount.files, 1);
}
