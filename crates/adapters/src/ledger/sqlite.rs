//! The ledger in SQLite: write-ahead log, every commit on disk before it is reported.

mod audit;
mod errands;
mod holds;
mod memories;
mod pages;
mod rows;
mod verify;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};
use rustix::fs::OFlags;
use upsweep_engine::ports::{AuditTrail, Entry, Horizon, Ledger, LedgerError, NewOp, Op, OpId, RunOutcome, RunRecord};
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State, next};

use super::telling::{self, Writer};
use audit::Scribe;
use rows::{Judged, OP_COLUMNS, RUN_COLUMNS, json, micros, op_from, run_from};

/// Every step from an empty file to today's form; steps are only ever added.
const STEPS: &[M<'static>] = &[M::up(include_str!("schema.sql")), M::up(include_str!("errands.sql"))];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// How long to wait for another program that has the ledger in hand.
const BUSY_MILLIS: u64 = 5_000;

/// The ledger in an SQLite file.
pub struct SqliteLedger {
    path: PathBuf,
    id: String,
    db: Connection,
    /// Who is at work, for the audit trail.
    writer: Writer,
}

impl SqliteLedger {
    /// Opens the ledger; `None` when the file does not exist.
    ///
    /// # Errors
    /// [`LedgerError::Storage`] when it cannot be opened, [`LedgerError::Damaged`] when it is no ledger or was
    /// written by a newer version.
    pub fn open(path: &Path) -> Result<Option<Self>, LedgerError> {
        let exists = path
            .try_exists()
            .map_err(|error| LedgerError::Storage { ledger: path.display().to_string(), cause: error.to_string() })?;
        if !exists {
            return Ok(None);
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, None).map(Some)
    }

    /// Opens the ledger, or makes one with the id `fresh_id`.
    ///
    /// # Errors
    /// As [`SqliteLedger::open`].
    pub fn create(path: &Path, fresh_id: &str) -> Result<Self, LedgerError> {
        make(path)
            .map_err(|error| LedgerError::Storage { ledger: path.display().to_string(), cause: error.to_string() })?;
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, Some(fresh_id))
    }

    fn connect(path: &Path, flags: OpenFlags, fresh_id: Option<&str>) -> Result<Self, LedgerError> {
        let fail = |cause: rusqlite::Error| storage(path, &cause);
        // The folder may be reached through links, the file itself may not be one.
        let resolved = match (path.parent().and_then(|folder| folder.canonicalize().ok()), path.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut db = Connection::open_with_flags(resolved, flags).map_err(fail)?;
        db.busy_timeout(std::time::Duration::from_millis(BUSY_MILLIS)).map_err(fail)?;
        db.pragma_update(None, "journal_mode", "wal").map_err(fail)?;
        db.pragma_update(None, "synchronous", "full").map_err(fail)?;
        db.pragma_update(None, "foreign_keys", true).map_err(fail)?;
        // Of two who open an old ledger at once, one comes too late, and finds at its second try that nothing is left to do.
        MIGRATIONS.to_latest(&mut db).or_else(|_| MIGRATIONS.to_latest(&mut db)).map_err(|cause| {
            LedgerError::Damaged {
                ledger: path.display().to_string(),
                problem: format!("its form is not one this version of upsweep knows ({cause})"),
            }
        })?;
        if let Some(id) = fresh_id {
            db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('ledger_id', ?1)", [id]).map_err(fail)?;
        }
        let id: Option<String> = db
            .query_row("SELECT value FROM meta WHERE key = 'ledger_id'", [], |row| row.get(0))
            .optional()
            .map_err(fail)?;
        let id = id.ok_or_else(|| LedgerError::Damaged {
            ledger: path.display().to_string(),
            problem: "it has no id".to_owned(),
        })?;
        Ok(Self { path: path.to_owned(), id, db, writer: Writer::default() })
    }

    fn fail(&self) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
        let path = self.path.clone();
        move |cause| storage(&path, &cause)
    }

    fn damaged(&self, problem: String) -> LedgerError {
        LedgerError::Damaged { ledger: self.path.display().to_string(), problem }
    }

    fn begin(&mut self) -> Result<Transaction<'_>, LedgerError> {
        let fail = self.fail();
        self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)
    }

    fn select_ops(&self, condition: &str, value: impl rusqlite::Params) -> Result<Vec<Op>, LedgerError> {
        let sql = format!("SELECT {OP_COLUMNS} FROM ops WHERE {condition} ORDER BY id");
        let mut statement = self.db.prepare_cached(&sql).map_err(self.fail())?;
        let mut rows = statement.query(value).map_err(self.fail())?;
        let mut ops = Vec::new();
        while let Some(row) = rows.next().map_err(self.fail())? {
            ops.push(op_from(row).map_err(|problem| self.damaged(problem))?);
        }
        Ok(ops)
    }

    fn select_runs(&self, rest: &str, value: impl rusqlite::Params) -> Result<Vec<RunRecord>, LedgerError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs {rest}");
        let mut statement = self.db.prepare_cached(&sql).map_err(self.fail())?;
        let mut rows = statement.query(value).map_err(self.fail())?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(self.fail())? {
            runs.push(run_from(row).map_err(|problem| self.damaged(problem))?);
        }
        Ok(runs)
    }
}

