//! The audit trail as a whole: read for an auditor, and pruned when its records are old enough.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use upsweep_plan::audit::{Checkpoint, NewRecord, Record, Start};
use upsweep_plan::plan::DatabaseIdentity;

use crate::binding;
use crate::error::EngineError;
use crate::ports::{Home, Ledger, Marker, Store};
use crate::rebind::Rebound;
use crate::report::{Report, Request};
use crate::world::World;

/// The same as [`binding::ledger_of`] where a ledger is needed for `what`.
///
/// # Errors
/// [`EngineError::NoLedgerYet`] when the store is not bound, [`EngineError::Refused`] when it is not the one it was.
pub fn ledger_of(store: &dyn Store, home: &dyn Home, what: &'static str) -> Result<Box<dyn Ledger>, EngineError> {
    let missing = || EngineError::NoLedgerYet { address: store.address(), what };
    binding::ledger_of(store, home)?.ok_or_else(missing)
}

/// One part of an export, in order.
#[derive(Debug)]
pub enum Part<'a> {
    /// Where it begins.
    Start(Start),
    /// A record's line.
    Line(&'a str),
    /// Where it ends. There is none when the trail has no record at all.
    End(Checkpoint),
}

/// Gives the trail from the first record of `since` or later, all of it without, until the sink has enough.
///
/// Lines are given as they are stored, also where they were altered: an auditor wants to see that.
///
/// # Errors
/// [`EngineError`]; [`EngineError::PrunedMeanwhile`] when the beginning went away while it was read.
pub fn export(
    ledger: &dyn Ledger,
    since: Option<Timestamp>,
    sink: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let whole = ledger.audit_start()?;
    // Records before `since` only move the start; it is given once the first one after them is seen.
    let mut start = Some(whole.clone());
    let mut last = None;
    let mut is_enough = false;
    ledger.audit_from(0, &mut |line| {
        if let (Some(before), Some(since)) = (start.as_mut(), since)
            && let Ok(record) = Record::read(line)
            && record.at < since
        {
            (before.seq, before.hash) = (record.seq, record.hash.clone());
            last = Some(line.to_owned());
            return ControlFlow::Continue(());
        }
        let given = match start.take() {
            Some(start) => sink(Part::Start(start)),
            None => ControlFlow::Continue(()),
        };
        last = Some(line.to_owned());
        let given = if given.is_break() { given } else { sink(Part::Line(line)) };
        is_enough = given.is_break();
        given
    })?;
    if is_enough {
        return Ok(());
    }
    if ledger.audit_start()? != whole {
        return Err(EngineError::PrunedMeanwhile);
    }
    if let Some(start) = start
        && sink(Part::Start(start)).is_break()
    {
        return Ok(());
    }
    // Of the very records that were given, whatever was added since; a line that was altered tells nothing.
    let last = last.and_then(|line| Record::read(&line).ok()).map(|record| record.checkpoint(ledger.id()));
    let end = match last {
        Some(checkpoint) => Some(checkpoint),
        None => ledger.audit_head()?,
    };
    if let Some(checkpoint) = end {
        let _ = sink(Part::End(checkpoint));
    }
    Ok(())
}

/// Prunes what is older than the years it is kept, at the end of a run. What stopped or refused the run, as a clock
/// that leapt may, stops this as well; and a failure here fails nothing: the next run tries again.
pub(crate) fn prune_after(world: &World<'_>, ledger: &mut dyn Ledger, report: &Report) {
    if report.is_refused() || report.failure.is_some() {
        return;
    }
    let now = world.now();
    let years = SignedDuration::from_hours(i64::from(world.audit_years) * HOURS_OF_A_YEAR);
    let Ok(before) = now.checked_sub(years) else { return };
    match ledger.prune_audit(before, now) {
        Ok(0) => {}
        Ok(records) => tracing::info!(records, "pruned the oldest records of the audit trail"),
        Err(error) => tracing::warn!(%error, "could not prune the oldest records of the audit trail"),
    }
}

/// Of the longest year: a day more is no harm.
const HOURS_OF_A_YEAR: i64 = 366 * 24;

fn list(databases: &[DatabaseIdentity]) -> String {
    databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// That a store was bound to other databases.
pub(crate) fn store_rebound(run: &str, store_id: &str, rebound: &Rebound, request: &Request) -> NewRecord {
    let Rebound { from, to } = rebound;
    NewRecord {
        run: Some(run.to_owned()),
        actor: request.holder.by(),
        event: "store-rebound".to_owned(),
        subject: Some(store_id.to_owned()),
        details: BTreeMap::from([("from".to_owned(), list(from)), ("to".to_owned(), list(to))]),
    }
}

/// That a store was bound, for its trail's first record.
pub(crate) fn store_bound(marker: &Marker, address: &str, by: &str) -> NewRecord {
    let Marker { format: _, store_id, ledger_id: _, databases, quarantine: _, bound_at: _ } = marker;
    let databases = list(databases);
    NewRecord {
        run: None,
        actor: by.to_owned(),
        event: "store-bound".to_owned(),
        subject: Some(store_id.clone()),
        details: BTreeMap::from([("address".to_owned(), address.to_owned()), ("databases".to_owned(), databases)]),
    }
}
