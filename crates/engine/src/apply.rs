//! Carrying out a plan: recheck, then hide in batches, intent before effect.
//!
//! Nothing is decided here. Apply may do less than the plan (a claim appeared, a file changed), never more
//! and never other.

use jiff::{SignedDuration, Timestamp};
use upsweep_plan::guard;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::Event;
use upsweep_plan::listing::Names;
use upsweep_plan::plan::{DatabaseIdentity, Plan, PlanError};
use upsweep_plan::recheck;
use upsweep_plan::reconcile::Removal;
use upsweep_plan::verdict::Keep;

use crate::binding::Bond;
use crate::claims::{self, Extent};
use crate::databases::{self, Snapshots};
use crate::error::EngineError;
use crate::logs;
use crate::ports::{Amount, Entry, HideOrder, HideOutcome, Lease, Ledger, NewOp, OpId, Place, Stage};
use crate::restore::{Restored, restore_claimed_again};
use crate::world::{BATCH_FILES, World};

/// How old a recheck may be when files move.
pub const RECHECK_VALID_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What applying a plan did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Files hidden.
    pub hidden: Amount,
    /// Files left because a claim appeared since the plan, because they changed, or because they were gone.
    pub skipped: Vec<(Key, Skipped)>,
    /// Files that could not be moved, with the cause.
    pub failed: Vec<(Key, String)>,
    /// Files brought back while others were still being hidden: a claim appeared.
    pub restored: Restored,
}

/// Why a planned file was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The newest claims keep it.
    ClaimedSince,
    /// A human holds it.
    Held,
    /// Another file, or a changed one, stands under its name.
    Changed,
    /// It was gone already.
    Gone,
}

impl Skipped {
    /// The words for reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ClaimedSince => "a claim appeared since the plan was made",
            Self::Held => "somebody holds it since the plan was made",
            Self::Changed => "it changed since the plan was made",
            Self::Gone => "it was gone already",
        }
    }
}

/// Hides what `plan` removes, and tells `applied` as it goes. The guards were asked before; the lease is in hand.
///
/// # Errors
/// [`EngineError`] when the database, the ledger or the store as a whole fails, or somebody asked to stop. What was
/// begun is in the journal, and recovery finishes it.
pub fn apply(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    bond: &Bond,
    run: &str,
    plan: &Plan,
    applied: &mut Applied,
) -> Result<(), EngineError> {
    let mut rest: Vec<Removal> = plan.removals.clone();
    let mut rechecked_at: Option<Timestamp> = None;
    while !rest.is_empty() {
        if rechecked_at.is_none_or(|at| world.now() > at.checked_add(RECHECK_VALID_FOR).unwrap_or(at)) {
            if rechecked_at.is_some() {
                // Hiding many files takes its time, and claims on those that are hidden do not wait for it either.
                restore_claimed_again(world, ledger, lease, &mut applied.restored)?;
            }
            rest = recheck(world, ledger, bond, rest, &plan.databases, applied)?;
            world.progress.begin(Stage::Hiding, Some(rest.len() as u64));
            rechecked_at = Some(world.now());
        }
        world.go_on()?;
        let batch: Vec<Removal> = rest.drain(..rest.len().min(BATCH_FILES)).collect();
        hide_batch(world, ledger, run, &batch, plan.quarantine_secs, applied)?;
        world.progress.advance(batch.len() as u64);
    }
    world.progress.end();
    Ok(())
}

/// Reads every claim once more, now that the listing is over, and drops what somebody needs by now.
fn recheck(
    world: &mut World<'_>,
    ledger: &dyn Ledger,
    bond: &Bond,
    removals: Vec<Removal>,
    databases: &[DatabaseIdentity],
    applied: &mut Applied,
) -> Result<Vec<Removal>, EngineError> {
    let names: Names = removals.iter().map(|r| &r.key).collect();
    let holds = ledger.holds(world.now())?;
    let reading = claims::read(world, &names, Extent::Some, &holds, Stage::Rechecking)?;
    same_ground(world, bond, &reading.snapshots, databases)?;
    no_replica(&reading.snapshots)?;
    let verdicts = recheck::still_allowed(&removals, &reading.matched, world.policy, world.now());
    let mut allowed = Vec::with_capacity(removals.len());
    for (removal, keep) in removals.into_iter().zip(verdicts) {
        match keep {
            None => allowed.push(removal),
            Some(Keep::Held) => applied.skipped.push((removal.key, Skipped::Held)),
            Some(_) => applied.skipped.push((removal.key, Skipped::ClaimedSince)),
        }
    }
    Ok(allowed)
}