/// Makes the file if there is none, for its owner alone; SQLite's own files beside it take their rights from it.
///
/// One that is there is not opened: closing it would take away the locks that SQLite holds on it elsewhere in this
/// process.
fn make(path: &Path) -> std::io::Result<()> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).open(path) {
        Ok(_) => std::fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all(),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_link = std::fs::symlink_metadata(path)?.file_type().is_symlink();
            if is_link { Err(std::io::Error::other("it is a symbolic link")) } else { Ok(()) }
        }
        Err(error) => Err(error),
    }
}

fn storage(path: &Path, cause: &rusqlite::Error) -> LedgerError {
    LedgerError::Storage { ledger: path.display().to_string(), cause: cause.to_string() }
}

impl Ledger for SqliteLedger {
    fn id(&self) -> &str {
        &self.id
    }

    fn store_id(&self) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT value FROM meta WHERE key = 'store_id'";
        self.db.query_row(sql, [], |row| row.get(0)).optional().map_err(self.fail())
    }

    fn belong_to(&mut self, store_id: &str) -> Result<(), LedgerError> {
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('store_id', ?1)";
        self.db.execute(sql, [store_id]).map(drop).map_err(self.fail())
    }

    fn begin_run(&mut self, run: &RunRecord) -> Result<(), LedgerError> {
        let RunRecord { id, kind, started_at, ended_at, by, approval, outcome } = run;
        let (fail, ledger, path) = (self.fail(), self.id.clone(), self.path.display().to_string());
        let tx = self.begin()?;
        let sql = "INSERT INTO runs (id, kind, started_at, ended_at, by, approval_json, outcome_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING";
        let (approval, outcome) = (approval.as_ref().map(json), outcome.as_ref().map(json));
        let times = (micros(*started_at), ended_at.map(micros));
        let rows = tx.execute(sql, params![id, kind.word(), times.0, times.1, by, approval, outcome]).map_err(&fail)?;
        if rows == 0 {
            return Err(telling::run_known(&path, id));
        }
        let told = telling::run_begun(run);
        Scribe::begin(&tx, &ledger).and_then(|mut scribe| scribe.write(*started_at, told)).map_err(&fail)?;
        tx.commit().map_err(fail)?;
        self.writer = Writer { run: Some(id.clone()), actor: by.clone() };
        Ok(())
    }

    fn end_run(&mut self, id: &str, ended_at: Timestamp, outcome: &RunOutcome) -> Result<(), LedgerError> {
        let (fail, ledger, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let tx = self.begin()?;
        tx.execute(
            "UPDATE runs SET ended_at = ?2, outcome_json = ?3 WHERE id = ?1",
            params![id, micros(ended_at), json(outcome)],
        )
        .map_err(&fail)?;
        let told = telling::run_ended(&writer, id, outcome);
        Scribe::begin(&tx, &ledger).and_then(|mut scribe| scribe.write(ended_at, told)).map_err(&fail)?;
        tx.commit().map_err(fail)?;
        self.writer.run = None;
        Ok(())
    }

    fn intend(&mut self, run: &str, ops: &[NewOp], at: Timestamp) -> Result<Vec<OpId>, LedgerError> {
        let fail = self.fail();
        let tx = self.begin()?;
        let mut ids = Vec::with_capacity(ops.len());
        {
            let mut insert = tx
                .prepare_cached("INSERT INTO ops (run, key, reason_json, facts_json, state, quarantine_secs, action, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
                .map_err(&fail)?;
            let mut journal =
                tx.prepare_cached("INSERT INTO journal (op, event, at) VALUES (?1, ?2, ?3)").map_err(&fail)?;
            for NewOp { key, reason, facts, quarantine_secs, action } in ops {
                insert
                    .execute(params![
                        run,
                        key.as_bytes(),
                        json(reason),
                        json(facts),
                        State::Quarantining.name(),
                        i64::try_from(*quarantine_secs).unwrap_or(i64::MAX),
                        action.name(),
                        micros(at)
                    ])
                    .map_err(&fail)?;
                let id = tx.last_insert_rowid();
                journal.execute(params![id, Event::IntendHide.name(), micros(at)]).map_err(&fail)?;
                ids.push(OpId(id.unsigned_abs()));
            }
        }
        tx.commit().map_err(fail)?;
        Ok(ids)
    }

    fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), LedgerError> {
        if entries.is_empty() {
            return Ok(());
        }
        let (fail, id, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let ledger = self.path.display().to_string();
        let tx = self.begin()?;
        {
            let mut scribe = Scribe::begin(&tx, &id).map_err(&fail)?;
            let mut stored = tx
                .prepare_cached("SELECT state, key, run, reason_json, facts_json, action, copy_json IS NOT NULL FROM ops WHERE id = ?1")
                .map_err(&fail)?;
            let mut update = tx
                .prepare_cached("UPDATE ops SET state = ?2, changed_at = ?3, note = coalesce(?4, note), hidden_json = coalesce(?5, hidden_json), hidden_at = coalesce(?6, hidden_at), copy_json = coalesce(?7, copy_json) WHERE id = ?1")
                .map_err(&fail)?;
            let mut journal = tx
                .prepare_cached("INSERT INTO journal (op, event, at, note) VALUES (?1, ?2, ?3, ?4)")
                .map_err(&fail)?;
            for entry in entries {
                let Entry { op, event, hidden_facts, copy, note } = entry;
                let id = rows::sql_id(*op);
                let damaged = |problem| LedgerError::Damaged { ledger: ledger.clone(), problem };
                let found = stored.query_row([id], |row| Ok(Judged::from(row))).optional().map_err(&fail)?;
                let Judged { life, key, run, reason, size_bytes } = found
                    .ok_or_else(|| format!("there is no operation {op}"))
                    .and_then(|judged| judged.map_err(|problem| format!("operation {op}: {problem}")))
                    .map_err(damaged)?;
                if (*event == Event::Copied) != copy.is_some() {
                    return Err(damaged(format!("operation {op}: a copy and its record belong together")));
                }
                let to = next(life, *event).map_err(|cause| LedgerError::Illegal { op: *op, cause })?;
                let hidden_at = (*event == Event::Hidden).then(|| micros(at));
                update
                    .execute(params![
                        id,
                        to.state.name(),
                        micros(at),
                        note,
                        hidden_facts.as_ref().map(json),
                        hidden_at,
                        copy.as_ref().map(json)
                    ])
                    .map_err(&fail)?;
                journal.execute(params![id, event.name(), micros(at), note]).map_err(&fail)?;
                let object = telling::Object { key: &key, run: &run, reason: &reason, size_bytes };
                if let Some(told) = telling::happened(&writer, &object, entry) {
                    scribe.write(at, told).map_err(&fail)?;
                }
            }
        }
        tx.commit().map_err(fail)
    }

    fn set_horizons(&mut self, ops: &[OpId], horizons: &[Horizon]) -> Result<(), LedgerError> {
        let fail = self.fail();
        let tx = self.begin()?;
        {
            let mut update = tx.prepare_cached("UPDATE ops SET horizons_json = ?2 WHERE id = ?1").map_err(&fail)?;
            let horizons = json(&horizons);
            for op in ops {
                update.execute(params![rows::sql_id(*op), horizons]).map_err(&fail)?;
            }
        }
        tx.commit().map_err(fail)
    }

    fn ops_in(&self, states: &[State]) -> Result<Vec<Op>, LedgerError> {
        // The names come from the lifecycle, never from outside.
        let list = states.iter().map(|s| format!("'{}'", s.name())).collect::<Vec<_>>().join(", ");
        self.select_ops(&format!("state IN ({list})"), [])
    }

    fn ops_of(&self, run: &str) -> Result<Vec<Op>, LedgerError> {
        self.select_ops("run = ?1", [run])
    }

    fn ops_of_key(&self, key: &Key) -> Result<Vec<Op>, LedgerError> {
        self.select_ops("key = ?1", [key.as_bytes()])
    }

    fn last_entry_at(&self) -> Result<Option<Timestamp>, LedgerError> {
        let forgiven =
            |name: &str| format!("coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = '{name}'), 0)");
        let (after, until) = (forgiven("clock_forgiven_after"), forgiven("clock_forgiven_until"));
        let newest = |table: &str, at: &str| {
            format!("SELECT max({at}) AS at FROM {table} WHERE NOT ({at} > {after} AND {at} <= {until})")
        };
        let all =
            [newest("runs", "started_at"), newest("runs", "ended_at"), newest("journal", "at")].join(" UNION ALL ");
        let sql = format!("SELECT max(at) FROM ({all})");
        let last: Option<i64> = self.db.query_row(&sql, [], |row| row.get(0)).map_err(self.fail())?;
        last.map(rows::time).transpose().map_err(|problem| self.damaged(problem))
    }

    fn forgive_clock(&mut self, at: Timestamp) -> Result<(), LedgerError> {
        let fail = self.fail();
        let newest = "SELECT coalesce(max(at), 0) FROM (SELECT max(started_at) AS at FROM runs UNION ALL SELECT max(ended_at) FROM runs UNION ALL SELECT max(at) FROM journal)";
        let tx = self.begin()?;
        let upsert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        let until: i64 = tx.query_row(newest, [], |row| row.get(0)).map_err(&fail)?;
        tx.execute(upsert, params!["clock_forgiven_after", micros(at).to_string()]).map_err(&fail)?;
        tx.execute(upsert, params!["clock_forgiven_until", until.to_string()]).map_err(&fail)?;
        tx.commit().map_err(fail)
    }

    fn hidden_since(&self, since: Timestamp) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM ops WHERE hidden_at >= ?1";
        let count: i64 = self.db.query_row(sql, [micros(since)], |row| row.get(0)).map_err(self.fail())?;
        Ok(count.unsigned_abs())
    }

    fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.select_runs("ORDER BY started_at DESC, id DESC LIMIT ?1", [limit])
    }

    fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError> {
        Ok(self.select_runs("WHERE id = ?1", [id])?.pop())
    }

    fn verify_journal(&self) -> Result<(), LedgerError> {
        verify::journal(self)
    }

    fn verify(&self) -> Result<(), LedgerError> {
        self.verify_journal()?;
        let whole: String = self.db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(self.fail())?;
        if whole != "ok" {
            return Err(self.damaged(whole));
        }
        match self.verify_audit(None)? {
            Ok(_) => Ok(()),
            Err(finding) => Err(self.damaged(format!("its audit trail: {finding}"))),
        }
    }
}

#[cfg(test)]
mod tests;
