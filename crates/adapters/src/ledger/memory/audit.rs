//! The audit trail in memory.

use std::ops::ControlFlow;

use jiff::Timestamp;
use upsweep_engine::ports::{AuditTrail, LedgerError};
use upsweep_plan::audit::{Checkpoint, Finding, Head, NewRecord, Record, Start, Summary, verify};

use super::MemoryLedger;
use crate::ledger::telling;

/// The records, and the last one pruned.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    records: Vec<Record>,
    anchor: Option<Head>,
}

impl MemoryLedger {
    pub(super) fn tell(&mut self, at: Timestamp, what: NewRecord) {
        let head = self.trail.records.last().map_or_else(|| self.start().head(), Record::head);
        self.trail.records.push(Record::after(&head, at, what));
    }

    fn start(&self) -> Start {
        match &self.trail.anchor {
            Some(Head { seq, hash }) => Start { ledger: self.id.clone(), seq: *seq, hash: hash.clone() },
            None => Start::of_ledger(&self.id),
        }
    }
}

impl AuditTrail for MemoryLedger {
    fn set_actor(&mut self, actor: &str) {
        self.writer.actor = actor.to_owned();
    }

    fn note_audit(&mut self, what: NewRecord, at: Timestamp) -> Result<(), LedgerError> {
        self.tell(at, what);
        Ok(())
    }

    fn audit_start(&self) -> Result<Start, LedgerError> {
        Ok(self.start())
    }

    fn audit_head(&self) -> Result<Option<Checkpoint>, LedgerError> {
        Ok(self.trail.records.last().map(|last| last.checkpoint(&self.id)))
    }

    fn audit_from(&self, seq: u64, sink: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), LedgerError> {
        for record in self.trail.records.iter().filter(|record| record.seq >= seq) {
            if sink(&record.line()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn verify_audit(&self, checkpoint: Option<Checkpoint>) -> Result<Result<Summary, Finding>, LedgerError> {
        Ok(verify(&self.trail.records, self.start(), checkpoint))
    }

    fn prune_audit(&mut self, before: Timestamp, at: Timestamp) -> Result<u64, LedgerError> {
        let records = &mut self.trail.records;
        let old = records.iter().take_while(|record| record.at < before).count().min(records.len().saturating_sub(1));
        let Some(last) = records.drain(..old).next_back() else { return Ok(0) };
        self.trail.anchor = Some(last.head());
        self.tell(at, telling::pruned(&self.writer, old as u64, last.seq, before));
        Ok(old as u64)
    }
}
