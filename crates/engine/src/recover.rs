//! Finishing what a crash interrupted: every pending intent is compared with what the store shows.

use std::collections::BTreeSet;

use upsweep_plan::lifecycle::{Event, State};

use crate::apply::note_horizons;
use crate::error::EngineError;
use crate::logs;
use crate::past::PENDING;
use crate::ports::{Entry, Lease, Ledger, Op, OpId, PutBackOutcome};
use crate::restore::settle;
use crate::retrieve;
use crate::world::{BATCH_FILES, World};

/// What recovery found and finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Recovered {
    /// Files that turned out to be hidden.
    pub hidden: u64,
    /// Files that turned out to stand where they stood.
    pub in_place: u64,
    /// Files that turned out to be freed.
    pub purged: u64,
    /// Files that turned out to be gone, or to have made room for others.
    pub gone: u64,
    /// Files in conflict: both are kept.
    pub conflicts: u64,
    /// Files that could not be looked at and stay pending.
    pub unknown: u64,
}

impl Recovered {
    /// How many operations were pending.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { hidden, in_place, purged, gone, conflicts, unknown } = self;
        hidden + in_place + purged + gone + conflicts + unknown
    }
}

/// Looks at every pending operation and notes what really happened. Nothing is freed here. When somebody asks to
/// stop, the others stay pending.
///
/// # Errors
/// [`EngineError`] when the journal is damaged or cannot be written.
pub fn recover(world: &mut World<'_>, ledger: &mut dyn Ledger, _lease: &dyn Lease) -> Result<Recovered, EngineError> {
    let pending = ledger.ops_in(&PENDING)?;
    let mut recovered = Recovered::default();
    if pending.is_empty() {
        return Ok(recovered);
    }
    // Only what recovery rests on: a damaged audit trail is told by `upsweep audit verify`, and must not keep files hidden.
    ledger.verify_journal()?;
    for batch in pending.chunks(BATCH_FILES) {
        // Whoever asked to stop is heard by the run that now begins: so there is a line in the history.
        if world.stop.is_asked() {
            break;
        }
        // The interrupted run may not have had the time to make durable what it moved.
        let ready = settled(world, batch);
        recovered.unknown += (batch.len() - ready.len()) as u64;
        let batch = ready.as_slice();
        let mut entries = Vec::with_capacity(batch.len());
        let mut hidden: Vec<OpId> = Vec::new();
        for op in batch {
            match examine(world, op) {
                Ok(entry) => {
                    count(&mut recovered, op.state, entry.event);
                    tell(op, entry.event);
                    if op.state == State::Quarantining && entry.event == Event::Hidden {
                        hidden.push(op.id);
                    }
                    entries.push(entry);
                }
                Err(error) => {
                    recovered.unknown += 1;
                    logs::operation_failed(op.id, &error, "cannot tell what became of an interrupted operation");
                }
            }
        }
        // And what was put back here must be durable before it is noted.
        settle(world, batch)?;
        ledger.record(&entries, world.now())?;
        note_horizons(world, ledger, &hidden);
    }
    Ok(recovered)
}

/// What the interrupted run could not log any more.
fn tell(op: &Op, event: Event) {
    match event {
        Event::Hidden => logs::file(op.id, &op.key, "hidden"),
        Event::PutBack => logs::file(op.id, &op.key, "brought back"),
        Event::Freed => logs::file(op.id, &op.key, "freed"),
        Event::Copied => logs::file(op.id, &op.key, "copied"),
        Event::Retrieved => logs::file(op.id, &op.key, "brought back from the archive"),
        Event::IntendHide
        | Event::FoundOther
        | Event::FoundNothing
        | Event::NotMoved
        | Event::IntendRestore
        | Event::PlaceTaken
        | Event::HiddenGone
        | Event::StillHidden
        | Event::IntendPurge
        | Event::IntendCopy
        | Event::NotCopied
        | Event::IntendRetrieve
        | Event::NotRetrieved => {}
    }
}

