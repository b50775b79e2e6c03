//! Bringing hidden files back: by hand, or because a claim needs them again. Never over another file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};
use upsweep_plan::listing::Names;
use upsweep_plan::recheck::HiddenVerdict;

use crate::claims::{self, Extent, Reading};
use crate::databases::Snapshots;
use crate::error::EngineError;
use crate::hidden;
use crate::logs;
use crate::ports::{Amount, Entry, Lease, Ledger, Op, PutBackOutcome, Stage, StoreError};
use crate::world::{BATCH_FILES, World};

/// What bringing files back did.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Files that are back.
    pub back: Vec<Key>,
    /// Their number and bytes.
    pub amount: Amount,
    /// Files whose place is taken: both are kept.
    pub conflicts: Vec<Key>,
    /// Files that somebody took out of the quarantine.
    pub lost: Vec<Key>,
    /// Files that could not be moved, with the cause; they are still hidden.
    pub failed: Vec<(Key, String)>,
}

impl Restored {
    /// Adds another one's results.
    pub fn extend(&mut self, other: Self) {
        let Self { back, amount, conflicts, lost, failed } = other;
        self.back.extend(back);
        self.amount.files += amount.files;
        self.amount.bytes += amount.bytes;
        self.conflicts.extend(conflicts);
        self.lost.extend(lost);
        self.failed.extend(failed);
    }

    /// How many files could not be brought back.
    #[must_use]
    pub fn problems(&self) -> u64 {
        (self.conflicts.len() + self.lost.len() + self.failed.len()) as u64
    }
}

/// Brings back the files of these operations, which must be hidden or in conflict, and tells `restored` as it goes.
///
/// Of several files of one name the newest comes first: an older one then finds its place taken.
///
/// # Errors
/// [`EngineError`]; what was begun is in the journal.
pub fn restore(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    _lease: &dyn Lease,
    ops: &[Op],
    restored: &mut Restored,
) -> Result<(), EngineError> {
    if ops.is_empty() {
        return Ok(());
    }
    let mut ops = ops.to_vec();
    ops.sort_by_key(|op| std::cmp::Reverse(op.id));
    world.progress.begin(Stage::Restoring, Some(ops.len() as u64));
    let done = restore_all(world, ledger, &ops, restored);
    world.progress.end();
    tidy(world, &ops);
    done
}

/// In batches. The first one is not put off: who calls knows that these files are needed.
fn restore_all(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    ops: &[Op],
    restored: &mut Restored,
) -> Result<(), EngineError> {
    for (number, batch) in ops.chunks(BATCH_FILES).enumerate() {
        if number > 0 {
            world.go_on()?;
        }
        let intents: Vec<Entry> = batch.iter().map(|op| Entry::plain(op.id, Event::IntendRestore)).collect();
        ledger.record(&intents, world.now())?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for op in batch {
            outcomes.push(put_back(world, op, restored));
            world.progress.advance(1);
        }
        // Only where something moved: a folder that cannot even be opened must not hold up the others.
        let moved = batch.iter().zip(&outcomes).filter(|(_, outcome)| outcome.event == Event::PutBack);
        let moved: Vec<Op> = moved.map(|(op, _)| op.clone()).collect();
        settle(world, &moved)?;
        ledger.record(&outcomes, world.now())?;
    }
    Ok(())
}

/// Removes what is left of quarantines that are empty now.
pub(crate) fn tidy(world: &World<'_>, ops: &[Op]) {
    let runs: BTreeSet<&str> = ops.iter().map(|op| op.run.as_str()).collect();
    for run in runs {
        if let Err(error) = world.store.tidy(run) {
            logs::quarantine_failed(run, &error, "could not remove what is left of a quarantine");
        }
    }
}

/// Makes durable whatever moved between the quarantine and the places of these operations.
pub(crate) fn settle(world: &World<'_>, ops: &[Op]) -> Result<(), StoreError> {
    let mut by_run: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
    for op in ops {
        by_run.entry(&op.run).or_default().push(&op.key);
    }
    by_run.into_iter().try_for_each(|(run, keys)| world.store.settle(run, &keys))
}

