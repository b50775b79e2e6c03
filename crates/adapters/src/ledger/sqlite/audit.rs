//! The audit trail in SQLite.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use upsweep_engine::ports::{AuditTrail, LedgerError};
use upsweep_plan::audit::{Checkpoint, Finding, Head, NewRecord, Record, Start, Summary, Verifier, with_hash};

use super::SqliteLedger;
use super::rows::micros;
use crate::ledger::telling;

/// Adds records within a transaction, each for the price of one insert.
pub(super) struct Scribe<'tx> {
    head: Head,
    insert: CachedStatement<'tx>,
}

impl<'tx> Scribe<'tx> {
    /// Goes on where the trail of this ledger ends.
    pub(super) fn begin(tx: &'tx Transaction<'_>, ledger: &str) -> rusqlite::Result<Self> {
        let mut head = head(tx, ledger)?;
        // If the newest records were taken out, their numbers are not given again: the gap stays for all to see.
        head.seq = head.seq.max(counter(tx)?);
        let insert = tx.prepare_cached("INSERT INTO audit (seq, at, body, hash) VALUES (?1, ?2, ?3, ?4)")?;
        Ok(Self { head, insert })
    }

    pub(super) fn write(&mut self, at: Timestamp, what: NewRecord) -> rusqlite::Result<()> {
        let record = Record::after(&self.head, at, what);
        self.insert.execute(params![sql_seq(record.seq), micros(record.at), record.body(), record.hash])?;
        self.head = record.head();
        Ok(())
    }
}

fn head(db: &Connection, ledger: &str) -> rusqlite::Result<Head> {
    let read = |row: &rusqlite::Row<'_>| Ok(Head { seq: row.get::<_, i64>(0)?.unsigned_abs(), hash: row.get(1)? });
    let last = db.query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], read).optional()?;
    match last {
        Some(head) => Ok(head),
        None => start(db, ledger).map(|start| start.head()),
    }
}

fn start(db: &Connection, ledger: &str) -> rusqlite::Result<Start> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Start { ledger: ledger.to_owned(), seq: row.get::<_, i64>(0)?.unsigned_abs(), hash: row.get(1)? })
    };
    let anchor = db.query_row("SELECT seq, hash FROM audit_anchor", [], read).optional()?;
    Ok(anchor.unwrap_or_else(|| Start::of_ledger(ledger)))
}

/// The highest number ever given, as SQLite counts by itself.
fn counter(db: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
    Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0)).optional()?.unwrap_or(0).unsigned_abs())
}

fn sql_seq(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Gives each record's line, with the number and time that stand beside it.
fn lines(db: &Connection, from: u64, sink: &mut dyn FnMut(u64, i64, &str) -> ControlFlow<()>) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached("SELECT seq, at, body, hash FROM audit WHERE seq >= ?1 ORDER BY seq")?;
    let mut rows = statement.query([sql_seq(from)])?;
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        // What is no text was altered, and its hash will tell.
        let text = |column| Ok::<_, rusqlite::Error>(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?));
        let line = with_hash(&text(2)?, &text(3)?);
        if sink(seq.unsigned_abs(), at, &line).is_break() {
            break;
        }
    }
    Ok(())
}

impl AuditTrail for SqliteLedger {
    fn set_actor(&mut self, actor: &str) {
        self.writer.actor = actor.to_owned();
    }

    fn note_audit(&mut self, what: NewRecord, at: Timestamp) -> Result<(), LedgerError> {
        let (fail, id) = (self.fail(), self.id.clone());
        let tx = self.begin()?;
        Scribe::begin(&tx, &id).and_then(|mut scribe| scribe.write(at, what)).map_err(&fail)?;
        tx.commit().map_err(fail)
    }

    fn audit_start(&self) -> Result<Start, LedgerError> {
        start(&self.db, &self.id).map_err(self.fail())
    }

