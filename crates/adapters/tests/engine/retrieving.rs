//! What was freed comes back from its copy: byte for byte, with its time, and never over another file.

use upsweep_engine::ports::Entry;
use upsweep_engine::report::Report;
use upsweep_engine::runs::{self, Selection};
use upsweep_plan::action::Action;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};

use crate::archiving::{archive, stage};
use crate::crashing::dies_after;
use crate::stage::{DAY, START, Stage, key, request};

/// `a.m4a` was hidden, copied, and freed.
fn freed() -> Stage {
    let mut stage = stage();
    stage.hide("a.m4a");
    stage.pass(8 * DAY);
    assert_eq!(stage.purge(&[]).purged.amount.files, 1);
    stage
}

fn restore(stage: &mut Stage, selection: &Selection) -> (Report, Vec<Key>) {
    stage.with(|world| runs::restore_by_hand(world, selection, &request(&[]))).unwrap()
}

fn by_name(stage: &mut Stage) -> Report {
    let (report, unknown) = restore(stage, &Selection::Keys(vec![key("a.m4a")]));
    assert_eq!(unknown, []);
    report
}

#[test]
fn a_freed_file_comes_back_as_it_was() {
    for by_run in [false, true] {
        let mut stage = freed();
        let run = stage.op("a.m4a").run;
        let report = if by_run { restore(&mut stage, &Selection::Run(run)).0 } else { by_name(&mut stage) };
        assert_eq!((report.retrieved.amount.files, report.retrieved.amount.bytes, report.errors()), (1, 5, 0));
        let file = stage.store.file(&key("a.m4a")).unwrap();
        assert_eq!((file.content.as_slice(), file.mode), (&b"a.m4a"[..], 0o644));
        assert_eq!((file.facts.mtime.secs, stage.store.incoming_files()), (START - 2 * DAY, 0));
        assert_eq!(stage.op("a.m4a").state, State::Restored);
        assert_eq!(archive(&stage).copies().len(), 1, "the copy stays");
        stage.ledger().verify().unwrap();
    }
}

#[test]
fn all_means_what_is_hidden() {
    let mut stage = freed();
    let (report, unknown) = restore(&mut stage, &Selection::All);
    assert_eq!((report.retrieved.amount.files, report.restored.amount.files, unknown), (0, 0, vec![]));
    assert!(!stage.has("a.m4a"));
}

#[test]
fn what_has_no_copy_does_not_come_back() {
    let mut stage = stage();
    stage.policy.action = Action::Quarantine;
    stage.hide("a.m4a");
    stage.pass(8 * DAY);
    stage.purge(&[]);
    let (report, unknown) = restore(&mut stage, &Selection::Keys(vec![key("a.m4a")]));
    assert_eq!((report.retrieved.amount.files, unknown), (0, vec![key("a.m4a")]));
}

#[test]
fn a_copy_that_is_not_what_was_hidden_never_gets_into_the_store() {
    let changes: [fn(&mut Vec<u8>); 4] =
        [|held| held[0] ^= 1, Vec::clear, |held| held.push(b'!'), |held| held.extend([0; 1_000])];
    for change in changes {
        let mut stage = freed();
        archive(&stage).change_copies(change);
        let report = by_name(&mut stage);
        assert_eq!((report.retrieved.amount.files, report.retrieved.failed.len(), report.errors()), (0, 1, 1));
        assert!(report.retrieved.failed[0].1.contains("is damaged"), "{:?}", report.retrieved.failed);
        assert_eq!((stage.has("a.m4a"), stage.store.incoming_files()), (false, 0));
        assert_eq!(stage.op("a.m4a").state, State::Purged, "to be tried again when the copy is mended");
    }
}

