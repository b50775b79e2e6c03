//! Everything that is known about one name: its verdict, every rule that was asked, and what would change it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use upsweep_plan::claim::{ClaimRule, Target};
use upsweep_plan::exclude::Exclusion;
use upsweep_plan::hold::{Hold, HoldTarget};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::listing::{FileFacts, Names};
use upsweep_plan::matching::Matcher;
use upsweep_plan::mend::Mend;
use upsweep_plan::policy::{AgeFrom, Policy};
use upsweep_plan::reconcile::{Fate, Removal, group_id};
use upsweep_plan::standing::Standing;
use upsweep_plan::variant::Relation;
use upsweep_plan::verdict::{Keep, Reason, counted_from};

use crate::binding::Bond;
use crate::claims;
use crate::error::EngineError;
use crate::planning::{self, Judged, Past, Planned};
use crate::ports::{Ledger, Memories, Op};
use crate::world::World;

/// How many rows of one rule are named.
const ROWS_NAMED_MAX: usize = 20;

/// Everything that is known about one name.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The name.
    pub key: Key,
    /// When it was asked.
    pub at: Timestamp,
    /// What would happen to it, and why.
    pub verdict: Verdict,
    /// The file as it stands there.
    pub file: Option<Seen>,
    /// Every rule that was asked, and what it answered.
    pub rules: Vec<Answer>,
    /// The other files of its group, which it is kept or removed with.
    pub group: Vec<Mate>,
    /// The holds that concern it.
    pub holds: Vec<Hold>,
    /// The configured exclusion that covers it.
    pub excluded_by: Option<String>,
    /// The missing file that it looks like, or the file that looks like it, and what would bring them together.
    pub mends: Vec<Mend>,
    /// What earlier runs did with files of this name, the oldest first.
    pub operations: Vec<Op>,
    /// Why the survey did not complete; then nothing would be removed.
    pub incomplete: Vec<String>,
}

/// What would happen to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The file stays.
    Keep {
        /// Why.
        why: Keep,
    },
    /// The file may go.
    Remove {
        /// Why.
        reason: Reason,
    },
    /// The file is hidden.
    Hidden {
        /// Its operation.
        op: u64,
        /// Whether a claim needs it again, so that the next run brings it back.
        is_needed: bool,
        /// When its quarantine ends.
        until: Option<Timestamp>,
    },
    /// The file is hidden, and its place is taken by another one: a human decides.
    Conflict {
        /// Its operation.
        op: u64,
    },
    /// A live row claims the name, and there is no such file.
    Missing,
    /// Something of that name is never judged.
    NotJudged {
        /// Why.
        why: NotJudged,
    },
    /// Nothing of that name is there, and no live row claims it.
    Nothing,
    /// Nobody knows: the survey did not complete.
    Unknown,
}

/// Why something is never judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotJudged {
    /// It, or a folder it lies in, begins with a dot.
    Dotfile,
    /// It lies below the top level, and only that is looked at.
    BelowTopLevel,
    /// A configured exclusion covers it.
    Excluded,
}

/// A file as it stands there.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// What was seen.
    pub facts: FileFacts,
    /// What an orphan's age counts from here.
    pub age_from: AgeFrom,
    /// When its age began, by that; `None` when it is not known.
    pub counted_from: Option<Timestamp>,
    /// When it would be old enough to go as an orphan.
    pub old_at: Option<Timestamp>,
    /// When a complete survey first saw it as nobody's.
    pub first_seen: Option<Timestamp>,
}

/// What one rule answered.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Its name.
    pub rule: String,
    /// The database that it reads, where it is not the first one.
    pub database: Option<String>,
    /// How many rows it gave.
    pub rows: u64,
    /// How many of them concern the name.
    pub concerned: u64,
    /// The first of those.
    pub claims: Vec<Concern>,
}

/// A row that concerns a name.
#[derive(Clone, Debug, Serialize)]
pub struct Concern {
    /// The row's identifier; empty when its rule names no owner column.
    pub owner: String,
    /// The name as the row spells it, with `*` for gaps.
    pub spelled: String,
    /// What the claim is worth.
    #[serde(flatten)]
    pub standing: Standing,
    /// How it reaches the name.
    pub reach: Reach,
}

