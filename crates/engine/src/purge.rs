//! Freeing hidden files for good. Every condition must hold; any doubt leaves a file hidden.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use upsweep_plan::guard::{self, Code, Refusal};
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};
use upsweep_plan::plan::Plan;

use crate::apply::{RECHECK_VALID_FOR, no_replica, note_horizons, same_ground};
use crate::archive::NO_ARCHIVE;
use crate::binding::Bond;
use crate::databases::Snapshots;
use crate::drain::is_drained;
use crate::error::EngineError;
use crate::logs;
use crate::past::Past;
use crate::planning::Judged;
use crate::ports::{Amount, Approval, CopyName, Entry, FreeOrder, FreeOutcome, Lease, Ledger, Op, Stage};
use crate::restore::{Restored, Watched, restore, restore_claimed_among, tidy};
use crate::situation::purge_situation;
use crate::world::{BATCH_FILES, World};

/// What purging did.
#[derive(Clone, Debug, Default)]
pub struct Purged {
    /// Files freed. Only those count with their bytes that had no other name.
    pub amount: Amount,
    /// Files among them that have other names (hard links), so that their bytes stay.
    pub other_names: u64,
    /// Files whose quarantine is over and that were not freed, because they have no copy in the archive yet.
    pub uncopied: u64,
    /// Files whose quarantine is over and that were not freed, because transactions that were open when they
    /// were hidden may still be.
    pub undrained: u64,
    /// Files that somebody holds, that look like a missing one, or that the rules of today keep.
    pub held: u64,
    /// Files that a guard kept.
    pub refused: u64,
    /// The guards' objections, if files were due.
    pub refusals: Vec<Refusal>,
    /// The guards that objected to freeing and were overruled for this very purge.
    pub overruled: Vec<Code>,
    /// Files that changed while they were hidden: somebody still writes to them, so they were brought back.
    pub grown: Vec<Key>,
    /// Files that could not be freed, with the cause.
    pub failed: Vec<(Key, String)>,
    /// What bringing back did.
    pub restored: Restored,
}

/// The evidence a purge rests on: a complete survey of this very run, and the claims as read just now.
pub struct Evidence<'a> {
    /// The store's binding.
    pub bond: &'a Bond,
    /// This run's plan.
    pub plan: &'a Plan,
    /// This run's survey.
    pub judged: &'a Judged,
    /// What the ledger said before it.
    pub past: &'a Past,
    /// Guards that a human overruled for this run.
    pub approval: Option<&'a Approval>,
    /// The run itself, if it may free what it hid: the stated exception to law 5.
    pub own: Option<OwnRun<'a>>,
}

/// A run that frees what it hid, where the action says so.
#[derive(Clone, Copy)]
pub struct OwnRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// The guards that objected to its hiding and were overruled: that covers the purge of these very files.
    pub overruled: &'a [Code],
}

impl Evidence<'_> {
    /// (a) Its quarantine was over before this run's survey began; or it has none, and this very run hid it.
    fn is_over(&self, op: &Op) -> bool {
        let is_own = self.own.is_some_and(|own| own.id == op.run) && op.action.frees_at_once();
        is_own || op.quarantined_until().is_some_and(|until| until < self.judged.survey.began)
    }
}

/// Frees the hidden files that are due, and tells `purged` as it goes.
///
/// `watched` comes from [`crate::restore::restore_claimed_again`], called immediately before.
///
/// # Errors
/// [`EngineError`]; what was begun is in the journal.
pub fn purge(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    evidence: &Evidence<'_>,
    watched: Watched,
    purged: &mut Purged,
) -> Result<(), EngineError> {
    let Some(snapshots) = watched.snapshots else { return Ok(()) };
    let looked = Looked { at: watched.read_at, holds: watched.holds };
    same_ground(world, evidence.bond, &snapshots, &evidence.plan.databases)?;
    ask_late_horizons(world, ledger, &watched.still_hidden, snapshots.0.len());

    let kept: BTreeSet<&Key> = evidence.plan.restores.iter().chain(&evidence.plan.held).collect();
    purged.held = watched.held.max(evidence.plan.held.len() as u64);
    // (a) its quarantine is over, (b) nobody holds it, and (c) this run's survey did not want it back.
    let over: Vec<Op> = watched
        .still_hidden
        .into_iter()
        .filter(|op| evidence.is_over(op))
        .filter(|op| !kept.contains(&op.key))
        .collect();
    // What must be copied first frees nothing before.
    let (uncopied, over): (Vec<Op>, Vec<Op>) = over.into_iter().partition(Op::owes_copy);
    purged.uncopied = uncopied.len() as u64;
    let over = with_copies(world, evidence.bond, over, purged)?;
    // (e) transactions that were open when it was hidden have ended.
    // What ended while the claims were read may have claimed it unseen: the time before that counts.
    let horizons = snapshots.horizons();
    let (due, undrained): (Vec<Op>, Vec<Op>) =
        over.into_iter().partition(|op| is_drained(op, &horizons, watched.asked_at));
    purged.undrained = undrained.len() as u64;
    let due = guarded(world, ledger, evidence, &snapshots, due, purged)?;
    if due.is_empty() {
        return Ok(());
    }
    world.progress.begin(Stage::Purging, Some(due.len() as u64));
    let freed = free_all(world, ledger, lease, evidence, due.clone(), looked, purged);
    world.progress.end();
    tidy(world, &due);
    freed
}

