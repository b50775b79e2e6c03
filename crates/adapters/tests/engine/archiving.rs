//! Copies: verified before they count, owed until they are made, and a condition of every purge.

use upsweep_adapters::archive::memory::{MemoryArchive, Trouble};
use upsweep_engine::ports::{CopyName, Entry};
use upsweep_engine::report::Report;
use upsweep_engine::runs;
use upsweep_plan::action::Action;
use upsweep_plan::lifecycle::{CopyState, Event, State};

use crate::crashing::dies_after;
use crate::stage::{DAY, Stage, key, request, session};

const WEEK: i64 = 7 * DAY;

pub(crate) fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.archive = Some(MemoryArchive::default());
    stage.policy.action = Action::Archive;
    stage
}

pub(crate) fn archive(stage: &Stage) -> &MemoryArchive {
    stage.archive.as_ref().unwrap()
}

/// What the archive holds, by the operations' own numbers.
fn copies(stage: &Stage) -> Vec<(String, Vec<u8>)> {
    archive(stage).copies().into_iter().map(|(name, held)| (name.file, held)).collect()
}

fn purge(stage: &mut Stage) -> Report {
    stage.with(|world| runs::purge_due(world, &request(&[]))).unwrap()
}

#[test]
fn what_is_hidden_is_copied_and_freed_in_its_time() {
    let mut stage = stage();
    stage.orphan("a.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.errors(), report.copies_pending.files), (1, 0, 0));
    let op = stage.op("a.m4a");
    assert_eq!((op.state, op.life().copy), (State::Quarantined, CopyState::Kept));
    assert_eq!(copies(&stage), [(format!("{}.m4a", op.id), b"a.m4a".to_vec())]);
    let lines = archive(&stage).lines();
    let record = op.copy.unwrap();
    assert_eq!((lines.len(), lines[0].op, lines[0].key.clone()), (1, op.id, key("a.m4a")));
    assert_eq!(lines[0].blake3, record.blake3);
    assert_eq!((lines[0].mtime, lines[0].size_bytes, lines[0].mode), (op.facts.mtime, 5, 0o644));
    assert_eq!(Some(lines[0].hidden_at), op.hidden_at);
    assert_eq!(stage.run().archived.copied.files, 0, "once");
    stage.pass(WEEK - 1);
    assert_eq!(purge(&mut stage).purged.amount.files, 0);
    stage.pass(2);
    assert_eq!(purge(&mut stage).purged.amount.files, 1);
    assert_eq!(copies(&stage).len(), 1, "the copy stays");
    stage.ledger().verify().unwrap();
}

#[test]
fn quarantine_copies_nothing() {
    let mut stage = stage();
    stage.policy.action = Action::Quarantine;
    stage.hide("a.m4a");
    assert_eq!(copies(&stage), []);
}

#[test]
fn an_operation_is_finished_by_the_action_it_was_hidden_with() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    stage.hide("a.m4a");
    stage.policy.action = Action::Delete { backup: false };
    stage.hide_and_free("b.m4a");
    archive(&stage).set_trouble(Trouble::None);
    stage.pass(WEEK + 1);
    let report = purge(&mut stage);
    assert_eq!((report.archived.copied.files, report.purged.amount.files), (1, 1));
    assert_eq!(copies(&stage), [(format!("{}.m4a", stage.op("a.m4a").id), b"a.m4a".to_vec())]);
}

