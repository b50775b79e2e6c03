//! Giving a store another ledger: the one that its marker names is gone, another's, or an old copy.
//!
//! What the new one does not know is brought back: unknown means needed, and the next run judges it again. The
//! MANIFEST beside each hidden file is its intent, noted before it ever moved; bringing it back is a rename that can be
//! repeated. The marker is written last, so that after a crash the command is simply given again.

use std::collections::BTreeSet;

use upsweep_plan::guard::Binding;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};

use crate::binding;
use crate::desk::{self, Desk};
use crate::error::EngineError;
use crate::logs;
use crate::ports::{Entry, Ledger, Lying, Marker, OpId, Place, PutBackOutcome, RunKind, Stage, Store};
use crate::recover::recover;
use crate::report::{Report, Request};
use crate::restore::Restored;
use crate::world::World;

/// What adopting a ledger did, beside the report.
#[derive(Clone, Debug, Default)]
pub struct Adopted {
    /// The ledger that the store has now; `None` when that was not reached.
    pub ledger: Option<String>,
    /// The one it had, if it was another.
    pub replaced: Option<String>,
    /// Files that this ledger takes for hidden and that are not there: freed or brought back after it was copied.
    pub gone: u64,
    /// Hidden files whose name is not known: they stay where they are, and a human decides.
    pub nameless: Vec<Place>,
}

/// Takes the ledger at the configured place, or makes one, brings back every hidden file that it does not know, and
/// makes it the store's.
///
/// # Errors
/// [`EngineError`] when it could not begin: the store is not bound or not what it was, another run works, or the
/// ledger is another store's. What stops it later is in the report.
pub fn adopt(world: &mut World<'_>, request: &Request) -> Result<(Report, Adopted), EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let (Binding::Bound, Some(marker)) = (&bond.binding, &bond.marker) else {
        return Err(desk::not_bound(&bond, "adopt"));
    };
    let lease = desk::take_lease(world, request)?;
    let mut ledger = world.home.create_ledger()?;
    if binding::owner(world.home, &*ledger, Some(marker))?.as_ref() != Some(&marker.store_id) {
        ledger.belong_to(&marker.store_id)?;
    }
    let last_entry = ledger.last_entry_at()?;
    ledger.set_actor(&request.holder.by());
    let mut report = Report { recovered: recover(world, &mut *ledger, &*lease)?, ..Report::default() };
    let mut desk = Desk { lease, ledger, last_entry };
    let mut adopted = Adopted::default();
    let id = desk::begin(world, &mut desk, RunKind::Adopt, request, &mut report)?;
    let outcome = take_over(world, &mut *desk.ledger, marker, &mut report, &mut adopted);
    Ok((desk::finish(world, &mut *desk.ledger, &id, report, outcome)?, adopted))
}

fn take_over(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    marker: &Marker,
    report: &mut Report,
    adopted: &mut Adopted,
) -> Result<(), EngineError> {
    world.go_on()?;
    adopted.gone = note_gone(world, ledger)?;
    let strays = strays(world, ledger)?;
    bring_back(world, strays, &mut report.restored, &mut adopted.nameless)?;
    if marker.ledger_id != ledger.id() {
        world.store.replace_marker(&Marker { ledger_id: ledger.id().to_owned(), ..marker.clone() })?;
        adopted.replaced = Some(marker.ledger_id.clone());
    }
    adopted.ledger = Some(ledger.id().to_owned());
    Ok(())
}

/// Notes that files are not in the quarantine although this ledger says so.
fn note_gone(world: &World<'_>, ledger: &mut dyn Ledger) -> Result<u64, EngineError> {
    let mut gone = Vec::new();
    for op in ledger.ops_in(&[State::Quarantined, State::Conflict])? {
        if world.store.look_hidden(&op.place())?.is_none() {
            let note = Some("it was not in the quarantine when this ledger was adopted".to_owned());
            gone.push(Entry { note, ..Entry::plain(op.id, Event::HiddenGone) });
        }
    }
    ledger.record(&gone, world.now())?;
    Ok(gone.len() as u64)
}

/// What lies in the quarantine although this ledger does not say so, the newest first: an older file of the same name
/// then finds its place taken.
fn strays(world: &World<'_>, ledger: &dyn Ledger) -> Result<Vec<Lying>, EngineError> {
    let mut strays = Vec::new();
    for run in world.store.quarantines()? {
        let ops = ledger.ops_of(&run)?;
        let known: BTreeSet<OpId> = ops.iter().filter(|op| lies_hidden(op.state)).map(|op| op.id).collect();
        strays.extend(world.store.lying_in(&run)?.into_iter().filter(|lying| !known.contains(&lying.place.op)));
    }
    strays.sort_by(|a, b| b.place.cmp(&a.place));
    Ok(strays)
}

/// Whether a file in the quarantine is what an operation in this state leaves there, or may.
fn lies_hidden(state: State) -> bool {
    match state {
        State::Quarantining
        | State::Quarantined
        | State::Restoring
        | State::Archiving
        | State::Purging
        | State::Conflict => true,
        State::Planned
        | State::Retrieving
        | State::Restored
        | State::Purged
        | State::Superseded
        | State::Vanished
        | State::LeftAlone
        | State::Lost => false,
    }
}

fn bring_back(
    world: &World<'_>,
    strays: Vec<Lying>,
    restored: &mut Restored,
    nameless: &mut Vec<Place>,
) -> Result<(), EngineError> {
    world.progress.begin(Stage::Restoring, Some(strays.len() as u64));
    for of_run in strays.chunk_by(|a, b| a.place.run == b.place.run) {
        world.go_on()?;
        let mut moved: Vec<&Key> = Vec::new();
        for Lying { place, key, size_bytes } in of_run {
            world.progress.advance(1);
            let Some(key) = key else {
                nameless.push(place.clone());
                continue;
            };
            match world.store.put_back(place, key) {
                Ok(PutBackOutcome::Back) => {
                    restored.amount.add(*size_bytes);
                    restored.back.push(key.clone());
                    logs::file(place.op, key, "brought back");
                    moved.push(key);
                }
                Ok(PutBackOutcome::PlaceTaken) => restored.conflicts.push(key.clone()),
                Ok(PutBackOutcome::HiddenGone) => restored.lost.push(key.clone()),
                Err(error) => restored.failed.push((key.clone(), error.to_string())),
            }
        }
        let run = of_run[0].place.run.as_str();
        world.store.settle(run, &moved)?;
        if let Err(error) = world.store.tidy(run) {
            logs::quarantine_failed(run, &error, "could not remove what is left of a quarantine");
        }
    }
    world.progress.end();
    Ok(())
}

/// How many files lie in quarantines of runs that the ledger does not know: it may be an old copy.
///
/// # Errors
/// [`EngineError`] when the two cannot be compared.
pub fn count_strays(store: &dyn Store, ledger: &dyn Ledger) -> Result<u64, EngineError> {
    let mut strays = 0;
    for run in store.quarantines()? {
        if ledger.run(&run)?.is_none() {
            strays += store.lying_in(&run)?.len() as u64;
        }
    }
    Ok(strays)
}

/// The same for a run that works with this ledger: what cannot be compared stops no run.
pub(crate) fn look_for_strays(world: &World<'_>, ledger: &dyn Ledger) -> u64 {
    count_strays(world.store, ledger).unwrap_or_else(|error| {
        logs::failed(&error, "cannot compare the quarantine with the ledger");
        0
    })
}
