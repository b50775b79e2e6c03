//! Watching: what a service does every few minutes while files are hidden. A file that is claimed again comes back
//! without waiting for the next run.

use upsweep_plan::guard::Binding;
use upsweep_plan::lifecycle::State;

use crate::binding::{self, Bond};
use crate::desk::{Desk, begin, finish, sit_down};
use crate::error::EngineError;
use crate::past::PENDING;
use crate::ports::{OpFilter, RunKind};
use crate::report::{Report, Request};
use crate::restore::{look_after, restore};
use crate::world::World;

/// Brings back what is claimed again, and finishes what an interrupted run left. `None` when there was nothing of
/// either: then no run is noted, and nothing told. While nothing is hidden, or the store is not bound or not what it
/// was, nobody is kept waiting: neither is the lease taken nor a database asked.
///
/// # Errors
/// [`EngineError`] when it could not look: [`EngineError::Lease`] while another works on the store, [`EngineError::Claims`]
/// when a database is away, [`EngineError::Stopped`]. What stops it after something was done is in the report.
pub fn watch(world: &mut World<'_>, request: &Request) -> Result<Option<Report>, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    if !has_something_to_watch(world, &bond)? {
        return Ok(None);
    }
    let mut report = Report::default();
    let Some(mut desk) = sit_down(world, &bond, request, &mut report)? else { return Ok(None) };
    let hidden = desk.ledger.ops_in(&[State::Quarantined])?;
    let looked = world.go_on().and_then(|()| look_after(world, &*desk.ledger, hidden));
    // What nobody could look at stays pending, and is tried again: that alone would fill the history with one line a try.
    let has_recovered = report.recovered.total() > report.recovered.unknown;
    match &looked {
        Ok((again, _)) if again.is_empty() && !has_recovered => return Ok(None),
        Err(_) if !has_recovered => return looked.map(|_| None),
        Ok(_) | Err(_) => {}
    }
    let id = begin(world, &mut desk, RunKind::Restore, request, &mut report)?;
    let Desk { lease, ledger, last_entry: _ } = &mut desk;
    let outcome = looked.and_then(|(again, _)| restore(world, &mut **ledger, &**lease, &again, &mut report.restored));
    finish(world, &mut *desk.ledger, &id, report, outcome).map(Some)
}

fn has_something_to_watch(world: &World<'_>, bond: &Bond) -> Result<bool, EngineError> {
    let (Binding::Bound, Some(marker)) = (&bond.binding, &bond.marker) else { return Ok(false) };
    let ledger = binding::open_ledger(world.store, world.home, marker)?;
    let states = [&PENDING[..], &[State::Quarantined]].concat();
    Ok(!ledger.ops_page(&OpFilter { run: None, states }, None, 1)?.is_empty())
}
