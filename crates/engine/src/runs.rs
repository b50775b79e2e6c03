//! The runs, told in order: what each command does between taking the lease and its line in the history.

use upsweep_plan::guard::{self, Code};
use upsweep_plan::key::Key;
use upsweep_plan::plan::Plan;

use crate::apply::apply;
use crate::archive::copy_owed;
use crate::baseline;
use crate::binding::{self, Bond};
use crate::databases;
use crate::desk::{Desk, begin, bind, finish, not_bound, sit_down, sort_refusals};
use crate::drain;
use crate::error::EngineError;
use crate::holds;
use crate::planning::{self, Past, Planned};
use crate::ports::{Lease, Ledger, Op, RunKind};
use crate::purge::{Evidence, OwnRun, purge};
pub use crate::report::{Report, Request};
use crate::restore::{Restored, restore, restore_claimed_again};
use crate::retrieve::retrieve;
use crate::selection::Selected;
pub use crate::selection::Selection;
use crate::situation::situation;
pub use crate::watch::watch;
use crate::world::World;

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
        binding::follow_quarantine(world, &bond, &*desk.ledger, &*desk.lease)?;
        // Begun before the survey, so that a night without a database leaves its trace in the history.
        let id = begin(world, &mut desk, RunKind::Run, request, &mut report)?;
        let outcome = desk.past(world).and_then(|past| {
            let planned = desk.plan(world, &bond, &past)?;
            let course = Course { id: &id, bond: &bond, past: &past, request };
            work(world, &mut desk, &course, planned, &mut report)
        });
        return finish(world, &mut *desk.ledger, &id, report, outcome);
    }
    let planned = planning::make(world, &bond, &Past::default(), None)?;
    (report.refusals, report.overruled) = sort_refusals(&planned.plan.refusals, request.approval.as_ref());
    if !report.refusals.is_empty() {
        report.plan = Some(planned.plan.sealed());
        return Ok(report);
    }
    let mut desk = bind(world, &planned.plan, request, &mut report)?;
    let bond = binding::examine(world.store, world.home)?;
    let id = begin(world, &mut desk, RunKind::Run, request, &mut report)?;
    // The ledger may be one that was here before, under another marker: what it hid must be judged as well.
    let outcome = desk.past(world).and_then(|past| {
        let planned = if past.is_empty() { planned } else { desk.plan(world, &bond, &past)? };
        let course = Course { id: &id, bond: &bond, past: &past, request };
        work(world, &mut desk, &course, planned, &mut report)
    });
    finish(world, &mut *desk.ledger, &id, report, outcome)
}

/// Which run it is, on what it stands, and what was before it.
struct Course<'a> {
    id: &'a str,
    bond: &'a Bond,
    past: &'a Past,
    request: &'a Request,
}