/// A replica may not know yet what its primary knows.
pub(crate) fn no_replica(snapshots: &Snapshots) -> Result<(), EngineError> {
    match snapshots.replicas().first() {
        Some(replica) => Err(EngineError::Refused(Box::new(guard::replica(replica)))),
        None => Ok(()),
    }
}

/// Is this still the store, and are these still the databases, that the plan was made for? A disk may have been unmounted
/// and a connection moved to another server meanwhile.
pub(crate) fn same_ground(
    world: &World<'_>,
    bond: &Bond,
    snapshots: &Snapshots,
    databases: &[DatabaseIdentity],
) -> Result<(), EngineError> {
    let marker = world.store.marker()?;
    let (expected, found) = (&bond.store.id, marker.map(|marker| marker.store_id));
    if *expected != found {
        let describe = |id: &Option<String>| format!("store {}", id.as_deref().unwrap_or("without a marker"));
        return Err(PlanError::Foreign { planned: describe(expected), here: describe(&found) }.into());
    }
    let found = snapshots.identities();
    if found != databases {
        let list = |all: &[DatabaseIdentity]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(PlanError::Foreign { planned: list(databases), here: list(&found) }.into());
    }
    Ok(())
}

fn hide_batch(
    world: &mut World<'_>,
    ledger: &mut dyn Ledger,
    run: &str,
    batch: &[Removal],
    quarantine_secs: u64,
    applied: &mut Applied,
) -> Result<(), EngineError> {
    let new: Vec<NewOp> = batch
        .iter()
        .map(|removal| NewOp {
            key: removal.key.clone(),
            reason: removal.reason.clone(),
            facts: removal.facts,
            quarantine_secs,
            action: world.policy.action,
        })
        .collect();
    let ids = ledger.intend(run, &new, world.now())?;
    let orders: Vec<HideOrder> = batch
        .iter()
        .zip(&ids)
        .map(|(removal, id)| HideOrder {
            key: removal.key.clone(),
            facts: removal.facts,
            place: Place { run: run.to_owned(), op: *id },
        })
        .collect();
    // An error leaves the intents open: whether anything moved is for recovery to see.
    let outcomes = world.store.hide(&orders)?;
    let mut entries = Vec::with_capacity(orders.len());
    let mut hidden = Vec::with_capacity(orders.len());
    for (order, outcome) in orders.into_iter().zip(outcomes) {
        let op = order.place.op;
        entries.push(match outcome {
            HideOutcome::Hidden(facts) => {
                applied.hidden.add(facts.size_bytes);
                logs::file(op, &order.key, "hidden");
                hidden.push(op);
                Entry { hidden_facts: Some(facts), ..Entry::plain(op, Event::Hidden) }
            }
            HideOutcome::OtherFound => {
                applied.skipped.push((order.key, Skipped::Changed));
                Entry::plain(op, Event::FoundOther)
            }
            HideOutcome::NothingThere => {
                applied.skipped.push((order.key, Skipped::Gone));
                Entry::plain(op, Event::FoundNothing)
            }
            HideOutcome::Failed(cause) => {
                let entry = not_moved(op, &cause);
                applied.failed.push((order.key, cause));
                entry
            }
            HideOutcome::Stranded => {
                let cause =
                    "another file slipped in while it was moved, and its place is taken: it is kept in the quarantine"
                        .to_owned();
                let entry = Entry { note: Some(cause.clone()), ..Entry::plain(op, Event::PlaceTaken) };
                applied.failed.push((order.key, cause));
                entry
            }
        });
    }
    ledger.record(&entries, world.now())?;
    note_horizons(world, ledger, &hidden);
    Ok(())
}

fn not_moved(op: OpId, cause: &str) -> Entry {
    Entry { note: Some(cause.to_owned()), ..Entry::plain(op, Event::NotMoved) }
}

/// Notes where the databases' transactions stand now that these files are hidden. A failure costs time only:
/// the next purge asks again, and a later horizon is the stricter one.
pub(crate) fn note_horizons(world: &mut World<'_>, ledger: &mut dyn Ledger, hidden: &[OpId]) {
    if hidden.is_empty() {
        return;
    }
    let noted = databases::horizons(world)
        .map_err(|error| error.to_string())
        .and_then(|horizons| ledger.set_horizons(hidden, &horizons).map_err(|error| error.to_string()));
    if let Err(error) = noted {
        tracing::warn!(%error, "could not note the databases' open transactions; purging these files will wait longer");
    }
}
