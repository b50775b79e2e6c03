//! Making a plan: survey, judge, guard. Nothing is changed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use upsweep_plan::guard::{self, Phase, Refusal, Situation};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::{self, Plan, SurveyFacts};
use upsweep_plan::reconcile::{self, HiddenVerdict, Kept, Look, Reconciled};

use crate::binding::Bond;
use crate::error::EngineError;
use crate::ports::{Ledger, Op, Snapshot, Stage};
use crate::survey::{Incomplete, Survey, survey};
use crate::world::World;

/// How far back hidden files count against the guards' floor.
pub const FLOOR_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The states whose outcome is not known yet.
pub const PENDING: [State; 5] = State::PENDING;

/// What the ledger says that a plan must know.
#[derive(Debug, Default)]
pub struct Past {
    /// Operations whose files are hidden now.
    pub hidden: Vec<Op>,
    /// Files hidden in the last seven days.
    pub hidden_recently: u64,
    /// Operations whose outcome is not known yet.
    pub pending: u64,
}

impl Past {
    /// Whether nothing of the past matters for a plan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { hidden, hidden_recently, pending } = self;
        hidden.is_empty() && *hidden_recently == 0 && *pending == 0
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`EngineError::Ledger`].
    pub fn read(ledger: &dyn Ledger, now: Timestamp) -> Result<Self, EngineError> {
        let since = now.checked_sub(FLOOR_WINDOW).unwrap_or(Timestamp::MIN);
        Ok(Self {
            hidden: ledger.ops_in(&[State::Quarantined])?,
            hidden_recently: ledger.hidden_since(since)?,
            pending: ledger.ops_in(&PENDING)?.len() as u64,
        })
    }
}

/// A plan, and what it rests on.
pub struct Planned {
    /// The plan, not sealed yet: audio facts may still be added.
    pub plan: Plan,
    /// The survey, if it completed.
    pub survey: Option<Survey>,
}

/// Surveys the store and says what would go.
///
/// # Errors
/// [`EngineError`] when the store or a database cannot be read at all. A survey that began but did not complete
/// is no error: its plan removes nothing and carries G008.
pub fn make(world: &mut World<'_>, bond: &Bond, past: &Past) -> Result<Planned, EngineError> {
    let now = world.now();
    let hidden: Vec<Key> = past.hidden.iter().map(|op| op.key.clone()).collect();
    match survey(world, &hidden)? {
        Ok(survey) => Ok(judge(world, bond, past, now, survey)),
        Err(Incomplete { reasons }) => {
            let mut plan = blank(world, bond, now);
            plan.incomplete = reasons;
            plan.refusals = refusals(&plan, bond, &[], past, world);
            Ok(Planned { plan, survey: None })
        }
    }
}

fn judge(world: &World<'_>, bond: &Bond, past: &Past, now: Timestamp, survey: Survey) -> Planned {
    let policy = world.policy;
    let mut kept = Kept::default();
    let candidates = reconcile::candidates(&survey.matched, policy, now, &mut kept, survey.visible);
    let mut errors = Vec::new();
    let mut looks = Vec::with_capacity(candidates.len());
    world.progress.begin(Stage::Looking, Some(candidates.len() as u64));
    for candidate in &candidates {
        looks.push(look(world, survey.names.get(candidate.index), &survey.snapshot.own_files, &mut errors));
        world.progress.advance(1);
    }
    world.progress.end();
    let Reconciled { removals, kept, vanished } =
        reconcile::reconcile(&survey.names, &candidates, &looks, policy, now, kept);

    let verdicts = reconcile::judge_hidden(&survey.matched, survey.names.len(), policy, now);
    let hidden = past.hidden.iter().zip(&verdicts[survey.visible..]);
    let claimed_again = hidden.filter(|(_, verdict)| matches!(verdict, HiddenVerdict::Restore(_)));

    let mut plan = blank(world, bond, now);
    plan.databases = vec![survey.snapshot.identity.clone()];
    plan.survey = facts(&survey, vanished);
    plan.removals = removals;
    plan.kept = kept;
    plan.restores = claimed_again.map(|(op, _)| op.key.clone()).collect();
    plan.errors = errors;
    plan.refusals = refusals(&plan, bond, &replicas(&survey.snapshot), past, world);
    Planned { plan, survey: Some(survey) }
}