/// Hides what the plan removes, brings back what is claimed again, frees what is due.
fn work(
    world: &mut World<'_>,
    desk: &mut Desk,
    course: &Course<'_>,
    planned: Planned,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Course { id, bond, past, request } = *course;
    let Desk { lease, ledger, last_entry: _ } = desk;
    let Planned { plan, judged } = planned;
    let plan = report.plan.insert(plan.sealed());
    (report.refusals, report.overruled) = sort_refusals(&plan.refusals, request.approval.as_ref());
    if report.overruled.contains(&Code::G007) {
        ledger.forgive_clock(world.now())?;
    }
    if let Some(judged) = &judged {
        baseline::note_sightings(world, &mut **ledger, judged)?;
        if report.refusals.is_empty() {
            let replicas = judged.survey.snapshots.replicas();
            let situation = situation(world, plan, bond, &replicas, past);
            baseline::note(world, &mut **ledger, id, past, judged, &situation, &report.overruled)?;
        }
    }
    if report.refusals.is_empty() {
        let applied = apply(world, &mut **ledger, &**lease, bond, id, plan, &mut report.applied);
        report.restored.extend(std::mem::take(&mut report.applied.restored));
        applied?;
    }
    copy_owed(world, &mut **ledger, &**lease, store_id(bond), &mut report.archived)?;
    drain_own(world, &mut **ledger, id)?;
    let Some(judged) = &judged else {
        return restore_without_survey(world, &mut **ledger, &**lease, &mut report.restored);
    };
    let watched = restore_claimed_again(world, &mut **ledger, &**lease, &mut report.restored)?;
    // The human saw what would be hidden. Freeing what earlier runs hid is another question: `upsweep purge` asks it.
    let own = Some(OwnRun { id, overruled: &report.overruled });
    let evidence = Evidence { bond, plan, judged, past, approval: None, own };
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
    restored: &mut Restored,
) -> Result<(), EngineError> {
    match restore_claimed_again(world, ledger, lease, restored) {
        Ok(_) | Err(EngineError::Claims(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Carries out a saved plan: exactly that, or less.
///
/// # Errors
/// [`EngineError`], [`EngineError::Plan`] when the plan does not fit here and now.
pub fn apply_saved(world: &mut World<'_>, plan: Plan, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let identities = databases::identities(world)?;
    plan.check(&bond.store, &identities, world.policy, world.now())?;
    let mut report = Report::default();
    let mut desk = sit_down(world, &bond, request, &mut report)?;
    binding::note_again(world, &bond)?;
    let past = match &desk {
        Some(desk) => {
            binding::follow_quarantine(world, &bond, &*desk.ledger, &*desk.lease)?;
            desk.past(world)?
        }
        None => Past::default(),
    };
    // The plan's own facts, but today's marker, time, and count of hidden files.
    let objections = guard::judge(&situation(world, &plan, &bond, &[], &past), world.limits);
    (report.refusals, report.overruled) = sort_refusals(&objections, request.approval.as_ref());
    if desk.is_none() && report.refusals.is_empty() {
        let bound = bind(world, &plan, request, &mut report)?;
        // A ledger that was here before may have used up the floor.
        let past = bound.past(world)?;
        let objections = guard::judge(&situation(world, &plan, &bond, &[], &past), world.limits);
        (report.refusals, report.overruled) = sort_refusals(&objections, request.approval.as_ref());
        desk = Some(bound);
    }
    let Some(mut desk) = desk else {
        report.plan = Some(plan);
        return Ok(report);
    };
    let bond = binding::examine(world.store, world.home)?;
    let id = begin(world, &mut desk, RunKind::Apply, request, &mut report)?;
    let Desk { lease, ledger, last_entry: _ } = &mut desk;
    let plan = &*report.plan.insert(plan);
    let outcome = world.go_on().and_then(|()| match report.refusals.is_empty() {
        true => apply(world, &mut **ledger, &**lease, &bond, &id, plan, &mut report.applied),
        false => Ok(()),
    });
    report.restored.extend(std::mem::take(&mut report.applied.restored));
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
    copy_owed(world, &mut *desk.ledger, &*desk.lease, store_id(bond), &mut report.archived)?;
    drain_own(world, &mut *desk.ledger, id)?;
    let past = desk.past(world)?;
    let fresh =
        if drain::to_delete(&*desk.ledger, id)?.is_empty() { None } else { Some(desk.plan(world, bond, &past)?) };
    let Desk { lease, ledger, last_entry: _ } = desk;
    let mut watched = restore_claimed_again(world, &mut **ledger, &**lease, &mut report.restored)?;
    let Some(Planned { plan, judged }) = fresh else { return Ok(()) };
    let Some(judged) = &judged else {
        report.purged.refusals = plan.refusals;
        report.purged.refused = drain::to_delete(&**ledger, id)?.len() as u64;
        return Ok(());
    };
    watched.still_hidden.retain(|op| op.run == id);
    let own = Some(OwnRun { id, overruled: &report.overruled });
    let evidence = Evidence { bond, plan: &plan, judged, past: &past, approval: None, own };
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
    let outcome = purge_only(world, &mut desk, &bond, &id, request, &mut report);
    finish(world, &mut *desk.ledger, &id, report, outcome)
}

fn purge_only(
    world: &mut World<'_>,
    desk: &mut Desk,
    bond: &Bond,
    id: &str,
    request: &Request,
    report: &mut Report,
) -> Result<(), EngineError> {
    copy_owed(world, &mut *desk.ledger, &*desk.lease, store_id(bond), &mut report.archived)?;
    let past = &desk.past(world)?;
    let Planned { plan, judged } = desk.plan(world, bond, past)?;
    let Desk { lease, ledger, last_entry: _ } = desk;
    let plan = plan.sealed();
    let Some(judged) = &judged else {
        report.refusals = plan.refusals;
        return restore_without_survey(world, &mut **ledger, &**lease, &mut report.restored);
    };
    let watched = restore_claimed_again(world, &mut **ledger, &**lease, &mut report.restored)?;
    let evidence = Evidence { bond, plan: &plan, judged, past, approval: request.approval.as_ref(), own: None };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)?;
    if report.purged.overruled.contains(&Code::G007) {
        ledger.forgive_clock(world.now())?;
    }
    if report.purged.refusals.is_empty() {
        let replicas = judged.survey.snapshots.replicas();
        let situation = situation(world, &plan, bond, &replicas, past);
        if sort_refusals(&plan.refusals, request.approval.as_ref()).0.is_empty() {
            baseline::note(world, &mut **ledger, id, past, judged, &situation, &report.purged.overruled)?;
        }
    }
    Ok(())
}

/// Brings files back because a human asks for it, and sets a hold on each.
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
    let Desk { lease, ledger, last_entry: _ } = &mut desk;
    // Before the files move: a crash in between must not leave one in its place that the next run hides again.
    let all: Vec<Op> = hidden.iter().chain(&archived).cloned().collect();
    let (by, store) = (request.holder.by(), store_id(&bond));
    let outcome = world
        .go_on()
        .and_then(|()| holds::hold_restored(world, &mut **ledger, &by, &all))
        .map(|holds| report.holds = holds)
        .and_then(|()| restore(world, &mut **ledger, &**lease, &hidden, &mut report.restored))
        .and_then(|()| retrieve(world, &mut **ledger, &**lease, store, &archived, &mut report.retrieved));
    Ok((finish(world, &mut *desk.ledger, &id, report, outcome)?, unknown))
}

/// Reads the claims and brings back every hidden file that one of them needs by now; nothing else.
///
/// # Errors
/// [`EngineError`]; [`EngineError::NotBound`] when nothing was ever hidden.
pub fn restore_claimed(world: &mut World<'_>, request: &Request) -> Result<Report, EngineError> {
    let bond = binding::examine(world.store, world.home)?;
    let mut report = Report::default();
    let Some(mut desk) = sit_down(world, &bond, request, &mut report)? else {
        return Err(not_bound(&bond, "restore"));
    };
    let id = begin(world, &mut desk, RunKind::Restore, request, &mut report)?;
    let Desk { lease, ledger, last_entry: _ } = &mut desk;
    let outcome = world
        .go_on()
        .and_then(|()| restore_claimed_again(world, &mut **ledger, &**lease, &mut report.restored))
        .map(drop);
    finish(world, &mut *desk.ledger, &id, report, outcome)
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
    // It may have ended before all was looked at.
    let outcome = world.go_on();
    finish(world, &mut *desk.ledger, &id, report, outcome)
}
