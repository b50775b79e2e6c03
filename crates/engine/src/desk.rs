//! Sitting down to work on a store, and getting up again: lease, ledger, and the lines in the history.

use jiff::Timestamp;
use upsweep_plan::guard::{self, Binding, ClockReading, Code, Refusal};
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;

use crate::adopt;
use crate::binding::{self, Bond};
use crate::error::EngineError;
use crate::planning::{self, Past, Planned};
use crate::ports::{Approval, Holder, Lease, Ledger, Op, RunKind, RunRecord};
use crate::recover::recover;
use crate::report::{Report, Request};
use crate::retrieve::retrievable;
use crate::trail;
use crate::world::World;

/// The lease and the ledger of a bound store.
pub(crate) struct Desk {
    pub(crate) lease: Box<dyn Lease>,
    pub(crate) ledger: Box<dyn Ledger>,
    /// The newest entry of the ledger before this run wrote to it.
    pub(crate) last_entry: Option<Timestamp>,
}

impl Desk {
    /// What the ledger says that a plan must know, and what time the store has.
    pub(crate) fn past(&self, world: &World<'_>) -> Result<Past, EngineError> {
        let asked = world.now();
        let said = world.store.clock()?.map(|said| world.clock.of_another(said));
        let store_clock =
            said.map(|said| ClockReading { of: world.store.address(), said, asked, answered: world.now() });
        Ok(Past { last_entry: self.last_entry, store_clock, ..Past::read(&*self.ledger, world.now())? })
    }

    /// Makes a plan.
    pub(crate) fn plan(&self, world: &mut World<'_>, bond: &Bond, past: &Past) -> Result<Planned, EngineError> {
        planning::make(world, bond, past, Some(&*self.ledger))
    }
}

/// Takes the lease, which tells everybody the run's id where that is known beforehand.
pub(crate) fn take_lease(world: &World<'_>, request: &Request) -> Result<Box<dyn Lease>, EngineError> {
    Ok(world.home.acquire(&Holder { run: request.run.clone(), ..request.holder.clone() })?)
}

/// Takes the lease of a bound store and finishes what was left. `None` when the store is not bound, or when
/// it is not the store it was: then only the guards may speak.
pub(crate) fn sit_down(
    world: &mut World<'_>,
    bond: &Bond,
    request: &Request,
    report: &mut Report,
) -> Result<Option<Desk>, EngineError> {
    let marker = match (&bond.binding, &bond.marker) {
        (Binding::Bound, Some(marker)) => marker,
        _ => return Ok(None),
    };
    let lease = take_lease(world, request)?;
    let mut ledger = binding::open_ledger(world.store, world.home, marker)?;
    if binding::owner(world.home, &*ledger, Some(marker))?.is_none() {
        ledger.belong_to(&marker.store_id)?;
    }
    let last_entry = ledger.last_entry_at()?;
    ledger.set_actor(&request.holder.by());
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    report.strays = adopt::look_for_strays(world, &*ledger);
    Ok(Some(Desk { lease, ledger, last_entry }))
}

/// Why there is nothing to work on: it never was bound, or it is not the store it was.
pub(crate) fn not_bound(bond: &Bond, what: &'static str) -> EngineError {
    let address = bond.store.address.clone();
    match guard::marker(&address, &bond.binding) {
        Some(refusal) => EngineError::Refused(Box::new(refusal)),
        None => EngineError::NotBound { address, what },
    }
}

/// The first run that may change the store binds it.
pub(crate) fn bind(
    world: &mut World<'_>,
    plan: &Plan,
    request: &Request,
    report: &mut Report,
) -> Result<Desk, EngineError> {
    let lease = take_lease(world, request)?;
    let (marker, mut ledger) = binding::bind(world, &plan.databases)?;
    let last_entry = ledger.last_entry_at()?;
    ledger.set_actor(&request.holder.by());
    ledger.note_audit(trail::store_bound(&marker, &world.store.address(), &request.holder.by()), marker.bound_at)?;
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    report.strays = adopt::look_for_strays(world, &*ledger);
    report.bound = Some(marker);
    Ok(Desk { lease, ledger, last_entry })
}

/// The objections that no human overruled, and the codes of the others.
pub(crate) fn sort_refusals(refusals: &[Refusal], approval: Option<&Approval>) -> (Vec<Refusal>, Vec<Code>) {
    let allowed = |r: &Refusal| r.code.is_approvable() && approval.is_some_and(|a| a.codes.contains(&r.code));
    let (overruled, open): (Vec<Refusal>, Vec<Refusal>) = refusals.iter().cloned().partition(allowed);
    (open, overruled.iter().map(|r| r.code).collect())
}

/// Notes that a run begins, and gives its id.
pub(crate) fn begin(
    world: &World<'_>,
    desk: &mut Desk,
    kind: RunKind,
    request: &Request,
    report: &mut Report,
) -> Result<String, EngineError> {
    let now = world.now();
    let record = RunRecord {
        id: request.run.clone().unwrap_or_else(|| world.ids.fresh(now)),
        kind,
        started_at: now,
        ended_at: None,
        by: request.holder.by(),
        approval: request.approval.clone(),
        outcome: None,
    };
    desk.ledger.begin_run(&record)?;
    tracing::info!(run = record.id, kind = kind.word(), "run begins");
    report.run = Some(record.id.clone());
    Ok(record.id)
}

/// Notes how the run ended. If it had to stop early, what it did until then is reported all the same.
pub(crate) fn finish(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    id: &str,
    mut report: Report,
    outcome: Result<(), EngineError>,
) -> Result<Report, EngineError> {
    world.progress.end();
    match outcome {
        Ok(()) => {}
        Err(EngineError::Refused(refusal)) => report.refusals.push(*refusal),
        Err(error) => report.failure = Some(error),
    }
    let noted = report.outcome();
    ledger.end_run(id, world.now(), &noted)?;
    trail::prune_after(world, ledger, &report);
    tracing::info!(
        run = id,
        hidden = noted.hidden.files,
        restored = noted.restored.files,
        purged = noted.purged.files,
        errors = noted.errors,
        failure = noted.failure.is_some(),
        "run ends"
    );
    let hidden = ledger.ops_in(&[State::Quarantined])?;
    report.still_hidden = hidden.len() as u64;
    hidden.iter().filter(|op| op.owes_copy()).for_each(|op| report.copies_pending.add(op.facts.size_bytes));
    report.own_hidden = hidden.iter().filter(|op| op.run == id).count() as u64;
    report.undoable = report.own_hidden + retrievable(ledger.ops_of(id)?).len() as u64;
    report.next_purge_at = hidden.iter().filter_map(Op::quarantined_until).min();
    Ok(report)
}
