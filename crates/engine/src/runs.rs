//! The runs, told in order: what each command does from its lease to its last line in the history.

use upsweep_plan::guard::{self, Binding, Code, Refusal};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;

use crate::apply::apply;
use crate::archive::copy_owed;
use crate::binding::{self, Bond};
use crate::drain;
use crate::error::EngineError;
use crate::planning::{self, Past, Planned};
use crate::ports::{Approval, Lease, Ledger, Op, RunKind, RunRecord};
use crate::purge::{Evidence, OwnRun, purge};
use crate::recover::recover;
pub use crate::report::{Report, Request};
use crate::restore::{Restored, restore, restore_claimed_again};
use crate::retrieve::{retrievable, retrieve};
use crate::selection::Selected;
pub use crate::selection::Selection;
use crate::world::World;

/// The lease and the ledger of a bound store.
struct Desk {
    lease: Box<dyn Lease>,
    ledger: Box<dyn Ledger>,
}

/// Plan, guards, recheck, apply, and purge what is due.
///
/// # Errors
/// [`EngineError`] when it could not even begin. A guard's refusal is no error, and what stops a run that has
/// begun is in its report.
pub fn run(world: &mut World<'_>, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    if let Some(mut desk) = sit_down(world, &bond, request, &mut report)? {
        binding::note_again(world, &bond)?;
        // Begun before the survey, so that a night without a database leaves its trace in the history.
        let id = begin(world, &mut desk, RunKind::Run, request, &mut report)?;
        let outcome = Past::read(&*desk.ledger, world.now())
            .and_then(|past| planning::make(world, &bond, &past))
            .and_then(|planned| work(world, &mut desk, &bond, &id, planned, request, &mut report));
        return finish(world, &mut *desk.ledger, &id, report, outcome);
    }
    let planned = planning::make(world, &bond, &Past::default())?;
    (report.refusals, report.overruled) = sort_refusals(&planned.plan.refusals, request.approval.as_ref());
    if !report.refusals.is_empty() {
        report.plan = Some(planned.plan.sealed());
        return Ok(report);
    }
    let mut desk = bind(world, &planned.plan, request, &mut report)?;
    let bond = binding::examine(world.store, world.home)?;
    let id = begin(world, &mut desk, RunKind::Run, request, &mut report)?;
    // The ledger may be one that was here before, under another marker: what it hid must be judged as well.
    let outcome = Past::read(&*desk.ledger, world.now())
        .and_then(|past| if past.is_empty() { Ok(planned) } else { planning::make(world, &bond, &past) })
        .and_then(|planned| work(world, &mut desk, &bond, &id, planned, request, &mut report));
    finish(world, &mut *desk.ledger, &id, report, outcome)
}

/// Hides what the plan removes, brings back what is claimed again, frees what is due.
fn work(
    world: &mut World<'_>,
    desk: &mut Desk,
    bond: &Bond,
    id: &str,
    planned: Planned,
    request: &Request,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Desk { lease, ledger } = desk;
    let Planned { plan, survey } = planned;
    let plan = report.plan.insert(plan.sealed());
    (report.refusals, report.overruled) = sort_refusals(&plan.refusals, request.approval.as_ref());
    if report.refusals.is_empty() {
        apply(world, &mut **ledger, &**lease, bond, id, plan, &mut report.applied)?;
    }
    copy_owed(world, &mut **ledger, &**lease, store_id(bond), &mut report.archived)?;
    drain_own(world, &mut **ledger, id)?;
    let Some(survey) = &survey else {
        report.restored = restore_without_survey(world, &mut **ledger, &**lease)?;
        return Ok(());
    };
    let watched = restore_claimed_again(world, &mut **ledger, &**lease)?;
    report.restored = watched.restored.clone();
    // The human saw what would be hidden. Freeing what earlier runs hid is another question: `upsweep purge` asks it.
    let own = Some(OwnRun { id, overruled: &report.overruled });
    let evidence = Evidence { bond, plan, survey, approval: None, own };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)
}

/// Where a run frees what it hid, it first waits for the transactions that were open then.
fn drain_own(world: &mut World<'_>, ledger: &mut dyn Ledger, id: &str) -> Result<(), EngineError> {
    if drain::to_delete(ledger, id)?.is_empty() { Ok(()) } else { drain::wait_for(world, ledger, id) }
}

/// A bound store's id; copies are kept under it.
fn store_id(bond: &Bond) -> &str {
    bond.store.id.as_deref().unwrap_or_default()
}