/// How a claim reaches a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It names exactly this.
    Names,
    /// It names what this was made of.
    NamesOriginal,
    /// It names this, and this is still being written.
    NamesFinished,
    /// It names a variant of this, or of what this was made of.
    NamesVariant,
    /// Its pattern matches this.
    Matches,
    /// Its name is nearly this one.
    NearlyNames,
}

/// Another file of the group.
#[derive(Clone, Debug, Serialize)]
pub struct Mate {
    /// Its name.
    pub key: Key,
    /// Why it stays; `None` when it may go or is gone.
    pub kept: Option<Keep>,
}

/// Explains one name. Nothing is changed.
///
/// # Errors
/// [`EngineError`] when the store or a database cannot be read at all.
pub fn explain(
    world: &mut World<'_>,
    bond: &Bond,
    ledger: Option<&dyn Ledger>,
    key: &Key,
) -> Result<Explanation, EngineError> {
    let at = world.now();
    let past = ledger.map(|ledger| Past::read(ledger, at)).transpose()?.unwrap_or_default();
    let sightings = ledger.map(|ledger| ledger as &dyn Memories);
    let Planned { plan, judged } = planning::make(world, bond, &past, sightings)?;
    let operations = ledger.map(|ledger| ledger.ops_of_key(key)).transpose()?.unwrap_or_default();
    let rules = if judged.is_some() { ask(world, key)? } else { vec![] };
    let excluded_by = world.policy.exclude.iter().find(|exclusion| exclusion.covers(key.as_bytes()));
    let first_seen = |facts: &FileFacts| ledger.map(|ledger| ledger.first_seen(key, facts)).transpose();
    // What cannot be looked at is a verdict, not an error.
    let file = match world.store.look(key) {
        Ok(Some(facts)) => Some(seen(facts, first_seen(&facts)?.flatten(), world.policy)),
        Ok(None) | Err(_) => None,
    };
    let is_hidden = |op: &&Op| matches!(op.state, State::Quarantined | State::Conflict);
    let hidden = operations.iter().rfind(is_hidden);
    let needed = plan.restores.contains(key);
    let verdict = match (&judged, hidden) {
        (_, Some(op)) if file.is_none() => hidden_verdict(op, needed),
        (None, _) => Verdict::Unknown,
        (Some(judged), _) => verdict(world.policy, key, &plan.removals, judged, &rules, excluded_by),
    };
    let group = judged.as_ref().map(|judged| mates(world.policy, key, judged)).unwrap_or_default();
    let together: Names = std::iter::once(key).chain(group.iter().map(|mate| &mate.key)).collect();
    let concerns = |hold: &&Hold| holds_name(world.policy, hold, &together, &rules);
    let mends = plan.relinks.iter().filter(|mend| mend.file == *key || mend.relink.claimed == *key);
    Ok(Explanation {
        key: key.clone(),
        at,
        verdict,
        file,
        group,
        holds: past.holds.iter().filter(concerns).cloned().collect(),
        excluded_by: excluded_by.map(|exclusion| String::from(exclusion.clone())),
        mends: mends.cloned().collect(),
        rules,
        operations,
        incomplete: plan.incomplete,
    })
}

fn hidden_verdict(op: &Op, is_needed: bool) -> Verdict {
    match op.state {
        State::Conflict => Verdict::Conflict { op: op.id.0 },
        _ => Verdict::Hidden { op: op.id.0, is_needed, until: op.quarantined_until() },
    }
}

fn verdict(
    policy: &Policy,
    key: &Key,
    removals: &[Removal],
    judged: &Judged,
    rules: &[Answer],
    excluded_by: Option<&Exclusion>,
) -> Verdict {
    let not_judged = |why| Verdict::NotJudged { why };
    if let Some(removal) = removals.iter().find(|removal| removal.key == *key) {
        return Verdict::Remove { reason: removal.reason.clone() };
    }
    if judged.unselected.iter().any(|removal| removal.key == *key) {
        return Verdict::Keep { why: Keep::OutsideSelection };
    }
    if excluded_by.is_some() {
        return not_judged(NotJudged::Excluded);
    }
    let names = &judged.survey.names;
    let listed = (0..judged.survey.visible).find(|&index| names.get(index) == key.as_bytes());
    match listed.map(|index| judged.fates[index]) {
        Some(Fate::Keep(why)) => return Verdict::Keep { why },
        Some(Fate::Vanished | Fate::Remove) | None => {}
    }
    let is_named = |claim: &Concern| claim.reach == Reach::Names && claim.standing == Standing::Live;
    if key.is_hidden() {
        not_judged(NotJudged::Dotfile)
    } else if !policy.recursive && !key.is_top_level() {
        not_judged(NotJudged::BelowTopLevel)
    } else if rules.iter().flat_map(|rule| &rule.claims).any(is_named) {
        Verdict::Missing
    } else {
        Verdict::Nothing
    }
}