#[test]
fn an_archive_that_is_not_there_is_told() {
    let mut stage = freed();
    let kept = stage.archive.take();
    let report = by_name(&mut stage);
    assert!(report.retrieved.failed[0].1.contains("set archive_url"), "{:?}", report.retrieved.failed);
    stage.archive = kept;
    archive(&stage).lose_copies();
    let report = by_name(&mut stage);
    assert!(report.retrieved.failed[0].1.contains("is not in the archive"), "{:?}", report.retrieved.failed);
    assert_eq!(stage.op("a.m4a").state, State::Purged);
}

#[test]
fn nothing_is_put_over_another_file() {
    let mut stage = freed();
    stage.store.write(&key("a.m4a"), b"new upload", START);
    let report = by_name(&mut stage);
    assert_eq!((report.retrieved.conflicts.clone(), report.errors()), (vec![key("a.m4a")], 1));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"new upload");
    stage.store.remove(&key("a.m4a"));
    assert_eq!(by_name(&mut stage).retrieved.amount.files, 1);
}

#[test]
fn the_newest_of_a_name_comes_back_and_hidden_ones_first() {
    let mut stage = freed();
    stage.store.write(&key("a.m4a"), b"second", START - 2 * DAY);
    stage.run();
    stage.pass(8 * DAY);
    stage.purge(&[]);
    let (one, two) = (by_name(&mut stage), stage.store.content(&key("a.m4a")).unwrap());
    assert_eq!((one.retrieved.amount.files, two.as_slice()), (1, &b"second"[..]));
    // Hidden again, it is the hidden one that comes back.
    stage.release_holds();
    stage.store.write(&key("a.m4a"), b"third", START - 2 * DAY);
    stage.run();
    let report = by_name(&mut stage);
    assert_eq!((report.restored.amount.files, report.retrieved.amount.files), (1, 0));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"third");
}

#[test]
fn what_came_back_is_judged_like_any_other_file() {
    let mut stage = freed();
    by_name(&mut stage);
    assert_eq!(stage.run().applied.hidden.files, 0, "who brought it back holds it");
    stage.release_holds();
    let report = stage.run();
    assert_eq!((report.applied.hidden.files, report.archived.copied.files), (1, 1), "no row claims it");
    assert_eq!(archive(&stage).copies().len(), 2);
}

/// Wherever it dies: the copy is there, nothing is torn, and another attempt brings the file back.
#[test]
fn a_crash_at_any_step_of_retrieving_is_made_up_for() {
    let mut deaths = 0;
    for steps in 1.. {
        let mut stage = freed();
        let died = dies_after(steps, &mut stage, |stage| drop(by_name(stage)));
        deaths += u32::from(died);
        let there = stage.store.content(&key("a.m4a"));
        assert!(there.as_deref().is_none_or(|held| held == b"a.m4a"), "step {steps}: {there:?}");
        let report = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
        assert_eq!((report.recovered.unknown, stage.store.incoming_files()), (0, 0), "step {steps}");
        let state = stage.op("a.m4a").state;
        assert_eq!(stage.has("a.m4a"), state == State::Restored, "step {steps}: {state:?}");
        if state == State::Purged {
            assert_eq!(by_name(&mut stage).retrieved.amount.files, 1, "step {steps}");
        }
        assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a");
        assert_eq!(archive(&stage).copies().len(), 1);
        stage.ledger().verify().unwrap();
        if !died {
            break;
        }
    }
    assert_eq!(deaths, 5, "taking in, in three steps, and putting in place");
}

#[test]
fn a_file_of_the_same_size_and_time_is_not_taken_for_the_retrieved_one() {
    let mut stage = freed();
    let op = stage.op("a.m4a");
    stage.ledger().record(&[Entry::plain(op.id, Event::IntendRetrieve)], stage.now()).unwrap();
    stage.store.write(&key("a.m4a"), b"A.M4A", op.facts.mtime.secs);
    let report = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
    assert_eq!((report.recovered.purged, stage.op("a.m4a").state), (1, State::Purged));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"A.M4A");
}
