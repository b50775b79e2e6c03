//! What the guards look at, put together from a plan and the ledger.

use upsweep_plan::guard::{Phase, Situation};
use upsweep_plan::plan::{DatabaseIdentity, Plan};

use crate::binding::Bond;
use crate::past::Past;
use crate::ports::Op;
use crate::purge::Evidence;
use crate::world::World;

/// The situation before hiding what `plan` removes.
#[must_use]
pub fn situation<'a>(
    world: &World<'_>,
    plan: &'a Plan,
    bond: &'a Bond,
    replicas: &'a [DatabaseIdentity],
    past: &Past,
) -> Situation<'a> {
    let survey = &plan.survey;
    Situation {
        phase: Phase::Hide,
        strict: plan.policy.action.frees_at_once(),
        store: &bond.store.address,
        binding: &bond.binding,
        honours_preconditions: world.store.capabilities().honours_preconditions,
        bound_databases: bond.marker.as_ref().map_or(&[], |m| &m.databases),
        databases: &plan.databases,
        replicas,
        incomplete: &plan.incomplete,
        clocks: &survey.clocks,
        now: world.now(),
        last_entry: past.last_entry,
        before: survey.before,
        files: survey.files,
        explained_files: survey.explained_files,
        live_files: survey.live_files,
        missing: survey.claims.missing,
        missing_expected: survey.claims.missing_expected,
        relinkable: plan.kept.relinkable,
        claimed_before: survey.claimed_before,
        files_named_after_owner: survey.claims.files_named_after_owner,
        vanishing: &survey.vanishing,
        removals: plan.removals.len() as u64,
        removal_bytes: plan.removal_bytes(),
        hidden_recently: past.hidden_recently,
    }
}

/// The situation before freeing the files of `due`, which are some of the `hidden` ones: these count with the visible
/// ones, and there is no floor.
#[must_use]
pub fn purge_situation<'a>(
    world: &World<'_>,
    evidence: &Evidence<'a>,
    replicas: &'a [DatabaseIdentity],
    hidden: &[Op],
    due: &[Op],
) -> Situation<'a> {
    let Evidence { bond, plan, judged, past, approval: _, own: _ } = *evidence;
    let survey = &judged.survey;
    let all = survey.names.len();
    let matched = survey.matched.get();
    Situation {
        phase: Phase::Purge,
        files: all as u64,
        explained_files: matched.explained_files(all),
        live_files: matched.live_files(all),
        // Those that are not due yet were lost with the others.
        claimed_before: hidden.iter().filter(|op| op.reason.claimed_until().is_some()).count() as u64,
        removals: due.len() as u64,
        removal_bytes: due.iter().map(|op| op.facts.size_bytes).sum(),
        ..situation(world, plan, bond, replicas, past)
    }
}
