//! The drain: transactions that were open when a file was hidden may still claim it. They must have ended first.

use jiff::{SignedDuration, Timestamp};
use upsweep_plan::lifecycle::State;

use crate::apply::note_horizons;
use crate::databases;
use crate::error::EngineError;
use crate::ports::{Horizon, Ledger, Op, Stage};
use crate::world::World;

/// How long transactions that were open when a file was hidden may last, where the database does not say.
pub const DRAIN: SignedDuration = SignedDuration::from_mins(15);

/// The same where files are deleted at once; and the longest that a run waits for it, even where the database says.
pub const DRAIN_DELETE: SignedDuration = SignedDuration::from_secs(60);

/// How often a database that says is asked, and the longest wait between two questions whether to stop.
const POLL: SignedDuration = SignedDuration::from_secs(1);

/// Whether every transaction that was open when the file was hidden has ended, by what the database says `now`.
///
/// What was noted of another number of databases says nothing: it is asked anew.
pub(crate) fn is_drained(op: &Op, now_open: &[Horizon], now: Timestamp) -> bool {
    let rested = rested_at(op).is_some_and(|until| until <= now);
    match op.horizons.as_deref() {
        Some(then) if then.len() == now_open.len() => then.iter().zip(now_open).all(|pair| match pair {
            (Horizon::Transactions { xmin: _, next }, Horizon::Transactions { xmin, next: _ }) => xmin >= next,
            (Horizon::Clock, _) | (_, Horizon::Clock) => rested,
        }),
        Some(_) | None => false,
    }
}

/// When time alone has drained it.
fn rested_at(op: &Op) -> Option<Timestamp> {
    let drain = if op.action.frees_at_once() { DRAIN_DELETE } else { DRAIN };
    op.hidden_at.and_then(|at| at.checked_add(drain).ok())
}

/// The files that `run` hid, that are to be freed by it, and that nothing but the drain holds back.
pub(crate) fn to_delete(ledger: &dyn Ledger, run: &str) -> Result<Vec<Op>, EngineError> {
    let mut ops = ledger.ops_of(run)?;
    ops.retain(|op| op.state == State::Quarantined && op.action.frees_at_once() && !op.owes_copy());
    Ok(ops)
}

/// Waits until nothing that was open when these files were hidden is open any more, but not longer than
/// [`DRAIN_DELETE`]. Decides nothing: whether they are drained is asked again before they are freed.
///
/// # Errors
/// [`EngineError::Ledger`]; [`EngineError::Stopped`].
pub(crate) fn wait_for(world: &mut World<'_>, ledger: &mut dyn Ledger, run: &str) -> Result<(), EngineError> {
    let without: Vec<_> = to_delete(ledger, run)?.iter().filter(|op| op.horizons.is_none()).map(|op| op.id).collect();
    note_horizons(world, ledger, &without);
    let ops = to_delete(ledger, run)?;
    let until = world.now().checked_add(DRAIN_DELETE).unwrap_or(Timestamp::MAX);
    world.progress.begin(Stage::Draining, None);
    loop {
        let now = world.now();
        // A database that cannot be asked now is told of by whoever reads the claims next.
        let Ok(horizons) = databases::horizons(world) else { break };
        let open: Vec<&Op> = ops.iter().filter(|op| !is_drained(op, &horizons, now)).collect();
        if open.is_empty() || now >= until {
            break;
        }
        // Only time drains where no database says more.
        let step = if horizons.iter().all(|horizon| *horizon == Horizon::Clock) {
            open.iter().filter_map(|op| rested_at(op)).max().map_or(POLL, |at| at.duration_since(now))
        } else {
            POLL
        };
        wait(world, step.clamp(POLL, until.duration_since(now).max(POLL)))?;
        world.progress.advance(1);
    }
    world.progress.end();
    Ok(())
}

/// Waits in short slices, so that who asks to stop is heard.
fn wait(world: &World<'_>, span: SignedDuration) -> Result<(), EngineError> {
    let until = world.now().checked_add(span).unwrap_or(Timestamp::MAX);
    loop {
        world.go_on()?;
        let left = until.duration_since(world.now());
        if left <= SignedDuration::ZERO {
            return Ok(());
        }
        world.clock.wait(left.min(POLL));
    }
}
