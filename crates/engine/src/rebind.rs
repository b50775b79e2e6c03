//! Binding a store to another database, after a real migration of the one it had (G004).

use upsweep_plan::guard::{self, Phase, Situation};
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::DatabaseIdentity;

use crate::apply::note_horizons;
use crate::binding::{self, Bond};
use crate::desk::{self, Desk};
use crate::error::EngineError;
use crate::planning::Planned;
use crate::ports::{Ledger, Marker, OpId, RunKind};
use crate::report::{Report, Request};
use crate::situation::situation;
use crate::trail;
use crate::world::World;

/// What the store was bound to, and is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebound {
    /// Before.
    pub from: Vec<DatabaseIdentity>,
    /// Now; the same where there was nothing to change.
    pub to: Vec<DatabaseIdentity>,
}

/// Makes a survey with the database as it is configured now and, where no guard objects, binds the store to it.
///
/// The guards judge as before freeing files, without any floor, and as if something were to go: an empty database
/// is refused even while no file is old enough. How much a plan would remove is another question, which the next run
/// asks.
///
/// # Errors
/// [`EngineError`] when it could not begin. A guard's refusal is no error; `None` is bound then.
pub fn rebind(world: &mut World<'_>, request: &Request) -> Result<(Report, Option<Rebound>), EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    let Some(mut desk) = desk::sit_down(world, &bond, request, &mut report)? else {
        return Err(desk::not_bound(&bond, "rebind"));
    };
    let id = desk::begin(world, &mut desk, RunKind::Rebind, request, &mut report)?;
    let (rebound, outcome) = match survey_and_bind(world, &mut desk, &bond, &id, request, &mut report) {
        Ok(rebound) => (rebound, Ok(())),
        Err(error) => (None, Err(error)),
    };
    Ok((desk::finish(world, &mut *desk.ledger, &id, report, outcome)?, rebound))
}

fn survey_and_bind(
    world: &mut World<'_>,
    desk: &mut Desk,
    bond: &Bond,
    id: &str,
    request: &Request,
    report: &mut Report,
) -> Result<Option<Rebound>, EngineError> {
    let past = desk.past(world)?;
    let Planned { plan, judged } = desk.plan(world, bond, &past)?;
    let plan = report.plan.insert(plan.sealed());
    let replicas = judged.map(|judged| judged.survey.snapshots.replicas()).unwrap_or_default();
    let situation = situation(world, plan, bond, &replicas, &past);
    let judged = Situation {
        phase: Phase::Purge,
        bound_databases: situation.databases,
        removals: situation.removals.max(1),
        ..situation
    };
    let objections = guard::judge(&judged, world.limits);
    (report.refusals, report.overruled) = desk::sort_refusals(&objections, request.approval.as_ref());
    world.go_on()?;
    match &bond.marker {
        Some(marker) if report.refusals.is_empty() => {
            let rebound = bind_anew(world, &mut *desk.ledger, marker, &plan.databases)?;
            desk.ledger.note_audit(trail::store_rebound(id, &marker.store_id, &rebound, request), world.now())?;
            Ok(Some(rebound))
        }
        _ => Ok(None),
    }
}

fn bind_anew(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    marker: &Marker,
    databases: &[DatabaseIdentity],
) -> Result<Rebound, EngineError> {
    let rebound = Rebound { from: marker.databases.clone(), to: databases.to_vec() };
    // Transactions of the old database say nothing about those of the new one. Without a horizon nothing is freed,
    // so that a crash in between costs no file.
    let hidden: Vec<OpId> = ledger.ops_in(&[State::Quarantined, State::Conflict])?.iter().map(|op| op.id).collect();
    ledger.set_horizons(&hidden, &[])?;
    world.store.replace_marker(&Marker { databases: databases.to_vec(), ..marker.clone() })?;
    note_horizons(world, ledger, &hidden);
    Ok(rebound)
}