/// Frees them in batches, and looks at what changed meanwhile before each.
fn free_all(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    evidence: &Evidence<'_>,
    due: Vec<Op>,
    mut looked: Looked,
    purged: &mut Purged,
) -> Result<(), EngineError> {
    let mut rest = due;
    while !rest.is_empty() {
        // (d) Freeing many files takes its time, and claims do not wait for it.
        let mut is_late = world.now() > looked.at.checked_add(RECHECK_VALID_FOR).unwrap_or(looked.at);
        // (b) Nor do holds, which nobody needs the lease for: who was told that a file is held must find it.
        while !rest.is_empty() && (is_late || looked.is_news(&ledger.holds(world.now())?)) {
            (rest, looked) = look_again(world, ledger, lease, evidence, rest, purged)?;
            world.progress.begin(Stage::Purging, Some(rest.len() as u64));
            is_late = false;
        }
        world.go_on()?;
        let batch: Vec<Op> = rest.drain(..rest.len().min(BATCH_FILES)).collect();
        free_batch(world, ledger, lease, &batch, purged)?;
        world.progress.advance(batch.len() as u64);
    }
    Ok(())
}

/// Those of these files whose copies, if they have any, are still in the archive.
fn with_copies(world: &World<'_>, bond: &Bond, ops: Vec<Op>, purged: &mut Purged) -> Result<Vec<Op>, EngineError> {
    let store = bond.store.id.as_deref().unwrap_or_default();
    let trouble = |op: &Op| {
        let name = CopyName::recorded(store, op)?;
        match world.archive.map(|archive| archive.read(&name)) {
            Some(Ok(Some(_))) => None,
            Some(Ok(None)) => Some("its copy is no longer in the archive, so it was not freed".to_owned()),
            Some(Err(error)) => Some(error.to_string()),
            None => Some(NO_ARCHIVE.to_owned()),
        }
    };
    let mut whole = Vec::with_capacity(ops.len());
    for op in ops {
        // An archive may be far away.
        if op.copy.is_some() {
            world.go_on()?;
        }
        match trouble(&op) {
            None => whole.push(op),
            Some(cause) => purged.failed.push((op.key, cause)),
        }
    }
    Ok(whole)
}

/// When the claims were last read, and the holds that were known then, by their numbers.
struct Looked {
    at: Timestamp,
    holds: BTreeSet<u64>,
}

impl Looked {
    fn is_news(&self, holds: &[Hold]) -> bool {
        holds.iter().any(|hold| !self.holds.contains(&hold.id))
    }
}

/// Reads the claims once more for the files that are still to be freed, and brings back what they need by now.
fn look_again(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    evidence: &Evidence<'_>,
    rest: Vec<Op>,
    purged: &mut Purged,
) -> Result<(Vec<Op>, Looked), EngineError> {
    let Watched { asked_at: _, read_at, still_hidden, held, holds, snapshots } =
        restore_claimed_among(world, ledger, lease, rest, &mut purged.restored)?;
    purged.held += held;
    if let Some(snapshots) = snapshots {
        same_ground(world, evidence.bond, &snapshots, &evidence.plan.databases)?;
        no_replica(&snapshots)?;
    }
    Ok((still_hidden, Looked { at: read_at, holds }))
}

/// Asks for the horizons of files whose run could not, or whose run knew another number of databases: later ones
/// are only stricter.
fn ask_late_horizons(world: &mut World<'_>, ledger: &mut dyn Ledger, hidden: &[Op], databases: usize) {
    let is_whole = |op: &&Op| op.horizons.as_ref().is_some_and(|horizons| horizons.len() == databases);
    let without: Vec<_> = hidden.iter().filter(|op| !is_whole(op)).map(|op| op.id).collect();
    note_horizons(world, ledger, &without);
}

