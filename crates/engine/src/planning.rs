//! Making a plan: survey, judge, guard. Nothing is changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use upsweep_plan::folders::vanishing;
use upsweep_plan::guard::{self, Before};
use upsweep_plan::key::{Escaped, Key};
use upsweep_plan::listing::{FileFacts, Names};
use upsweep_plan::matching::MISSING_NAMED_MAX;
use upsweep_plan::mend::{Mend, NearMiss};
use upsweep_plan::plan::{self, Plan, SurveyFacts};
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::recheck::HiddenVerdict;
use upsweep_plan::reconcile::{self, Fate, Kept, Look, Reconciled, Removal, Sifted};
use upsweep_plan::verdict::{Keep, Reason};

use crate::binding::Bond;
use crate::error::EngineError;
use crate::hidden;
pub use crate::past::{PENDING, Past};
use crate::ports::{Memories, Progress, Stage, Stop, Store};
use crate::situation::situation;
use crate::survey::{Incomplete, Survey, survey};
use crate::world::{World, go_on};

/// A plan, and what it rests on.
pub struct Planned {
    /// The plan, not sealed yet: audio facts may still be added.
    pub plan: Plan,
    /// The survey and its verdicts, if it completed.
    pub judged: Option<Judged>,
}

/// A complete survey, and what was decided about each file.
pub struct Judged {
    /// The survey.
    pub survey: Survey,
    /// One per visible file.
    pub fates: Vec<Fate>,
    /// Files that may go and that the plan's selection leaves out.
    pub unselected: Vec<Removal>,
    /// Files that nobody claims, as they were found.
    pub unclaimed: Vec<(Key, FileFacts)>,
}

/// Where a plan looks up since when files stand there.
pub type Sightings<'a> = Option<&'a dyn Memories>;

/// Surveys the store and says what would go.
///
/// # Errors
/// [`EngineError`] when the store or a database cannot be read at all. A survey that began but did not complete
/// is no error: its plan removes nothing and carries G008.
pub fn make(world: &mut World<'_>, bond: &Bond, past: &Past, sightings: Sightings<'_>) -> Result<Planned, EngineError> {
    let now = world.now();
    match survey(world, past)? {
        Ok(survey) => judge(world, bond, past, sightings, now, survey),
        Err(Incomplete { reasons }) => {
            let mut plan = blank(world, bond, now);
            plan.incomplete = reasons;
            plan.refusals = guard::judge(&situation(world, &plan, bond, &[], past), world.limits);
            Ok(Planned { plan, judged: None })
        }
    }
}

fn judge(
    world: &World<'_>,
    bond: &Bond,
    past: &Past,
    sightings: Sightings<'_>,
    now: Timestamp,
    survey: Survey,
) -> Result<Planned, EngineError> {
    let policy = world.policy;
    let Survey { names, visible, excluded, matched, .. } = &survey;
    let sifted = reconcile::sift(names, *visible, excluded, matched, policy, now);
    let mut looking = Looking {
        store: world.store,
        progress: world.progress,
        stop: world.stop,
        age_from: policy.age_from,
        sightings,
        own_files: survey.snapshots.own_files(),
        errors: vec![],
        unclaimed: vec![],
    };
    let looks = looking.look_at_all(&survey, &sifted)?;
    let Looking { errors, unclaimed, .. } = looking;
    let Reconciled { mut removals, mut kept, vanished, fates } =
        reconcile::reconcile(names, sifted, &looks, policy, now);
    let claimed_before = remember_claims(&mut removals, names, &fates, past);
    let (removals, unselected) = world.selection.part(removals, policy);
    kept.add(Keep::OutsideSelection, unselected.len() as u64);

    let mut plan = blank(world, bond, now);
    plan.databases = survey.snapshots.identities();
    plan.survey = SurveyFacts {
        claimed_before,
        vanishing: vanishing(names, *visible, &removals, world.limits.floor_files),
        vanished,
        ..facts(&survey, past)
    };
    plan.removals = removals;
    plan.kept = kept;
    (plan.restores, plan.held) = judge_hidden(&survey, &fates, past, world, now);
    plan.relinks = mends(&survey, &fates, world);
    plan.near_misses = near_misses(&survey);
    plan.errors = errors;
    plan.refusals = guard::judge(&situation(world, &plan, bond, &survey.snapshots.replicas(), past), world.limits);
    Ok(Planned { plan, judged: Some(Judged { survey, fates, unselected, unclaimed }) })
}

/// After how many looks somebody may stop the looking.
const LOOKS_PER_QUESTION: usize = 256;

/// Looking at candidates, one by one.
struct Looking<'a> {
    store: &'a dyn Store,
    progress: &'a dyn Progress,
    stop: &'a dyn Stop,
    age_from: AgeFrom,
    sightings: Sightings<'a>,
    own_files: Vec<(u64, u64)>,
    errors: Vec<String>,
    unclaimed: Vec<(Key, FileFacts)>,
}

