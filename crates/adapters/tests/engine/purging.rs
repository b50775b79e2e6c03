//! Freeing: every condition must hold, and each alone keeps a file.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use upsweep_engine::databases::Source;
use upsweep_engine::ports::{Clock, Horizon, Store as _};
use upsweep_engine::world::{BATCH_FILES, World};
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::State;

use crate::stage::{DAY, HOUR, Stage, codes, forget, key, session};

const WEEK: i64 = 7 * DAY;

/// `a.m4a` was hidden, and its quarantine is over.
fn due() -> Stage {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(WEEK + 1);
    stage
}

/// Nothing was freed, and nothing else happened to the file.
fn assert_kept(stage: &Stage, what: &str) {
    assert_eq!(stage.store.hidden_files(), 1, "{what}");
    assert_eq!(stage.op("a.m4a").state, State::Quarantined, "{what}");
}

#[test]
fn what_is_due_is_freed_by_a_run_and_by_a_purge() {
    let mut stage = due();
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.still_hidden), (1, 0));
    assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Purged, 0));
    assert_eq!(stage.purge(&[]).purged.amount.files, 0, "once");
    let mut stage = due();
    stage.orphan("b.m4a");
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.applied.hidden.files), (1, 0));
    assert!(stage.has("b.m4a"), "a purge hides nothing");
}

#[test]
fn a_quarantine_that_is_not_over_keeps_a_file() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    for secs in [0, WEEK - 1, 1] {
        stage.pass(secs);
        assert_eq!(stage.purge(&[]).purged.amount.files, 0, "the survey must begin after its end");
        assert_kept(&stage, "not over");
    }
    stage.pass(1);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn no_run_frees_what_it_hid_itself() {
    let mut stage = Stage::new();
    stage.quarantine_secs = 0;
    // Not even where the database says at once that everything has ended.
    stage.claims.now.horizon = Horizon::Transactions { xmin: 105, next: 105 };
    stage.hide("a.m4a");
    assert_kept(&stage, "hidden after the survey began");
}

#[test]
fn a_survey_that_began_before_the_end_of_the_quarantine_frees_nothing() {
    let mut stage = Stage::new();
    stage.hide("a.m4a");
    stage.pass(WEEK);
    // Its claims are read late, but what it knows of the store is older.
    stage.claims.takes_secs = HOUR;
    let report = stage.purge(&[]);
    stage.claims.takes_secs = 0;
    assert_eq!(report.purged.amount.files, 0);
    assert_kept(&stage, "an older survey");
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_live_claim_brings_the_file_back_instead() {
    let mut stage = due();
    stage.claims.live("a.m4a");
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.restored.amount.files), (0, 1));
    assert!(stage.has("a.m4a"));
}

#[test]
fn a_claim_that_appears_after_the_survey_brings_the_file_back_too() {
    let mut stage = due();
    stage.claims.before(2, |db| session(db, "a.m4a", "recording"));
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.restored.amount.files), (0, 1));
}

#[test]
fn a_claim_that_only_the_survey_saw_keeps_the_file_hidden() {
    let mut stage = due();
    stage.claims.live("a.m4a");
    stage.claims.before(2, |db| forget(db, "a.m4a"));
    assert_eq!(stage.purge(&[]).purged.amount.files, 0);
    assert_kept(&stage, "two readings that disagree");
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn claims_that_break_off_free_nothing() {
    for read in [1, 2] {
        let mut stage = due();
        stage.claims.before(read, |db| db.fail_after_rows = Some(5));
        let request = crate::stage::request(&Code::ALL);
        let outcome = crate::stage::ended(stage.with(|world| upsweep_engine::runs::purge_due(world, &request)));
        match (read, outcome) {
            (1, Ok(report)) => assert_eq!(codes(&report.refusals), [Code::G008]),
            (2, Err(_)) => {}
            other => panic!("{other:?}"),
        }
        assert_kept(&stage, "incomplete");
    }
}

#[test]
fn an_open_transaction_keeps_a_file() {
    let at = |xmin, next| Horizon::Transactions { xmin, next };
    let mut stage = Stage::new();
    stage.claims.now.horizon = at(100, 105);
    stage.hide("a.m4a");
    stage.pass(30 * DAY);
    // However long ago it was: transaction 104 was open when it was hidden, and is.
    stage.claims.now.horizon = at(104, 9_000);
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.undrained), (0, 1));
    assert_kept(&stage, "not drained");
    stage.claims.now.horizon = at(105, 9_000);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_database_that_does_not_say_drains_in_fifteen_minutes() {
    let mut stage = Stage::new();
    stage.quarantine_secs = 60;
    stage.hide("a.m4a");
    stage.pass(15 * 60 - 1);
    assert_eq!(stage.purge(&[]).purged.undrained, 1);
    assert_kept(&stage, "not drained");
    stage.pass(1);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_file_whose_horizon_nobody_knows_waits_for_another_run() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    stage.claims.silent_horizon = true;
    stage.run();
    assert_eq!(stage.op("a.m4a").horizons, None);
    stage.pass(WEEK + 1);
    stage.claims.silent_horizon = false;
    assert_eq!(stage.purge(&[]).purged.undrained, 1, "asked only now");
    assert_kept(&stage, "no horizon");
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_database_without_claims_frees_nothing_unless_a_human_says_so() {
    let mut stage = due();
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
    }
    let report = stage.purge(&[]);
    assert_eq!((codes(&report.purged.refusals), report.purged.refused), (vec![Code::G001, Code::G005], 1), "no floor");
    assert_kept(&stage, "G001");
    assert_eq!(stage.purge(&[Code::G003, Code::G001]).purged.amount.files, 0, "another guard's approval");
    assert_eq!(stage.purge(&[Code::G001, Code::G005]).purged.amount.files, 1);
}