/// Asks the guards, and gives the files they let go: all, or those whose own run's approval, or this one's,
/// covers every objection.
fn guarded(
    world: &World<'_>,
    ledger: &dyn Ledger,
    evidence: &Evidence<'_>,
    snapshots: &Snapshots,
    due: Vec<Op>,
    purged: &mut Purged,
) -> Result<Vec<Op>, EngineError> {
    if due.is_empty() {
        return Ok(due);
    }
    // The survey's own reading counts as well: the connection may have moved to another server since.
    let replicas = [snapshots.replicas(), evidence.judged.survey.snapshots.replicas()].concat();
    let hidden = ledger.ops_in(&[State::Quarantined])?;
    let situation = purge_situation(world, evidence, &replicas, &hidden, &due);
    let mut objections = guard::judge(&situation, world.limits);
    // Nothing is freed on a survey whose mapping was in doubt when it was asked what to hide.
    let doubts = evidence.plan.refusals.iter().filter(|refusal| doubts_the_mapping(refusal.code));
    let is_doubted = doubts.clone().any(|refusal| refusal.code == Code::G010);
    let news: Vec<Refusal> = doubts.filter(|doubt| objections.iter().all(|o| o.code != doubt.code)).cloned().collect();
    objections.extend(news);
    objections.sort_by_key(|refusal| refusal.code);
    let allowed_now = evidence.approval.map(|a| a.codes.clone()).unwrap_or_default();
    let is_allowed = |r: &Refusal| r.code.is_approvable() && allowed_now.contains(&r.code);
    let (overruled, open): (Vec<Refusal>, Vec<Refusal>) = objections.into_iter().partition(is_allowed);
    purged.overruled = overruled.iter().map(|refusal| refusal.code).collect();
    if open.is_empty() {
        return Ok(due);
    }
    let mut approvals: BTreeMap<String, BTreeSet<Code>> = BTreeMap::new();
    for op in &due {
        if !approvals.contains_key(&op.run) {
            // Allowing a guard that did not object is no judgement of what it may find later.
            let overruled = match evidence.own {
                Some(own) if own.id == op.run => own.overruled.to_vec(),
                _ => ledger.run(&op.run)?.and_then(|run| run.outcome).map(|o| o.overruled).unwrap_or_default(),
            };
            approvals.insert(op.run.clone(), overruled.into_iter().collect());
        }
    }
    let covers = |op: &Op, code: Code| {
        // That claimed files became orphans says nothing about those that nobody claimed before.
        let concerns = code != Code::G010 || is_doubted || op.reason.claimed_until().is_some();
        !concerns || (code.approval_covers_purge() && approvals[&op.run].contains(&code))
    };
    let covered = |op: &Op| open.iter().all(|r| covers(op, r.code));
    let (free, kept): (Vec<Op>, Vec<Op>) = due.into_iter().partition(covered);
    purged.refused = kept.len() as u64;
    // What keeps none of them needs no new approval.
    purged.refusals = open.iter().filter(|r| kept.iter().any(|op| !covers(op, r.code))).cloned().collect();
    Ok(free)
}

fn doubts_the_mapping(code: Code) -> bool {
    match code {
        Code::G001 | Code::G005 | Code::G010 => true,
        Code::G002 | Code::G003 | Code::G004 | Code::G006 | Code::G007 | Code::G008 | Code::G009 => false,
    }
}

fn free_batch(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    batch: &[Op],
    purged: &mut Purged,
) -> Result<(), EngineError> {
    let mut orders = Vec::with_capacity(batch.len());
    let mut meant = Vec::with_capacity(batch.len());
    for op in batch {
        // Without its facts it cannot be told from another file; recovery always notes them.
        if let Some(facts) = op.hidden_facts {
            orders.push(FreeOrder { place: op.place(), facts });
            meant.push(op);
        }
    }
    let intents: Vec<Entry> = meant.iter().map(|op| Entry::plain(op.id, Event::IntendPurge)).collect();
    ledger.record(&intents, world.now())?;
    let outcomes = world.store.free(&orders);
    let mut entries = Vec::with_capacity(meant.len());
    let mut grown = Vec::new();
    for (op, outcome) in meant.into_iter().zip(outcomes) {
        entries.push(match outcome {
            FreeOutcome::Freed => {
                purged.amount.add(op.facts.size_bytes);
                logs::file(op.id, &op.key, "freed");
                Entry::plain(op.id, Event::Freed)
            }
            FreeOutcome::OtherNames => {
                purged.amount.add(0);
                purged.other_names += 1;
                Entry::plain(op.id, Event::Freed)
            }
            FreeOutcome::Gone => {
                let cause = "somebody else took it out of the quarantine".to_owned();
                purged.failed.push((op.key.clone(), cause.clone()));
                Entry { note: Some(cause), ..Entry::plain(op.id, Event::HiddenGone) }
            }
            FreeOutcome::Changed => {
                purged.grown.push(op.key.clone());
                grown.push(Op { state: State::Quarantined, ..op.clone() });
                let note = "it changed while it was hidden: somebody still writes to it".to_owned();
                Entry { note: Some(note), ..Entry::plain(op.id, Event::StillHidden) }
            }
            FreeOutcome::Failed(cause) => {
                purged.failed.push((op.key.clone(), cause.clone()));
                Entry { note: Some(cause), ..Entry::plain(op.id, Event::StillHidden) }
            }
        });
    }
    ledger.record(&entries, world.now())?;
    restore(world, ledger, lease, &grown, &mut purged.restored)
}