fn put_back(world: &World<'_>, op: &Op, restored: &mut Restored) -> Entry {
    match world.store.put_back(&op.place(), &op.key) {
        Ok(PutBackOutcome::Back) => {
            restored.amount.add(op.facts.size_bytes);
            restored.back.push(op.key.clone());
            logs::file(op.id, &op.key, "brought back");
            Entry::plain(op.id, Event::PutBack)
        }
        Ok(PutBackOutcome::PlaceTaken) => {
            restored.conflicts.push(op.key.clone());
            Entry::plain(op.id, Event::PlaceTaken)
        }
        Ok(PutBackOutcome::HiddenGone) => {
            restored.lost.push(op.key.clone());
            Entry::plain(op.id, Event::HiddenGone)
        }
        Err(error) => {
            restored.failed.push((op.key.clone(), error.to_string()));
            // What waits for a human must not become something that a purge may free.
            let event = if op.state == State::Conflict { Event::PlaceTaken } else { Event::StillHidden };
            Entry { note: Some(error.to_string()), ..Entry::plain(op.id, event) }
        }
    }
}

/// Reads the claims once more, brings back every hidden file that one of them needs, and tells `restored` as it goes.
///
/// Gives the reading's snapshots and the files that stay hidden, which the purge may go on with at once:
/// `None` when nothing is hidden and the claims were not read.
///
/// # Errors
/// [`EngineError`] when the claims cannot be read: nothing is concluded then.
pub fn restore_claimed_again(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    restored: &mut Restored,
) -> Result<Watched, EngineError> {
    let hidden = ledger.ops_in(&[State::Quarantined])?;
    restore_claimed_among(world, ledger, lease, hidden, restored)
}

/// The same for these hidden files alone.
pub(crate) fn restore_claimed_among(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    hidden: Vec<Op>,
    restored: &mut Restored,
) -> Result<Watched, EngineError> {
    let (again, watched) = look_after(world, ledger, hidden)?;
    restore(world, ledger, lease, &again, restored)?;
    Ok(watched)
}

/// Reads the claims once more: which of these hidden files they need by now, and what is to be said of the others.
pub(crate) fn look_after(
    world: &mut World<'_>,
    ledger: &dyn Ledger,
    hidden: Vec<Op>,
) -> Result<(Vec<Op>, Watched), EngineError> {
    let asked_at = world.now();
    if hidden.is_empty() {
        let (still_hidden, holds) = (vec![], BTreeSet::new());
        let watched = Watched { still_hidden, held: 0, snapshots: None, holds, asked_at, read_at: asked_at };
        return Ok((vec![], watched));
    }
    let names: Names = hidden.iter().map(|op| &op.key).collect();
    let holds = ledger.holds(asked_at)?;
    let Reading { matched, snapshots, clocks: _ } =
        claims::read(world, &names, Extent::Some, &holds, Stage::Rechecking)?;
    let read_at = world.now();
    let verdicts = hidden::judge(&matched, &names, &hidden, hidden::Keeping::new(), &holds, world.policy, world.now());
    let (mut again, mut still_hidden, mut held) = (Vec::new(), Vec::new(), 0);
    for (op, verdict) in hidden.into_iter().zip(verdicts) {
        match verdict {
            HiddenVerdict::Restore(_) => again.push(op),
            HiddenVerdict::Stay(_) => held += 1,
            HiddenVerdict::StillRemove => still_hidden.push(op),
        }
    }
    let holds = holds.iter().map(|hold| hold.id).collect();
    Ok((again, Watched { still_hidden, held, snapshots: Some(snapshots), holds, asked_at, read_at }))
}

/// What looking after the hidden files showed.
pub struct Watched {
    /// When their reading began: what was committed later may not be in it.
    pub asked_at: Timestamp,
    /// When the claims had been read.
    pub read_at: Timestamp,
    /// Files that the newest claims still do not need, and that nobody holds.
    pub still_hidden: Vec<Op>,
    /// Files that stay hidden because somebody holds them.
    pub held: u64,
    /// The numbers of the holds that were taken into account.
    pub holds: BTreeSet<u64>,
    /// What the databases said of themselves; `None` when nothing is hidden.
    pub snapshots: Option<Snapshots>,
}