#[test]
fn an_approval_given_at_hiding_covers_the_purge_of_exactly_its_files() {
    let mut stage = Stage::new();
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
        stage.store.remove(&key(&format!("s{n}.m4a")));
    }
    stage.hide("b.m4a");
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    assert_eq!(stage.try_run(&[Code::G001, Code::G003]).unwrap().applied.hidden.files, 30);
    stage.pass(WEEK + 1);
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.refused), (30, 1));
    assert_eq!(stage.op("b.m4a").state, State::Quarantined, "nobody approved that one");
}

#[test]
fn an_approval_to_hide_frees_nothing_that_earlier_runs_hid() {
    let mut stage = due();
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
    }
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    let report = stage.try_run(&[Code::G001, Code::G003]).unwrap();
    assert_eq!((report.applied.hidden.files, report.purged.amount.files), (40, 0));
    assert_eq!((codes(&report.purged.refusals), report.purged.refused), (vec![Code::G001, Code::G005], 1));
    assert_eq!(stage.op("a.m4a").state, State::Quarantined, "its purge was not what the human looked at");
    assert_eq!(stage.purge(&[Code::G001, Code::G005]).purged.amount.files, 1);
}

#[test]
fn an_approval_of_a_guard_that_did_not_object_covers_no_purge() {
    let mut stage = Stage::new();
    for n in 0..30 {
        stage.orphan(&format!("o{n}.m4a"));
    }
    let report = stage.try_run(&[Code::G001, Code::G003]).unwrap();
    assert_eq!((report.applied.hidden.files, report.overruled), (30, vec![Code::G003]));
    stage.pass(WEEK + 1);
    for n in 0..10 {
        stage.claims.forget(&format!("s{n}.m4a"));
    }
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.refused), (0, 30), "nobody saw an empty database");
}

#[test]
fn another_database_or_a_replica_frees_nothing() {
    let mut stage = due();
    stage.claims.now.identity.server = "staging".to_owned();
    assert_eq!(codes(&stage.purge(&Code::ALL).purged.refusals), [Code::G004]);
    assert_kept(&stage, "another database");
    stage.claims.now.identity.server = "memory".to_owned();
    stage.claims.now.is_replica = true;
    assert_eq!(codes(&stage.purge(&Code::ALL).purged.refusals), [Code::G004]);
    assert_kept(&stage, "a replica");
    stage.claims.now.is_replica = false;
    stage.claims.before(2, |db| db.is_replica = true);
    assert_eq!(codes(&stage.purge(&Code::ALL).purged.refusals), [Code::G004]);
    assert_kept(&stage, "a replica since the survey");
    stage.claims.now.is_replica = false;
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
}

#[test]
fn a_file_that_grew_while_it_was_hidden_comes_back_with_an_alarm() {
    let mut stage = due();
    let place = stage.op("a.m4a").place();
    stage.store.append_to_hidden(&place, b" goes on");
    let report = stage.run();
    assert_eq!((report.purged.amount.files, report.purged.grown.clone()), (0, vec![key("a.m4a")]));
    assert_eq!(report.purged.restored.back, [key("a.m4a")]);
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a goes on");
    let op = stage.op("a.m4a");
    assert_eq!(op.state, State::Restored);
    assert!(op.note.unwrap().contains("somebody still writes to it"));
    assert_eq!(report.still_hidden, 0);
}

#[test]
fn a_hidden_file_that_somebody_took_is_reported() {
    let mut stage = due();
    let place = stage.op("a.m4a").place();
    stage.store.put_back(&place, &key("b.m4a")).unwrap();
    stage.claims.live("b.m4a");
    let report = stage.purge(&[]);
    assert_eq!((report.purged.amount.files, report.purged.failed.len(), report.errors()), (0, 1, 1));
    assert_eq!(stage.op("a.m4a").state, State::Lost);
    assert!(stage.has("b.m4a"));
}

/// A clock that goes on by two minutes whenever somebody looks at it.
pub(crate) struct Hurrying(pub(crate) AtomicI64);

impl Clock for Hurrying {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.fetch_add(120, Ordering::Relaxed)).unwrap()
    }

    fn wait(&self, span: jiff::SignedDuration) {
        self.0.fetch_add(span.as_secs(), Ordering::Relaxed);
    }
}

#[test]
fn a_purge_that_takes_long_reads_the_claims_again() {
    let mut stage = Stage::new();
    for n in 0..=BATCH_FILES {
        stage.orphan(&format!("o{n:05}.m4a"));
    }
    stage.try_run(&[Code::G001, Code::G003]).unwrap();
    stage.pass(WEEK + 1);
    let last = format!("o{BATCH_FILES:05}.m4a");
    let claimed = last.clone();
    stage.claims.before(3, move |db| session(db, &claimed, "recording"));
    let clock: &Hurrying = Box::leak(Box::new(Hurrying(AtomicI64::new(stage.now().as_second()))));
    let request = crate::stage::request(&[Code::G001]);
    let report = stage.with(|world| {
        let claims = world.claims.iter_mut().map(|Source { name, claims }| Source { name, claims: &mut **claims });
        let mut slow = World { clock, claims: claims.collect(), ..*world };
        upsweep_engine::runs::purge_due(&mut slow, &request)
    });
    let report = crate::stage::ended(report).unwrap();
    assert_eq!((report.purged.amount.files, report.purged.restored.amount.files), (BATCH_FILES as u64, 1));
    assert!(stage.has(&last));
}