/// The operations whose folders could be made durable. The others stay pending and hold up nobody.
fn settled(world: &World<'_>, batch: &[Op]) -> Vec<Op> {
    // What arrived in the quarantine first: a power cut must not find a file gone from both places.
    let runs: BTreeSet<&str> = batch.iter().map(|op| op.run.as_str()).collect();
    let arrived = runs.into_iter().try_for_each(|run| world.store.settle(run, &[]));
    if arrived.is_ok() && settle(world, batch).is_ok() {
        return batch.to_vec();
    }
    let is_settled = |op: &&Op| match settle(world, std::slice::from_ref(*op)) {
        Ok(()) => true,
        Err(error) => {
            logs::operation_failed(op.id, &error, "cannot make durable what an interrupted operation moved");
            false
        }
    };
    batch.iter().filter(is_settled).cloned().collect()
}

fn examine(world: &World<'_>, op: &Op) -> Result<Entry, EngineError> {
    if op.state == State::Retrieving {
        return Ok(retrieve::examine(world, op)?);
    }
    let hidden = world.store.look_hidden(&op.place())?;
    Ok(match (op.state, hidden) {
        // The rename happened. Is what arrived what was meant?
        (State::Quarantining, Some(facts)) if facts.is_same_after_rename(&op.facts) => {
            Entry { hidden_facts: Some(facts), ..Entry::plain(op.id, Event::Hidden) }
        }
        (State::Quarantining, Some(_)) => match world.store.put_back(&op.place(), &op.key)? {
            PutBackOutcome::Back | PutBackOutcome::HiddenGone => Entry::plain(op.id, Event::FoundOther),
            PutBackOutcome::PlaceTaken => Entry::plain(op.id, Event::PlaceTaken),
        },
        // Not in the quarantine: only now may its old place be asked.
        (State::Quarantining, None) => match world.store.look(&op.key)? {
            Some(facts) if facts.is_same_inode(&op.facts) => {
                Entry { note: Some("interrupted before it moved".to_owned()), ..Entry::plain(op.id, Event::NotMoved) }
            }
            Some(_) => Entry::plain(op.id, Event::FoundOther),
            None => Entry::plain(op.id, Event::FoundNothing),
        },
        // Its place is taken, then or by now: it may have been in conflict before, and no purge may free it.
        (State::Restoring, Some(_)) if world.store.look(&op.key)?.is_some() => Entry::plain(op.id, Event::PlaceTaken),
        (State::Restoring | State::Purging, Some(_)) => Entry::plain(op.id, Event::StillHidden),
        // Whatever the archive has of it: the next copying finds that, or begins anew.
        (State::Archiving, Some(_)) => {
            Entry { note: Some("interrupted".to_owned()), ..Entry::plain(op.id, Event::NotCopied) }
        }
        (State::Archiving, None) => Entry {
            note: Some("somebody else took it out of the quarantine".to_owned()),
            ..Entry::plain(op.id, Event::HiddenGone)
        },
        (State::Restoring, None) => match world.store.look(&op.key)? {
            Some(_) => Entry::plain(op.id, Event::PutBack),
            None => Entry {
                note: Some("neither in the quarantine nor in its place".to_owned()),
                ..Entry::plain(op.id, Event::HiddenGone)
            },
        },
        // "Already gone" is an outcome.
        (State::Purging, None) => Entry::plain(op.id, Event::Freed),
        (state, _) => unreachable!("only pending operations are examined, not {state:?}"),
    })
}

fn count(recovered: &mut Recovered, state: State, event: Event) {
    *match event {
        Event::Hidden | Event::StillHidden | Event::NotCopied => &mut recovered.hidden,
        Event::NotMoved | Event::PutBack | Event::Retrieved => &mut recovered.in_place,
        Event::Freed | Event::NotRetrieved => &mut recovered.purged,
        Event::FoundOther if state == State::Quarantining => &mut recovered.in_place,
        Event::PlaceTaken => &mut recovered.conflicts,
        _ => &mut recovered.gone,
    } += 1;
}
