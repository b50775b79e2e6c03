//! The runs, told in order: what each command does from its lease to its last line in the history.

use std::collections::BTreeSet;

use upsweep_plan::guard::{self, Binding, Code, Refusal};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;

use crate::adopt;
use crate::apply::apply;
use crate::binding::{self, Bond};
use crate::error::EngineError;
use crate::planning::{self, Past, Planned};
use crate::ports::{Approval, Lease, Ledger, Op, RunKind, RunRecord};
use crate::purge::{Evidence, purge};
use crate::recover::recover;
pub use crate::report::{Report, Request};
use crate::restore::{Restored, restore, restore_claimed_again};
use crate::world::World;

/// The lease and the ledger of a bound store.
pub(crate) struct Desk {
    pub(crate) lease: Box<dyn Lease>,
    pub(crate) ledger: Box<dyn Ledger>,
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
        binding::follow_quarantine(world, &bond, &*desk.ledger, &*desk.lease)?;
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
    let Some(survey) = &survey else {
        report.restored = restore_without_survey(world, &mut **ledger, &**lease)?;
        return Ok(());
    };
    let watched = restore_claimed_again(world, &mut **ledger, &**lease)?;
    report.restored = watched.restored.clone();
    // The human saw what would be hidden. Freeing what earlier runs hid is another question: `upsweep purge` asks it.
    let evidence = Evidence { bond, plan, survey, approval: None };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)
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
        Some(desk) => {
            binding::follow_quarantine(world, &bond, &*desk.ledger, &*desk.lease)?;
            Past::read(&*desk.ledger, world.now())?
        }
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
    let outcome = outcome.and_then(|()| {
        report.restored = restore_claimed_again(world, &mut **ledger, &**lease)?.restored;
        Ok(())
    });
    finish(world, &mut *desk.ledger, &id, report, outcome)
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
    let evidence = Evidence { bond, plan: &plan, survey, approval: request.approval.as_ref() };
    purge(world, &mut **ledger, &**lease, &evidence, watched, &mut report.purged)
}

/// Which hidden files to bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those that one run hid.
    Run(String),
    /// Those with these names.
    Keys(Vec<Key>),
}

/// Brings hidden files back because a human asks for it.
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
    let (ops, unknown) = select(&*desk.ledger, selection)?;
    let id = begin(world, &mut desk, RunKind::Restore, request, &mut report)?;
    let outcome = restore(world, &mut *desk.ledger, &*desk.lease, &ops).map(|restored| report.restored = restored);
    Ok((finish(world, &mut *desk.ledger, &id, report, outcome)?, unknown))
}

/// The operations a selection means, and the names among it that are not hidden.
fn select(ledger: &dyn Ledger, selection: &Selection) -> Result<(Vec<Op>, Vec<Key>), EngineError> {
    const HIDDEN: [State; 2] = [State::Quarantined, State::Conflict];
    Ok(match selection {
        Selection::All => (ledger.ops_in(&HIDDEN)?, vec![]),
        Selection::Run(run) => {
            if ledger.run(run)?.is_none() {
                return Err(EngineError::NoSuchRun(run.clone()));
            }
            let ops = ledger.ops_of(run)?;
            (ops.into_iter().filter(|op| HIDDEN.contains(&op.state)).collect(), vec![])
        }
        Selection::Keys(keys) => {
            let hidden = ledger.ops_in(&HIDDEN)?;
            let known: BTreeSet<Key> = hidden.iter().map(|op| op.key.clone()).collect();
            let unknown = keys.iter().filter(|key| !known.contains(*key)).cloned().collect();
            (hidden.into_iter().filter(|op| keys.contains(&op.key)).collect(), unknown)
        }
    })
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
    let lease = world.home.acquire(&request.holder)?;
    let mut ledger = binding::open_ledger(world.store, world.home, marker)?;
    if binding::owner(world.home, &*ledger, Some(marker))?.is_none() {
        ledger.belong_to(&marker.store_id)?;
    }
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    report.strays = adopt::look_for_strays(world, &*ledger);
    Ok(Some(Desk { lease, ledger }))
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
fn bind(world: &mut World<'_>, plan: &Plan, request: &Request, report: &mut Report) -> Result<Desk, EngineError> {
    let lease = world.home.acquire(&request.holder)?;
    let (marker, mut ledger) = binding::bind(world, &plan.databases)?;
    report.recovered = recover(world, &mut *ledger, &*lease)?;
    report.strays = adopt::look_for_strays(world, &*ledger);
    report.bound = Some(marker);
    Ok(Desk { lease, ledger })
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
    report.next_purge_at = hidden.iter().filter_map(Op::quarantined_until).min();
    Ok(report)
}
