//! A ledger in memory, for tests of the engine.

mod audit;
mod errands;
mod holds;
mod memories;

use std::collections::BTreeMap;

use jiff::Timestamp;
use upsweep_engine::ports::{AuditTrail, Entry, Horizon, Ledger, LedgerError, NewOp, Op, OpId, RunOutcome, RunRecord};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, Life, State, next};

use super::telling::{self, Writer};
use audit::Trail;
use errands::Kept;
use holds::HoldBook;
use memories::Remembered;

/// A ledger in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    id: String,
    store_id: Option<String>,
    runs: Vec<RunRecord>,
    ops: BTreeMap<OpId, Op>,
    journal: Vec<(OpId, Event, Timestamp)>,
    /// After which time, and until which one, entries were written with a wrong clock.
    forgiven: Option<(Timestamp, Timestamp)>,
    holds: HoldBook,
    remembered: Remembered,
    kept: Kept,
    trail: Trail,
    writer: Writer,
}

impl MemoryLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// Who is at work. Each who opens the ledger is somebody else.
    pub(crate) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// Every time that stands in the runs and the journal.
    fn times(&self) -> impl Iterator<Item = Timestamp> {
        let runs = self.runs.iter().flat_map(|run| [Some(run.started_at), run.ended_at]).flatten();
        runs.chain(self.journal.iter().map(|(_, _, at)| *at))
    }

    fn damaged(problem: String) -> LedgerError {
        LedgerError::Damaged { ledger: "in memory".to_owned(), problem }
    }
}

impl Ledger for MemoryLedger {
    fn id(&self) -> &str {
        &self.id
    }

    fn store_id(&self) -> Result<Option<String>, LedgerError> {
        Ok(self.store_id.clone())
    }

    fn belong_to(&mut self, store_id: &str) -> Result<(), LedgerError> {
        self.store_id = Some(store_id.to_owned());
        Ok(())
    }

    fn begin_run(&mut self, run: &RunRecord) -> Result<(), LedgerError> {
        if self.runs.iter().any(|known| known.id == run.id) {
            return Err(telling::run_known("in memory", &run.id));
        }
        self.runs.push(run.clone());
        self.writer = Writer { run: Some(run.id.clone()), actor: run.by.clone() };
        self.tell(run.started_at, telling::run_begun(run));
        Ok(())
    }

    fn end_run(&mut self, id: &str, ended_at: Timestamp, outcome: &RunOutcome) -> Result<(), LedgerError> {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == id) {
            run.ended_at = Some(ended_at);
            run.outcome = Some(outcome.clone());
        }
        self.tell(ended_at, telling::run_ended(&self.writer, id, outcome));
        self.writer.run = None;
        Ok(())
    }

    fn intend(&mut self, run: &str, ops: &[NewOp], at: Timestamp) -> Result<Vec<OpId>, LedgerError> {
        if !self.runs.iter().any(|known| known.id == run) {
            return Err(Self::damaged(format!("there is no run {run}")));
        }
        let mut ids = Vec::with_capacity(ops.len());
        for NewOp { key, reason, facts, quarantine_secs, action } in ops.iter().cloned() {
            let id = OpId(self.ops.len() as u64 + 1);
            let op = Op {
                id,
                run: run.to_owned(),
                key,
                reason,
                facts,
                hidden_facts: None,
                state: State::Quarantining,
                hidden_at: None,
                quarantine_secs,
                action,
                copy: None,
                horizons: None,
                note: None,
                changed_at: at,
            };
            self.ops.insert(id, op);
            self.journal.push((id, Event::IntendHide, at));
            ids.push(id);
        }
        Ok(ids)
    }

    fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), LedgerError> {
        let mut changed = self.ops.clone();
        let mut told = Vec::new();
        for entry in entries {
            let Entry { op: id, event, hidden_facts, copy, note } = entry;
            let op = changed.get_mut(id).ok_or_else(|| Self::damaged(format!("there is no operation {id}")))?;
            op.state = next(op.life(), *event).map_err(|cause| LedgerError::Illegal { op: *id, cause })?.state;
            if (*event == Event::Copied) != copy.is_some() {
                return Err(Self::damaged(format!("operation {id}: a copy and its record belong together")));
            }
            op.changed_at = at;
            if *event == Event::Hidden {
                op.hidden_at = Some(at);
            }
            op.copy = copy.clone().or(op.copy.take());
            op.hidden_facts = hidden_facts.or(op.hidden_facts);
            op.note = note.clone().or(op.note.take());
            let Op { key, run, reason, facts, .. } = &*op;
            let object = telling::Object { key, run, reason, size_bytes: facts.size_bytes };
            told.extend(telling::happened(&self.writer, &object, entry));
        }
        self.ops = changed;
        self.journal.extend(entries.iter().map(|entry| (entry.op, entry.event, at)));
        told.into_iter().for_each(|what| self.tell(at, what));
        Ok(())
    }

    fn set_horizons(&mut self, ops: &[OpId], horizons: &[Horizon]) -> Result<(), LedgerError> {
        for id in ops {
            if let Some(op) = self.ops.get_mut(id) {
                op.horizons = Some(horizons.to_vec());
            }
        }
        Ok(())
    }

    fn ops_in(&self, states: &[State]) -> Result<Vec<Op>, LedgerError> {
        Ok(self.ops.values().filter(|op| states.contains(&op.state)).cloned().collect())
    }

    fn ops_of(&self, run: &str) -> Result<Vec<Op>, LedgerError> {
        Ok(self.ops.values().filter(|op| op.run == run).cloned().collect())
    }

    fn ops_of_key(&self, key: &Key) -> Result<Vec<Op>, LedgerError> {
        Ok(self.ops.values().filter(|op| op.key == *key).cloned().collect())
    }

    fn last_entry_at(&self) -> Result<Option<Timestamp>, LedgerError> {
        let is_forgiven = |at: &Timestamp| self.forgiven.is_some_and(|(after, until)| *at > after && *at <= until);
        Ok(self.times().filter(|at| !is_forgiven(at)).max())
    }

    fn forgive_clock(&mut self, at: Timestamp) -> Result<(), LedgerError> {
        self.forgiven = self.times().max().map(|until| (at, until));
        Ok(())
    }

    fn hidden_since(&self, since: Timestamp) -> Result<u64, LedgerError> {
        Ok(self.ops.values().filter(|op| op.hidden_at.is_some_and(|at| at >= since)).count() as u64)
    }

    fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        let mut runs = self.runs.clone();
        runs.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        runs.truncate(limit);
        Ok(runs)
    }

    fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError> {
        Ok(self.runs.iter().find(|run| run.id == id).cloned())
    }

    fn verify_journal(&self) -> Result<(), LedgerError> {
        for op in self.ops.values() {
            let mut life = Life::planned(op.action.needs_copy());
            for (_, event, _) in self.journal.iter().filter(|(id, _, _)| *id == op.id) {
                life = next(life, *event).map_err(|cause| LedgerError::Illegal { op: op.id, cause })?;
            }
            if life != op.life() {
                return Err(Self::damaged(format!("operation {} is stored as {:?}, not {life:?}", op.id, op.life())));
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), LedgerError> {
        self.verify_journal()?;
        match self.verify_audit(None)? {
            Ok(_) => Ok(()),
            Err(finding) => Err(Self::damaged(format!("its audit trail: {finding}"))),
        }
    }
}