    fn audit_head(&self) -> Result<Option<Checkpoint>, LedgerError> {
        let sql = "SELECT seq, hash, at FROM audit ORDER BY seq DESC LIMIT 1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?));
        let Some((seq, hash, at)) = self.db.query_row(sql, [], read).optional().map_err(self.fail())? else {
            return Ok(None);
        };
        let at = Timestamp::from_microsecond(at).map_err(|error| self.damaged(format!("record {seq}: {error}")))?;
        Ok(Some(Checkpoint { ledger: self.id.clone(), seq: seq.unsigned_abs(), hash, at }))
    }

    fn audit_from(&self, seq: u64, sink: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), LedgerError> {
        lines(&self.db, seq, &mut |_, _, line| sink(line)).map_err(self.fail())
    }

    fn verify_audit(&self, checkpoint: Option<Checkpoint>) -> Result<Result<Summary, Finding>, LedgerError> {
        // One moment for the start, the records and the counter, whoever writes or prunes meanwhile.
        let fail = self.fail();
        let tx = Transaction::new_unchecked(&self.db, TransactionBehavior::Deferred).map_err(&fail)?;
        let mut verifier = match Verifier::new(start(&tx, &self.id).map_err(&fail)?, checkpoint) {
            Ok(verifier) => verifier,
            Err(finding) => return Ok(Err(finding)),
        };
        let mut finding = None;
        let mut check = |seq: u64, at: i64, line: &str| {
            let altered = |record: Record| {
                let beside = (record.seq, micros(record.at)) == (seq, at);
                if beside { Ok(()) } else { Err(Finding::Altered { seq, at: record.at }) }
            };
            match verifier.line(line).and_then(altered) {
                Ok(()) => ControlFlow::Continue(()),
                Err(found) => {
                    finding = Some(found);
                    ControlFlow::Break(())
                }
            }
        };
        lines(&tx, 0, &mut check).map_err(&fail)?;
        if let Some(finding) = finding {
            return Ok(Err(finding));
        }
        let counted = counter(&tx).map_err(fail)?;
        Ok(verifier.finish().and_then(|summary| match counted {
            counted if counted > summary.last_seq => {
                Err(Finding::TailCut { last: summary.last_seq, checkpoint: counted, at: None })
            }
            _ => Ok(summary),
        }))
    }

    fn prune_audit(&mut self, before: Timestamp, at: Timestamp) -> Result<u64, LedgerError> {
        let (fail, id, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        // Most of the time nothing is old enough, which is seen at the first record and without a lock.
        let first = "SELECT at FROM audit ORDER BY seq LIMIT 1";
        let oldest: Option<i64> = self.db.query_row(first, [], |row| row.get(0)).optional().map_err(&fail)?;
        if oldest.is_none_or(|oldest| oldest >= micros(before)) {
            return Ok(0);
        }
        let tx = self.begin()?;
        let records = prune(&tx, before, |records, last| {
            Scribe::begin(&tx, &id)?.write(at, telling::pruned(&writer, records, last, before))
        });
        let records = records.map_err(&fail)?;
        tx.commit().map_err(fail)?;
        Ok(records)
    }
}

fn prune(
    tx: &Transaction<'_>,
    before: Timestamp,
    tell: impl FnOnce(u64, u64) -> rusqlite::Result<()>,
) -> rusqlite::Result<u64> {
    let young = "SELECT seq FROM audit WHERE at >= ?1 ORDER BY seq LIMIT 1";
    let young: Option<i64> = tx.query_row(young, [micros(before)], |row| row.get(0)).optional()?;
    let last =
        "SELECT seq, hash FROM audit WHERE seq < ?1 AND seq < (SELECT max(seq) FROM audit) ORDER BY seq DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let Some((seq, hash)) = tx.query_row(last, [young.unwrap_or(i64::MAX)], read).optional()? else { return Ok(0) };
    tx.execute(
        "INSERT INTO audit_anchor (one, seq, hash) VALUES (1, ?1, ?2) ON CONFLICT (one) DO UPDATE SET seq = ?1, hash = ?2",
        params![seq, hash],
    )?;
    let records = tx.execute("DELETE FROM audit WHERE seq <= ?1", [seq])? as u64;
    tell(records, seq.unsigned_abs())?;
    Ok(records)
}