fn seen(facts: FileFacts, first_seen: Option<Timestamp>, policy: &Policy) -> Seen {
    let counted_from = counted_from(&facts, first_seen, policy);
    let retention = SignedDuration::from_secs(i64::try_from(policy.orphan_retention_secs).unwrap_or(i64::MAX));
    let old_at = counted_from.and_then(|at| at.checked_add(retention).ok());
    Seen { facts, age_from: policy.age_from, counted_from, old_at, first_seen }
}

/// Reads every rule once more, and keeps the rows that concern the name.
fn ask(world: &mut World<'_>, key: &Key) -> Result<Vec<Answer>, EngineError> {
    let policy = world.policy;
    let names: Names = std::iter::once(key).collect();
    let answer = |rule: &ClaimRule| Answer {
        rule: rule.name.clone(),
        database: rule.database.clone(),
        rows: 0,
        concerned: 0,
        claims: vec![],
    };
    let mut answers: Vec<Answer> = policy.claim_rules.iter().map(answer).collect();
    claims::stream(world, &mut |rule, claim| {
        let answer = &mut answers[rule];
        answer.rows += 1;
        // What a claim means for the name is asked of the very code that decides.
        let mut matcher = Matcher::new(&names, &policy.variants);
        matcher.offer(rule, claim.clone());
        let sealed = matcher.seal();
        if !sealed.get().marks(0).is_explained() {
            return;
        }
        answer.concerned += 1;
        if answer.claims.len() < ROWS_NAMED_MAX {
            let reach = reach(policy, &claim.target, key);
            let spelled = claim.target.to_string();
            answer.claims.push(Concern { owner: claim.owner, spelled, standing: claim.standing, reach });
        }
    })?;
    Ok(answers)
}

fn reach(policy: &Policy, target: &Target, key: &Key) -> Reach {
    match target {
        Target::Exact(claimed) => match policy.variants.relation(claimed.as_bytes(), key.as_bytes()) {
            Some(Relation::Same) => Reach::Names,
            Some(Relation::Variant) => Reach::NamesOriginal,
            Some(Relation::InProgress) => Reach::NamesFinished,
            Some(Relation::Sibling) => Reach::NamesVariant,
            None => Reach::NearlyNames,
        },
        Target::Pattern { .. } => Reach::Matches,
        Target::Unaddressable { .. } | Target::Nameless => Reach::NearlyNames,
    }
}

fn mates(policy: &Policy, key: &Key, judged: &Judged) -> Vec<Mate> {
    let names = &judged.survey.names;
    let group = group_id(key.as_bytes(), policy);
    let is_mate = |index: &usize| {
        let name = names.get(*index);
        name != key.as_bytes() && group_id(name, policy) == group
    };
    let mate = |index: usize| {
        let kept = match judged.fates[index] {
            Fate::Keep(why) => Some(why),
            Fate::Remove | Fate::Vanished => None,
        };
        Some(Mate { key: Key::parse(names.get(index)).ok()?, kept })
    };
    (0..judged.survey.visible).filter(is_mate).filter_map(mate).collect()
}

/// Whether a hold concerns the first of these names, which belong together: by itself, or by a row that reaches it.
fn holds_name(policy: &Policy, hold: &Hold, together: &Names, rules: &[Answer]) -> bool {
    match &hold.target {
        HoldTarget::Owner(owner) => rules.iter().flat_map(|rule| &rule.claims).any(|claim| claim.owner == *owner),
        target @ (HoldTarget::Key(_) | HoldTarget::Prefix(_)) => {
            let mut matcher = Matcher::new(together, &policy.variants);
            matcher.hold(target);
            matcher.seal().get().marks(0).held
        }
    }
}
