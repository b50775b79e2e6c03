//! What a run would do, without doing it.

use upsweep_engine::binding;
use upsweep_engine::planning::{self, Past};
use upsweep_engine::ports::Memories;
use upsweep_engine::world::World;
use upsweep_plan::plan::Plan;

use crate::headers;

/// Makes a plan and changes nothing.
pub(crate) fn make(world: &mut World<'_>, with_audio: bool) -> anyhow::Result<(Plan, Past)> {
    let bond = binding::examine(world.store, world.home)?;
    let ledger = binding::ledger_under(world.store, world.home, &bond)?;
    let past = ledger.as_ref().map(|ledger| Past::read(&**ledger, world.now())).transpose()?.unwrap_or_default();
    let sightings = ledger.as_ref().map(|ledger| &**ledger as &dyn Memories);
    let mut plan = planning::make(world, &bond, &past, sightings)?.plan;
    if with_audio {
        headers::add(&mut plan, world.store, world.progress);
    }
    Ok((plan.sealed(), past))
}
