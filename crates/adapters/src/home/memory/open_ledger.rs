//! A ledger in memory, as one of several who may have it open.

mod errands;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use upsweep_engine::ports::{
    AuditTrail, Entry, Holds, Horizon, Ledger, LedgerError, Memories, NewHold, NewOp, Op, OpId, Release, RunOutcome,
    RunRecord,
};
use upsweep_plan::audit::{Checkpoint, Finding, NewRecord, Start, Summary};
use upsweep_plan::baseline::Baseline;
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::listing::FileFacts;

use super::locked;
use crate::ledger::memory::MemoryLedger;
use crate::ledger::telling::Writer;

/// The ledger in the hands of one who opened it.
pub(super) struct OpenLedger {
    id: String,
    ledger: Arc<Mutex<MemoryLedger>>,
    is_damaged: Arc<AtomicBool>,
    /// Who opened it, for the audit trail.
    writer: Writer,
}

impl OpenLedger {
    pub(super) fn new(id: String, ledger: Arc<Mutex<MemoryLedger>>, is_damaged: Arc<AtomicBool>) -> Self {
        Self { id, ledger, is_damaged, writer: Writer::default() }
    }

    /// The ledger, with this one's hand on the pen.
    fn it(&self) -> MutexGuard<'_, MemoryLedger> {
        let mut ledger = locked(&self.ledger);
        ledger.writer().clone_from(&self.writer);
        ledger
    }

    /// The same for work that changes who writes.
    fn changing<R>(&mut self, work: impl FnOnce(&mut MemoryLedger) -> R) -> R {
        let mut ledger = self.it();
        let done = work(&mut ledger);
        let writer = ledger.writer().clone();
        drop(ledger);
        self.writer = writer;
        done
    }
}

impl Ledger for OpenLedger {
    fn id(&self) -> &str {
        &self.id
    }

    fn store_id(&self) -> Result<Option<String>, LedgerError> {
        self.it().store_id()
    }

    fn belong_to(&mut self, store_id: &str) -> Result<(), LedgerError> {
        self.it().belong_to(store_id)
    }

    fn begin_run(&mut self, run: &RunRecord) -> Result<(), LedgerError> {
        self.changing(|ledger| ledger.begin_run(run))
    }

    fn end_run(&mut self, id: &str, ended_at: Timestamp, outcome: &RunOutcome) -> Result<(), LedgerError> {
        self.changing(|ledger| ledger.end_run(id, ended_at, outcome))
    }

    fn intend(&mut self, run: &str, ops: &[NewOp], at: Timestamp) -> Result<Vec<OpId>, LedgerError> {
        self.it().intend(run, ops, at)
    }

    fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), LedgerError> {
        self.it().record(entries, at)
    }

    fn set_horizons(&mut self, ops: &[OpId], horizons: &[Horizon]) -> Result<(), LedgerError> {
        self.it().set_horizons(ops, horizons)
    }

    fn ops_in(&self, states: &[State]) -> Result<Vec<Op>, LedgerError> {
        self.it().ops_in(states)
    }

    fn ops_of(&self, run: &str) -> Result<Vec<Op>, LedgerError> {
        self.it().ops_of(run)
    }

    fn ops_of_key(&self, key: &Key) -> Result<Vec<Op>, LedgerError> {
        self.it().ops_of_key(key)
    }

    fn last_entry_at(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.it().last_entry_at()
    }

    fn forgive_clock(&mut self, at: Timestamp) -> Result<(), LedgerError> {
        self.it().forgive_clock(at)
    }

    fn hidden_since(&self, since: Timestamp) -> Result<u64, LedgerError> {
        self.it().hidden_since(since)
    }

    fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        self.it().runs(limit)
    }

    fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError> {
        self.it().run(id)
    }

    fn verify_journal(&self) -> Result<(), LedgerError> {
        if self.is_damaged.load(Ordering::Relaxed) {
            let (ledger, problem) = ("in memory".to_owned(), "it was told to be".to_owned());
            return Err(LedgerError::Damaged { ledger, problem });
        }
        self.it().verify_journal()
    }

    fn verify(&self) -> Result<(), LedgerError> {
        self.verify_journal()?;
        self.it().verify()
    }
}

impl Holds for OpenLedger {
    fn add_holds(&mut self, holds: &[NewHold]) -> Result<Vec<Hold>, LedgerError> {
        self.it().add_holds(holds)
    }

    fn release_holds(&mut self, ids: &[u64], by: &str, why: &str, at: Timestamp) -> Result<Vec<Release>, LedgerError> {
        self.it().release_holds(ids, by, why, at)
    }

    fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, LedgerError> {
        self.it().holds(now)
    }
}

impl Memories for OpenLedger {
    fn note_sightings(&mut self, files: &[(Key, FileFacts)], at: Timestamp) -> Result<(), LedgerError> {
        self.it().note_sightings(files, at)
    }

    fn first_seen(&self, key: &Key, facts: &FileFacts) -> Result<Option<Timestamp>, LedgerError> {
        self.it().first_seen(key, facts)
    }

    fn baseline(&self) -> Result<Option<Baseline>, LedgerError> {
        self.it().baseline()
    }

    fn set_baseline(&mut self, baseline: &Baseline) -> Result<(), LedgerError> {
        self.it().set_baseline(baseline)
    }
}

impl AuditTrail for OpenLedger {
    fn set_actor(&mut self, actor: &str) {
        self.writer.actor = actor.to_owned();
    }

    fn note_audit(&mut self, what: NewRecord, at: Timestamp) -> Result<(), LedgerError> {
        self.it().note_audit(what, at)
    }

    fn audit_start(&self) -> Result<Start, LedgerError> {
        self.it().audit_start()
    }

    fn audit_head(&self) -> Result<Option<Checkpoint>, LedgerError> {
        self.it().audit_head()
    }

    fn audit_from(&self, seq: u64, sink: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), LedgerError> {
        self.it().audit_from(seq, sink)
    }

    fn verify_audit(&self, checkpoint: Option<Checkpoint>) -> Result<Result<Summary, Finding>, LedgerError> {
        self.it().verify_audit(checkpoint)
    }

    fn prune_audit(&mut self, before: Timestamp, at: Timestamp) -> Result<u64, LedgerError> {
        self.it().prune_audit(before, at)
    }
}