/// A folder that cannot be listed keeps every file where it is, but must not keep a claimed one hidden. Claims that
/// cannot be read were told already.
fn restore_without_survey(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
) -> Result<Restored, EngineError> {
    match restore_claimed_again(world, ledger, lease) {
        Ok(watched) => Ok(watched.restored),
        Err(EngineError::Claims(_)) => Ok(Restored::default()),
        Err(error) => Err(error),
    }
}

/// Carries out a saved plan: exactly that, or less.
///
/// # Errors
/// [`EngineError`], [`EngineError::Plan`] when the plan does not fit here and now.
pub fn apply_saved(world: &mut World<'_>, plan: Plan, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let identity = world.claims.identity()?;
    plan.check(&bond.store, &[identity], world.policy, world.now())?;
    let mut report = Report::default();
    let mut desk = sit_down(world, &bond, request, &mut report)?;
    binding::note_again(world, &bond)?;
    let past = match &desk {
        Some(desk) => Past::read(&*desk.ledger, world.now())?,
        None => Past::default(),
    };
    // The plan's own facts, but today's marker and today's count of hidden files.
    let objections = guard::judge(&planning::situation(&plan, &bond, &[], past.hidden_recently), world.limits);
    (report.refusals, report.overruled) = sort_refusals(&objections, request.approval.as_ref());
    if desk.is_none() && report.refusals.is_empty() {
        let bound = bind(world, &plan, request, &mut report)?;
        // A ledger that was here before may have used up the floor.
        let past = Past::read(&*bound.ledger, world.now())?;
        let objections = guard::judge(&planning::situation(&plan, &bond, &[], past.hidden_recently), world.limits);
        (report.refusals, report.overruled) = sort_refusals(&objections, request.approval.as_ref());
        desk = Some(bound);
    }
    let Some(mut desk) = desk else {
        report.plan = Some(plan);
        return Ok(report);
    };
    let bond = binding::examine(world.store, world.home)?;
    let id = begin(world, &mut desk, RunKind::Apply, request, &mut report)?;
    let Desk { lease, ledger } = &mut desk;
    let plan = &*report.plan.insert(plan);
    let outcome = if report.refusals.is_empty() {
        apply(world, &mut **ledger, &**lease, &bond, &id, plan, &mut report.applied)
    } else {
        Ok(())
    };
    let outcome = outcome.and_then(|()| after_applying(world, &mut desk, &bond, &id, &mut report));
    finish(world, &mut *desk.ledger, &id, report, outcome)
}

/// A saved plan's own survey is old by now, so whatever it hid and may free at once is judged by a new one.
fn after_applying(
    world: &mut World<'_>,
    desk: &mut Desk,
    bond: &Bond,
    id: &str,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Desk { lease, ledger } = desk;
    copy_owed(world, &mut **ledger, &**lease, store_id(bond), &mut report.archived)?;
    drain_own(world, &mut **ledger, id)?;
    let fresh = if drain::to_delete(&**ledger, id)?.is_empty() {
        None
    } else {
        let past = Past::read(&**ledger, world.now())?;
        Some(planning::make(world, bond, &past)?)
    };
    let mut watched = restore_claimed_again(world, &mut **ledger, &**lease)?;
    report.restored = watched.restored.clone();
    let Some(Planned { plan, survey }) = fresh else { return Ok(()) };
    let Some(survey) = &survey else {
        report.purged.refusals = plan.refusals;
        report.purged.refused = drain::to_delete(&**ledger, id)?.len() as u64;
        return Ok(());
    };
    watched.still_hidden.retain(|op| op.run == id);
    let own = Some(OwnRun { id, overruled: &report.overruled });
    let evidence = Evidence { bond, plan: &plan, survey, approval: None, own };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)
}

/// Purges what is due and hides nothing.
///
/// # Errors
/// [`EngineError`]; [`EngineError::NotBound`] when there never was anything to purge.
pub fn purge_due(world: &mut World<'_>, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    let Some(mut desk) = sit_down(world, &bond, request, &mut report)? else {
        return Err(not_bound(&bond, "purge"));
    };
    binding::note_again(world, &bond)?;
    let id = begin(world, &mut desk, RunKind::Purge, request, &mut report)?;
    let outcome = purge_only(world, &mut desk, &bond, request, &mut report);
    finish(world, &mut *desk.ledger, &id, report, outcome)
}

fn purge_only(
    world: &mut World<'_>,
    desk: &mut Desk,
    bond: &Bond,
    request: &Request,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Desk { lease, ledger } = desk;
    copy_owed(world, &mut **ledger, &**lease, store_id(bond), &mut report.archived)?;
    let past = Past::read(&**ledger, world.now())?;
    let Planned { plan, survey } = planning::make(world, bond, &past)?;
    let plan = plan.sealed();
    let Some(survey) = &survey else {
        report.refusals = plan.refusals;
        report.restored = restore_without_survey(world, &mut **ledger, &**lease)?;
        return Ok(());
    };
    let watched = restore_claimed_again(world, &mut **ledger, &**lease)?;
    report.restored = watched.restored.clone();
    let evidence = Evidence { bond, plan: &plan, survey, approval: request.approval.as_ref(), own: None };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)
}

