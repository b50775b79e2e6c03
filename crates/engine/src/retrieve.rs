//! Bringing files back from the archive after they were freed. Never over another file, and never unverified.

use std::collections::BTreeMap;
use std::io::Read;

use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{CopyState, Event, Life, State};

use crate::archive::NO_ARCHIVE;
use crate::error::EngineError;
use crate::hashed::{Digest, Hashed, digest};
use crate::logs;
use crate::ports::{Archive, CopyName, CopyRecord, Entry, Lease, Ledger, Op, PutBackOutcome, Stage, StoreError};
use crate::restore::Restored;
use crate::world::World;

/// The operations among these whose files were freed and have a copy, the newest of each name.
pub(crate) fn retrievable(ops: impl IntoIterator<Item = Op>) -> Vec<Op> {
    let freed = Life { state: State::Purged, copy: CopyState::Kept };
    let mut newest: BTreeMap<Key, Op> = BTreeMap::new();
    for op in ops.into_iter().filter(|op| op.life() == freed) {
        if newest.get(&op.key).is_none_or(|known| known.id < op.id) {
            newest.insert(op.key.clone(), op);
        }
    }
    newest.into_values().collect()
}

/// Brings back the files of these operations, which must be freed and have a copy, and tells `restored` as it goes.
///
/// # Errors
/// [`EngineError`] when the ledger fails, or somebody asked to stop; what was begun is in the journal.
pub(crate) fn retrieve(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    _lease: &dyn Lease,
    store: &str,
    ops: &[Op],
    restored: &mut Restored,
) -> Result<(), EngineError> {
    let Some(archive) = world.archive else {
        let cause = |op: &Op| match &op.copy {
            Some(copy) => format!("its copy is in {}, but {NO_ARCHIVE}", copy.archive),
            None => NO_ARCHIVE.to_owned(),
        };
        restored.failed.extend(ops.iter().map(|op| (op.key.clone(), cause(op))));
        return Ok(());
    };
    world.progress.begin(Stage::Retrieving, Some(ops.len() as u64));
    for op in ops {
        world.go_on()?;
        ledger.record(&[Entry::plain(op.id, Event::IntendRetrieve)], world.now())?;
        if let Some(entry) = bring(world, archive, store, op, restored) {
            ledger.record(&[entry], world.now())?;
        }
        world.progress.advance(1);
    }
    world.progress.end();
    Ok(())
}

/// Brings one file back. `None` when it is not known whether it arrived: its intent stays open, and recovery looks.
fn bring(world: &World<'_>, archive: &dyn Archive, store: &str, op: &Op, restored: &mut Restored) -> Option<Entry> {
    let not = |note: String| Some(Entry { note: Some(note), ..Entry::plain(op.id, Event::NotRetrieved) });
    match take_in(world, archive, store, op) {
        Ok(()) => {}
        Err(NotTaken::PlaceTaken) => {
            restored.conflicts.push(op.key.clone());
            return not("its place is taken".to_owned());
        }
        Err(NotTaken::Failed(cause)) => {
            restored.failed.push((op.key.clone(), cause.clone()));
            drop_taken_in(world, op);
            return not(cause);
        }
    }
    match world.store.put_in_place(&op.place(), &op.key) {
        Ok(PutBackOutcome::Back) => {
            restored.amount.add(op.facts.size_bytes);
            restored.back.push(op.key.clone());
            logs::file(op.id, &op.key, "brought back from the archive");
            Some(Entry::plain(op.id, Event::Retrieved))
        }
        Ok(PutBackOutcome::PlaceTaken) => {
            restored.conflicts.push(op.key.clone());
            drop_taken_in(world, op);
            not("its place is taken".to_owned())
        }
        Ok(PutBackOutcome::HiddenGone) => {
            let cause = "somebody else took it before it was in its place; try again".to_owned();
            restored.failed.push((op.key.clone(), cause.clone()));
            not(cause)
        }
        Err(error) => {
            restored.failed.push((op.key.clone(), error.to_string()));
            None
        }
    }
}

enum NotTaken {
    PlaceTaken,
    Failed(String),
}

/// Fetches a copy into the store's own folder, and compares it with what was hidden.
fn take_in(world: &World<'_>, archive: &dyn Archive, store: &str, op: &Op) -> Result<(), NotTaken> {
    let fail = |cause: &dyn ToString| NotTaken::Failed(cause.to_string());
    let (Some(name), Some(copy)) = (CopyName::recorded(store, op), &op.copy) else {
        return Err(fail(&"it has no copy"));
    };
    if world.store.look(&op.key).map_err(|error| fail(&error))?.is_some() {
        return Err(NotTaken::PlaceTaken);
    }
    let missing = || {
        let elsewhere = match archive.address() == copy.archive {
            true => String::new(),
            false => format!("; it was copied to {}", copy.archive),
        };
        fail(&format!("its copy {name} is not in the archive {}{elsewhere}", archive.address()))
    };
    let content = archive.read(&name).map_err(|error| fail(&error))?.ok_or_else(missing)?;
    let mut content = Hashed::new(content.take(op.facts.size_bytes.saturating_add(1)));
    let taken: Result<(), StoreError> = world.store.take_in(&op.place(), &mut content, op.facts.mtime, copy.mode);
    // What ails the copy goes before what that did to the writing.
    let found = content.finish().map_err(|cause| fail(&format!("its copy {name} cannot be read: {cause}")))?;
    taken.map_err(|error| fail(&error))?;
    if found != meant(op, copy) {
        return Err(fail(&format!("its copy {name} is damaged: it is not what was hidden")));
    }
    Ok(())
}

fn meant(op: &Op, copy: &CopyRecord) -> Digest {
    Digest { bytes: op.facts.size_bytes, blake3: copy.blake3.clone() }
}

/// What could not be used goes; if it cannot, the next attempt replaces it.
fn drop_taken_in(world: &World<'_>, op: &Op) {
    if let Err(error) = world.store.drop_taken_in(&op.place()) {
        logs::operation_failed(op.id, &error, "could not remove what came from the archive and was not used");
    }
}

/// What became of an interrupted retrieval: is the very content in its place?
///
/// # Errors
/// [`StoreError`] when it cannot be looked at.
pub(crate) fn examine(world: &World<'_>, op: &Op) -> Result<Entry, StoreError> {
    let is_there = match (world.store.look(&op.key)?, &op.copy) {
        (Some(facts), Some(copy)) if facts.size_bytes == op.facts.size_bytes && facts.mtime == op.facts.mtime => {
            let found = digest(world.store.open(&op.key)?, op.facts.size_bytes);
            let unreadable = |cause| StoreError::Io { action: "cannot read", object: op.key.to_string(), cause };
            found.map_err(unreadable)? == meant(op, copy)
        }
        _ => false,
    };
    world.store.drop_taken_in(&op.place())?;
    Ok(if is_there {
        Entry::plain(op.id, Event::Retrieved)
    } else {
        Entry { note: Some("interrupted".to_owned()), ..Entry::plain(op.id, Event::NotRetrieved) }
    })
}