#[test]
fn nothing_is_freed_before_its_copy_is_recorded() {
    for trouble in [Trouble::Missing, Trouble::Full, Trouble::Rotten, Trouble::Refusing] {
        let mut stage = stage();
        archive(&stage).set_trouble(trouble);
        stage.orphan("a.m4a");
        let report = stage.run();
        assert_eq!((report.applied.hidden.files, report.archived.copied.files), (1, 0), "{trouble:?}");
        assert_eq!((report.errors(), report.copies_pending.files), (1, 1), "{trouble:?}");
        assert!(report.failure.is_none(), "{trouble:?}");
        stage.pass(WEEK + 1);
        let report = purge(&mut stage);
        assert_eq!((report.purged.amount.files, report.purged.uncopied), (0, 1), "{trouble:?}");
        assert_eq!((stage.op("a.m4a").state, stage.store.hidden_files()), (State::Quarantined, 1));
        assert_eq!((copies(&stage).len(), archive(&stage).lines().len()), (0, 0), "no copy, and none named");
        // Without any archive it is the same.
        let kept = stage.archive.take();
        let report = purge(&mut stage);
        assert_eq!((report.purged.uncopied, report.errors()), (1, 1));
        stage.archive = kept;
        archive(&stage).set_trouble(Trouble::None);
        let report = purge(&mut stage);
        assert_eq!((report.archived.copied.files, report.purged.amount.files, report.errors()), (1, 1, 0));
        stage.ledger().verify().unwrap();
    }
}

#[test]
fn a_copy_that_could_not_be_listed_does_not_count_yet() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Unlisted);
    stage.orphan("a.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.failed.len()), (0, 1));
    assert!(stage.op("a.m4a").owes_copy());
    archive(&stage).set_trouble(Trouble::None);
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.errors()), (1, 0));
    assert_eq!((copies(&stage).len(), archive(&stage).lines().len(), archive(&stage).drafts()), (1, 1, 0));
}

#[test]
fn one_file_that_cannot_be_copied_does_not_stop_the_others() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    stage.orphan("a.m4a");
    stage.orphan("b.m4a");
    stage.run();
    archive(&stage).set_trouble(Trouble::None);
    let op = stage.op("a.m4a");
    let store = stage.with(|world| world.store.marker()).unwrap().unwrap().store_id;
    let name = CopyName::new(&store, &op, upsweep_engine::ports::Compression::None);
    archive(&stage).put(&name, b"somebody else's");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.failed.len()), (1, 1));
    assert!(report.archived.failed[0].1.contains("never replaced"), "{:?}", report.archived.failed);
    assert_eq!(archive(&stage).copies()[&name], b"somebody else's");
    assert_eq!((archive(&stage).lines().len(), archive(&stage).drafts()), (1, 0));
}

#[test]
fn a_file_that_grew_comes_back_instead_of_being_copied() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    let place = stage.hide("a.m4a").place();
    archive(&stage).set_trouble(Trouble::None);
    stage.store.append_to_hidden(&place, b" goes on");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.grown.clone()), (0, vec![key("a.m4a")]));
    assert_eq!(stage.store.content(&key("a.m4a")).unwrap(), b"a.m4a goes on");
    assert_eq!((stage.op("a.m4a").state, copies(&stage).len()), (State::Restored, 0));
}

