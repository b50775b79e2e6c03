//! Ledgers to write in, and things to write.

use std::ops::ControlFlow;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use upsweep_adapters::ledger::memory::MemoryLedger;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::{Compression, CopyRecord, Entry, Ledger, NewOp, Op, OpId, RunKind, RunRecord};
use upsweep_plan::action::Action;
use upsweep_plan::audit::Record;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};
use upsweep_plan::listing::{FileFacts, FileTime};
use upsweep_plan::verdict::Reason;

/// A ledger on the desk. One on disk can be closed and opened again.
pub(crate) struct Desk {
    dir: Option<TempDir>,
    pub(crate) ledger: Box<dyn Ledger>,
}

impl Desk {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::create(&dir.path().join("ledger.db"), "ledger-1").unwrap();
        Self { dir: Some(dir), ledger: Box::new(ledger) }
    }

    pub(crate) fn memory() -> Self {
        Self { dir: None, ledger: Box::new(MemoryLedger::new("ledger-1")) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.as_ref().expect("a ledger on disk").path().join("ledger.db")
    }

    /// Closes the ledger and opens it again, where it is on disk.
    pub(crate) fn reopened(self) -> Self {
        let Self { dir, ledger } = self;
        match dir {
            None => Self { dir, ledger },
            Some(dir) => {
                drop(ledger);
                let ledger = SqliteLedger::open(&dir.path().join("ledger.db")).unwrap().unwrap();
                Self { dir: Some(dir), ledger: Box::new(ledger) }
            }
        }
    }

    pub(crate) fn begin(&mut self, run: &str, secs: i64) {
        self.ledger.begin_run(&run_record(run, secs)).unwrap();
    }

    pub(crate) fn intend(&mut self, run: &str, names: &[&[u8]], secs: i64) -> Vec<OpId> {
        let ops: Vec<NewOp> = names.iter().map(|name| new_op(name)).collect();
        self.ledger.intend(run, &ops, at(secs)).unwrap()
    }

    pub(crate) fn record(&mut self, op: OpId, events: &[Event], secs: i64) {
        for event in events {
            self.ledger.record(&[entry(op, *event)], at(secs)).unwrap();
        }
    }

    /// Every record of the audit trail.
    pub(crate) fn trail(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut read = |line: &str| {
            records.push(Record::read(line).unwrap());
            ControlFlow::Continue(())
        };
        self.ledger.audit_from(0, &mut read).unwrap();
        records
    }

    /// What it tells, as words.
    pub(crate) fn events(&self) -> Vec<String> {
        self.trail().into_iter().map(|record| record.event).collect()
    }

    pub(crate) fn op(&self, id: OpId) -> Op {
        self.ledger.ops_in(&State::ALL).unwrap().into_iter().find(|op| op.id == id).expect("the operation is there")
    }
}

/// So many seconds after the first run of these tests.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(secs)
}

pub(crate) fn run_record(id: &str, secs: i64) -> RunRecord {
    RunRecord {
        id: id.to_owned(),
        kind: RunKind::Run,
        started_at: at(secs),
        ended_at: None,
        by: "process 7 on host".to_owned(),
        approval: None,
        outcome: None,
    }
}

pub(crate) fn facts(ino: u64) -> FileFacts {
    let time = FileTime { secs: -1, nanos: 999_999_999 };
    FileFacts { dev: u64::MAX, ino, size_bytes: u64::MAX, mtime: time, ctime: time, btime: None, links: 1 }
}

/// An entry with all that its event needs.
pub(crate) fn entry(op: OpId, event: Event) -> Entry {
    Entry { copy: (event == Event::Copied).then(copy_record), ..Entry::plain(op, event) }
}

pub(crate) fn copy_record() -> CopyRecord {
    CopyRecord {
        archive: "/mnt/back\"up".to_owned(),
        file: "1.m4a.zst".to_owned(),
        compression: Compression::Zstd,
        blake3: "00ff".to_owned(),
        mode: 0o640,
        at: at(-9),
    }
}

pub(crate) fn new_op(name: &[u8]) -> NewOp {
    NewOp {
        key: Key::parse(name).unwrap(),
        reason: Reason::FailedSession { since: at(-5), owners: vec!["7".to_owned(), "ü\n".to_owned()] },
        facts: facts(name.len() as u64),
        quarantine_secs: 604_800,
        action: Action::Quarantine,
    }
}

/// Makes one test per ledger out of each case, a function of `Desk`.
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case(crate::desk::Desk::sqlite()); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case(crate::desk::Desk::memory()); })*
        }
    };
}
pub(crate) use everywhere;