/// Brings files back because a human asks for it.
///
/// # Errors
/// [`EngineError`]; [`EngineError::NoSuchRun`] for a run that never was.
pub fn restore_by_hand(
    world: &mut World<'_>,
    selection: &Selection,
    request: &Request,
) -> Result<(Report, Vec<Key>), EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    let Some(mut desk) = sit_down(world, &bond, request, &mut report)? else {
        return Err(not_bound(&bond, "restore"));
    };
    let Selected { hidden, archived, unknown } = Selected::read(&*desk.ledger, selection)?;
    let id = begin(world, &mut desk, RunKind::Restore, request, &mut report)?;
    let Desk { lease, ledger } = &mut desk;
    let outcome = restore(world, &mut **ledger, &**lease, &hidden)
        .map(|restored| report.restored = restored)
        .and_then(|()| retrieve(world, &mut **ledger, &**lease, store_id(&bond), &archived))
        .map(|retrieved| report.retrieved = retrieved);
    Ok((finish(world, &mut *desk.ledger, &id, report, outcome)?, unknown))
}

/// Finishes what an interrupted run left, and nothing else.
///
/// # Errors
/// [`EngineError`].
pub fn recover_now(world: &mut World<'_>, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    let Some(mut desk) = sit_down(world, &bond, request, &mut report)? else {
        return Err(not_bound(&bond, "recover"));
    };
    let id = begin(world, &mut desk, RunKind::Recover, request, &mut report)?;
    finish(world, &mut *desk.ledger, &id, report, Ok(()))
}

/// Takes the lease of a bound store and finishes what was left. `None` when the store is not bound, or when
/// it is not the store it was: then only the guards may speak.
fn sit_down(
    world: &mut World<'_>,
    bond: &Bond,
    request: &Request,
    report: &mut Report,
) -> Result<Option<Desk>, EngineError> {
    let marker = match (&bond.binding, &bond.marker) {
        (Binding::Bound, Some(marker)) => marker,
        _ => return Ok(None),
    };
    let lease = world.home.acquire(&request.holder)?;
    let mut ledger = binding::open_ledger(world.store, world.home, marker)?;
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    Ok(Some(Desk { lease, ledger }))
}

/// Why there is nothing to work on: it never was bound, or it is not the store it was.
fn not_bound(bond: &Bond, what: &'static str) -> EngineError {
    let address = bond.store.address.clone();
    match guard::marker(&address, &bond.binding) {
        Some(refusal) => EngineError::Refused(Box::new(refusal)),
        None => EngineError::NotBound { address, what },
    }
}

/// The first run that may change the store binds it.
fn bind(world: &mut World<'_>, plan: &Plan, request: &Request, report: &mut Report) -> Result<Desk, EngineError> {
    let lease = world.home.acquire(&request.holder)?;
    let (marker, mut ledger) = binding::bind(world, &plan.databases)?;
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    report.bound = Some(marker);
    Ok(Desk { lease, ledger })
}

/// The objections that no human overruled, and the codes of the others.
fn sort_refusals(refusals: &[Refusal], approval: Option<&Approval>) -> (Vec<Refusal>, Vec<Code>) {
    let allowed = |r: &Refusal| r.code.is_approvable() && approval.is_some_and(|a| a.codes.contains(&r.code));
    let (overruled, open): (Vec<Refusal>, Vec<Refusal>) = refusals.iter().cloned().partition(allowed);
    (open, overruled.iter().map(|r| r.code).collect())
}

/// Notes that a run begins, and gives its id.
fn begin(
    world: &World<'_>,
    desk: &mut Desk,
    kind: RunKind,
    request: &Request,
    report: &mut Report,
) -> Result<String, EngineError> {
    let now = world.now();
    let record = RunRecord {
        id: world.ids.fresh(now),
        kind,
        started_at: now,
        ended_at: None,
        by: format!("process {} on {}", request.holder.pid, request.holder.host),
        approval: request.approval.clone(),
        outcome: None,
    };
    desk.ledger.begin_run(&record)?;
    tracing::info!(run = record.id, kind = kind.word(), "run begins");
    report.run = Some(record.id.clone());
    Ok(record.id)
}

/// Notes how the run ended. If it had to stop early, what it did until then is reported all the same.
fn finish(
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
