//! Holds: people say what is kept, whatever the rows say.
//!
//! None of this needs the lease, so a hold can be set while a run is at work. That is safe: the ledger takes one
//! writer at a time, each change is a transaction of its own, and a hold can only make a run do less. A run looks at
//! the holds itself, when it plans, again before anything is hidden, and once more before each batch of files is freed;
//! one that is set after that look is as if it had been set after the run, and what was hidden meanwhile can be brought
//! back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use upsweep_plan::hold::{Hold, HoldTarget};

use crate::binding;
use crate::error::EngineError;
use crate::ports::{Home, Ledger, NewHold, Op, Release, Store};
use crate::trail;
use crate::world::World;

/// Sets holds, all or none.
///
/// # Errors
/// [`EngineError`]; [`EngineError::NoLedgerYet`] on a store that is not bound.
pub fn add(store: &dyn Store, home: &dyn Home, holds: &[NewHold]) -> Result<Vec<Hold>, EngineError> {
    Ok(trail::ledger_of(store, home, "to keep a hold in")?.add_holds(holds)?)
}

/// The holds that hold at `now`; on a store that is not bound there are none.
///
/// # Errors
/// [`EngineError`].
pub fn list(store: &dyn Store, home: &dyn Home, now: Timestamp) -> Result<Vec<Hold>, EngineError> {
    Ok(binding::ledger_of(store, home)?.map(|ledger| ledger.holds(now)).transpose()?.unwrap_or_default())
}

/// Releases holds, and says what became of each.
///
/// # Errors
/// [`EngineError`]; then none was released.
pub fn release(
    store: &dyn Store,
    home: &dyn Home,
    ids: &[u64],
    (by, why): (&str, &str),
    now: Timestamp,
) -> Result<Vec<(u64, Release)>, EngineError> {
    let mut ledger = trail::ledger_of(store, home, "that could hold anything")?;
    let done = ledger.release_holds(ids, by, why, now)?;
    Ok(ids.iter().copied().zip(done).collect())
}

/// What the holds say that a restore by hand sets.
pub const BROUGHT_BACK: &str = "brought back by hand";

/// Holds the files of these operations, except those that are held for good already.
///
/// It stays where a file could not be brought back: somebody wants it, so it must not be freed either.
pub(crate) fn hold_restored(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    by: &str,
    ops: &[Op],
) -> Result<Vec<Hold>, EngineError> {
    let now = world.now();
    let held = ledger.holds(now)?.into_iter().filter(|hold| hold.until.is_none());
    let held: BTreeSet<HoldTarget> = held.map(|hold| hold.target).collect();
    let wanted: BTreeSet<HoldTarget> = ops.iter().map(|op| HoldTarget::Key(op.key.clone())).collect();
    let new = |target: &HoldTarget| NewHold {
        target: target.clone(),
        by: by.to_owned(),
        why: BROUGHT_BACK.to_owned(),
        since: now,
        until: None,
    };
    let holds: Vec<NewHold> = wanted.difference(&held).map(new).collect();
    Ok(ledger.add_holds(&holds)?)
}