impl Looking<'_> {
    fn look_at_all(&mut self, survey: &Survey, sifted: &Sifted) -> Result<Vec<Look>, EngineError> {
        let progress = self.progress;
        progress.begin(Stage::Looking, Some(sifted.candidates.len() as u64));
        let mut looks = Vec::with_capacity(sifted.candidates.len());
        for (looked, candidate) in sifted.candidates.iter().enumerate() {
            if looked % LOOKS_PER_QUESTION == 0 {
                go_on(self.stop)?;
            }
            looks.push(self.look(survey.names.get(candidate.index), candidate.is_unclaimed())?);
            progress.advance(1);
        }
        progress.end();
        Ok(looks)
    }

    fn look(&mut self, name: &[u8], is_unclaimed: bool) -> Result<Look, EngineError> {
        let key = match Key::parse(name) {
            Ok(key) => key,
            Err(why) => {
                self.errors.push(format!("{}: {why}", Escaped(name)));
                return Ok(Look::Failed);
            }
        };
        Ok(match self.store.look(&key) {
            Ok(Some(facts)) if self.own_files.contains(&(facts.dev, facts.ino)) => Look::DatabaseFile,
            Ok(Some(facts)) => {
                let first_seen = match (self.age_from, self.sightings) {
                    (AgeFrom::FirstSeen, Some(memories)) if is_unclaimed => memories.first_seen(&key, &facts)?,
                    _ => None,
                };
                if is_unclaimed {
                    self.unclaimed.push((key, facts));
                }
                Look::File(facts, first_seen)
            }
            Ok(None) => Look::Gone,
            Err(error) => {
                self.errors.push(error.to_string());
                Look::Failed
            }
        })
    }
}

/// Notes in each orphan that a live claim covered it at the last good survey, and counts those, with the files that
/// are still too young to go and those whose session is said to have failed long ago.
fn remember_claims(removals: &mut [Removal], names: &Names, fates: &[Fate], past: &Past) -> u64 {
    let Some(baseline) = &past.baseline else { return 0 };
    let mut count = 0;
    for removal in removals.iter_mut().filter(|removal| baseline.live.contains(removal.key.as_bytes())) {
        count += 1;
        if let Reason::Orphan { claimed_until, .. } = &mut removal.reason {
            *claimed_until = Some(baseline.at);
        }
    }
    // What is lost at once gets old one by one: the loss counts while it is whole.
    let waits = |fate: &Fate| matches!(fate, Fate::Keep(Keep::TooYoung | Keep::Relinkable));
    let waiting = fates.iter().enumerate().filter(|(_, fate)| waits(fate));
    count + waiting.filter(|(index, _)| baseline.live.contains(names.get(*index))).count() as u64
}

/// The hidden files that a claim needs again, and those that stay hidden although nothing needs them.
fn judge_hidden(
    survey: &Survey,
    fates: &[Fate],
    past: &Past,
    world: &World<'_>,
    now: Timestamp,
) -> (Vec<Key>, Vec<Key>) {
    let Survey { matched, names, excluded, .. } = survey;
    let keeping = hidden::kept_by_visible(names, fates, excluded, world.policy);
    let verdicts = hidden::judge(matched, names, &past.hidden, keeping, &past.holds, world.policy, now);
    let (mut restores, mut held) = (Vec::new(), Vec::new());
    for (op, verdict) in past.hidden.iter().zip(&verdicts) {
        match verdict {
            HiddenVerdict::Restore(_) => restores.push(op.key.clone()),
            HiddenVerdict::Stay(_) => held.push(op.key.clone()),
            HiddenVerdict::StillRemove => {}
        }
    }
    (restores, held)
}

/// The first missing files of which a visible one, claimed or not, has nearly the name.
fn near_misses(survey: &Survey) -> Vec<NearMiss> {
    let near = |index: usize| {
        let missing = survey.matched.get().relink(index)?.claimed.clone();
        Some(NearMiss { missing, file: Key::parse(survey.names.get(index)).ok()? })
    };
    let mut found: Vec<NearMiss> = (0..survey.visible).filter_map(near).collect();
    found.sort();
    found.truncate(MISSING_NAMED_MAX);
    found
}

/// The first files that are kept because they look like a missing one, and what would mend them.
fn mends(survey: &Survey, fates: &[Fate], world: &World<'_>) -> Vec<Mend> {
    let kept = fates.iter().enumerate().filter(|(_, fate)| **fate == Fate::Keep(Keep::Relinkable));
    let mend = |(index, _): (usize, &Fate)| {
        let relink = survey.matched.get().relink(index)?.clone();
        let file = Key::parse(survey.names.get(index)).ok()?;
        Some(Mend::new(file, relink, &world.policy.claim_rules))
    };
    let mut mends: Vec<Mend> = kept.filter_map(mend).collect();
    mends.sort_by(|a, b| a.file.cmp(&b.file));
    mends.truncate(MISSING_NAMED_MAX);
    mends
}

fn facts(survey: &Survey, past: &Past) -> SurveyFacts {
    let Survey { began: _, names: _, visible, excluded, listing, matched, snapshots, clocks } = survey;
    let matched = matched.get();
    SurveyFacts {
        files: *visible as u64,
        explained_files: matched.explained_files(*visible),
        live_files: matched.live_files(*visible),
        before: past.baseline.as_ref().map(|baseline| Before {
            at: baseline.at,
            live: baseline.live_files,
            missing: baseline.missing,
        }),
        clocks: clocks.iter().chain(&past.store_clock).cloned().collect(),
        excluded: excluded.len() as u64,
        rows: snapshots.rows(),
        ignored: listing.dotfiles + listing.symlinks + listing.specials,
        folders_not_entered: listing.folders_not_entered,
        folder_examples: listing.folder_examples.clone(),
        role_can_write: snapshots.role_can_write(),
        claims: matched.tally.clone(),
        ..SurveyFacts::default()
    }
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
        selection: world.selection.clone(),
        // What is deleted at once waits for the drain, and for nothing else.
        quarantine_secs: if world.policy.action.frees_at_once() { 0 } else { world.quarantine_secs },
        survey: SurveyFacts::default(),
        incomplete: vec![],
        removals: vec![],
        totals: BTreeMap::new(),
        audio: BTreeMap::new(),
        audio_millis: 0,
        kept: Kept::default(),
        restores: vec![],
        held: vec![],
        relinks: vec![],
        near_misses: vec![],
        errors: vec![],
        refusals: vec![],
        hash: String::new(),
    }
}