#[test]
fn a_file_that_changes_while_it_is_copied_has_no_copy() {
    let mut stage = stage();
    stage.while_copying = Some(|store| store.change_hidden(|file| file.facts.mtime.nanos += 1));
    stage.orphan("a.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.grown.len()), (0, 1), "written to: it comes back");
    assert_eq!((stage.has("a.m4a"), copies(&stage).len(), archive(&stage).drafts()), (true, 0, 0));
    // Touched, but not written to as far as anybody can tell: it stays hidden, and is tried again.
    let mut stage = self::stage();
    stage.while_copying = Some(|store| store.change_hidden(|file| file.facts.ctime.nanos += 1));
    stage.orphan("a.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.failed.len(), copies(&stage).len()), (0, 1, 0));
    stage.while_copying = None;
    assert_eq!(stage.run().archived.copied.files, 1);
}

#[test]
fn a_hidden_file_that_somebody_took_is_reported() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    let place = stage.hide("a.m4a").place();
    archive(&stage).set_trouble(Trouble::None);
    stage.with(|world| world.store.put_back(&place, &key("s99.m4a"))).unwrap();
    stage.claims.live("s99.m4a");
    let report = stage.run();
    assert_eq!((report.archived.copied.files, report.archived.failed.len()), (0, 1));
    assert_eq!((stage.op("a.m4a").state, copies(&stage).len()), (State::Lost, 0));
}

#[test]
fn a_claim_brings_a_copied_file_back_and_the_copy_stays() {
    let mut stage = stage();
    stage.hide("a.m4a");
    session(&mut stage.claims.now, "a.m4a", "done");
    assert_eq!(stage.run().restored.amount.files, 1);
    assert_eq!((stage.has("a.m4a"), copies(&stage).len()), (true, 1));
}

#[test]
fn many_files_are_copied_whatever_run_hid_them() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    for n in 0..20 {
        stage.orphan(&format!("o{n:02}.m4a"));
    }
    stage.run();
    stage.pass(DAY);
    stage.limits.floor_files = 1_000;
    for n in 20..70 {
        stage.orphan(&format!("o{n:02}.m4a"));
    }
    archive(&stage).set_trouble(Trouble::None);
    let report = stage.try_run(&[upsweep_plan::guard::Code::G001, upsweep_plan::guard::Code::G003]).unwrap();
    assert_eq!((report.archived.copied.files, archive(&stage).lines().len()), (70, 70));
    let runs: std::collections::BTreeSet<String> = archive(&stage).copies().into_keys().map(|name| name.run).collect();
    assert_eq!(runs.len(), 2);
}

/// Wherever it dies: no file is lost, the index names only whole copies, and the next run makes up for all of it.
#[test]
fn a_crash_at_any_step_of_copying_is_made_up_for() {
    let mut deaths = 0;
    for steps in 1.. {
        let mut stage = stage();
        stage.orphan("a.m4a");
        stage.orphan("b.m4a");
        let died = dies_after(steps, &mut stage, |stage| drop(stage.run()));
        deaths += u32::from(died);
        for line in archive(&stage).lines() {
            let copy = archive(&stage).copies().into_iter().find(|(name, _)| name.file == line.file).unwrap();
            assert_eq!(copy.1, line.key.as_bytes(), "step {steps}: the index names only whole copies");
        }
        let report = stage.run();
        assert_eq!((report.errors(), report.copies_pending.files), (0, 0), "step {steps}");
        stage.ledger().verify().unwrap();
        for name in ["a.m4a", "b.m4a"] {
            let op = stage.op(name);
            assert_eq!((op.state, op.life().copy), (State::Quarantined, CopyState::Kept), "step {steps}");
        }
        assert_eq!((copies(&stage).len(), archive(&stage).lines().len(), archive(&stage).drafts()), (2, 2, 0));
        stage.pass(WEEK + 1);
        assert_eq!(purge(&mut stage).purged.amount.files, 2, "step {steps}");
        if !died {
            break;
        }
    }
    assert_eq!(deaths, 14, "hiding, two drafts in three steps each, two publications, and the index");
}

#[test]
fn an_interrupted_copy_is_looked_at_by_every_command() {
    let mut stage = stage();
    archive(&stage).set_trouble(Trouble::Missing);
    let op = stage.hide("a.m4a");
    stage.ledger().record(&[Entry::plain(op.id, Event::IntendCopy)], stage.now()).unwrap();
    let report = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
    assert_eq!((report.recovered.hidden, report.recovered.total()), (1, 1));
    assert!(stage.op("a.m4a").owes_copy());
    // And if the hidden file is gone by then, that is known.
    stage.ledger().record(&[Entry::plain(op.id, Event::IntendCopy)], stage.now()).unwrap();
    stage.with(|world| world.store.put_back(&op.place(), &key("elsewhere.m4a"))).unwrap();
    let report = stage.with(|world| runs::recover_now(world, &request(&[]))).unwrap();
    assert_eq!((report.recovered.gone, stage.op("a.m4a").state), (1, State::Lost));
}