fn look(world: &World<'_>, name: &[u8], own_files: &[(u64, u64)], errors: &mut Vec<String>) -> Look {
    let key = match Key::parse(name) {
        Ok(key) => key,
        Err(why) => {
            errors.push(format!("{}: {why}", upsweep_plan::key::Escaped(name)));
            return Look::Failed;
        }
    };
    match world.store.look(&key) {
        Ok(Some(facts)) if own_files.contains(&(facts.dev, facts.ino)) => Look::DatabaseFile,
        Ok(Some(facts)) => Look::File(facts),
        Ok(None) => Look::Gone,
        Err(error) => {
            errors.push(error.to_string());
            Look::Failed
        }
    }
}

fn facts(survey: &Survey, vanished: u64) -> SurveyFacts {
    let Survey { began: _, names: _, visible, listing, matched, snapshot } = survey;
    SurveyFacts {
        files: *visible as u64,
        explained_files: matched.get().explained_files(*visible),
        rows: snapshot.rows.iter().sum(),
        ignored: listing.dotfiles + listing.symlinks + listing.specials,
        folders_not_entered: listing.folders_not_entered,
        folder_examples: listing.folder_examples.clone(),
        vanished,
        role_can_write: snapshot.role_can_write,
        claims: matched.get().tally.clone(),
    }
}

fn replicas(snapshot: &Snapshot) -> Vec<upsweep_plan::plan::DatabaseIdentity> {
    if snapshot.is_replica { vec![snapshot.identity.clone()] } else { vec![] }
}

fn blank(world: &World<'_>, bond: &Bond, now: Timestamp) -> Plan {
    Plan {
        format: plan::FORMAT,
        id: world.ids.fresh(now),
        created_at: now,
        expires_at: now.checked_add(plan::VALID_FOR).unwrap_or(Timestamp::MAX),
        store: bond.store.clone(),
        databases: vec![],
        policy: world.policy.clone(),
        survey: SurveyFacts::default(),
        incomplete: vec![],
        removals: vec![],
        totals: BTreeMap::new(),
        audio: BTreeMap::new(),
        audio_millis: 0,
        kept: Kept::default(),
        restores: vec![],
        errors: vec![],
        refusals: vec![],
        hash: String::new(),
    }
}

/// What the guards say to hiding what `plan` removes.
fn refusals(
    plan: &Plan,
    bond: &Bond,
    replicas: &[upsweep_plan::plan::DatabaseIdentity],
    past: &Past,
    world: &World<'_>,
) -> Vec<Refusal> {
    guard::judge(&situation(plan, bond, replicas, past.hidden_recently), world.limits)
}

/// The situation before hiding.
#[must_use]
pub fn situation<'a>(
    plan: &'a Plan,
    bond: &'a Bond,
    replicas: &'a [upsweep_plan::plan::DatabaseIdentity],
    hidden_recently: u64,
) -> Situation<'a> {
    Situation {
        phase: Phase::Hide,
        store: &bond.store.address,
        binding: &bond.binding,
        bound_databases: bond.marker.as_ref().map_or(&[], |m| &m.databases),
        databases: &plan.databases,
        replicas,
        incomplete: &plan.incomplete,
        files: plan.survey.files,
        explained_files: plan.survey.explained_files,
        missing: plan.survey.claims.missing,
        files_named_after_owner: plan.survey.claims.files_named_after_owner,
        removals: plan.removals.len() as u64,
        removal_bytes: plan.removal_bytes(),
        hidden_recently,
    }
}

/// The situation before freeing `due` files: hidden files count with the visible ones, and there is no floor.
#[must_use]
pub fn purge_situation<'a>(
    plan: &'a Plan,
    survey: &Survey,
    bond: &'a Bond,
    replicas: &'a [upsweep_plan::plan::DatabaseIdentity],
    due: u64,
    due_bytes: u64,
) -> Situation<'a> {
    let all = survey.names.len();
    Situation {
        phase: Phase::Purge,
        files: all as u64,
        explained_files: survey.matched.get().explained_files(all),
        removals: due,
        removal_bytes: due_bytes,
        ..situation(plan, bond, replicas, 0)
    }
}
