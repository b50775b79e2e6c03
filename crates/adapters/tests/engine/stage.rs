//! A whole installation in memory: a store, a database that changes while it is read, a clock to set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use upsweep_adapters::archive::memory::MemoryArchive;
use upsweep_adapters::claims::memory::MemoryClaims;
use upsweep_adapters::home::memory::MemoryHome;
use upsweep_adapters::store::memory::MemoryStore;
use upsweep_engine::binding;
use upsweep_engine::databases::Source;
use upsweep_engine::error::EngineError;
use upsweep_engine::planning::{self, Past};
use upsweep_engine::ports::{
    Approval, Archive, ClaimError, ClaimSource, Clock, DatabaseIdentity, Holder, Home as _, Horizon, Ids, Ledger,
    Memories, Op, RowSink, RunKind, RunRecord, Silent, Snapshot,
};
use upsweep_engine::runs::{self, Report, Request};
use upsweep_engine::world::World;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::guard::Code;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;
use upsweep_plan::policy::{Limits, Policy};
use upsweep_plan::selection::Selection;

use crate::crashing::{Fault, Fuse, FusedArchive, FusedStore};
use crate::stopping::Patience;

/// When the first run of each test begins.
pub(crate) const START: i64 = 1_800_000_000;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) struct Stage {
    pub(crate) store: MemoryStore,
    /// What fails in the store, if anything.
    pub(crate) fault: Option<Fault>,
    /// How many steps the program has left to live.
    pub(crate) fuse: Fuse,
    /// How long nobody asks the program to stop.
    pub(crate) patience: Patience,
    /// Where copies go, if anywhere.
    pub(crate) archive: Option<MemoryArchive>,
    /// What happens in the middle of each copy.
    pub(crate) while_copying: Option<fn(&MemoryStore)>,
    pub(crate) claims: Database,
    /// Databases beside it, by name.
    pub(crate) others: Vec<(&'static str, Database)>,
    pub(crate) home: MemoryHome,
    pub(crate) time: Time,
    pub(crate) policy: Policy,
    pub(crate) selection: Selection,
    pub(crate) limits: Limits,
    pub(crate) quarantine_secs: u64,
    pub(crate) audit_years: u32,
}

impl Stage {
    /// A store with ten files that sessions claim, `s0.m4a` to `s9.m4a`.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let mut stage = Self {
            store: MemoryStore::default(),
            fault: None,
            fuse: Fuse::default(),
            patience: Patience::default(),
            archive: None,
            while_copying: None,
            claims: Database { clock: Arc::clone(&clock), ..Database::default() },
            others: vec![],
            home: MemoryHome::default(),
            time: Time(clock, AtomicU64::new(0)),
            policy: Policy::classic(),
            selection: Selection::default(),
            limits: Limits::default(),
            quarantine_secs: 7 * 86_400,
            audit_years: 6,
        };
        for n in 0..10 {
            stage.orphan(&format!("s{n}.m4a"));
            stage.claims.live(&format!("s{n}.m4a"));
        }
        stage
    }

    /// Adds a database with an empty table of sessions, and the rule that reads it.
    pub(crate) fn add_database(&mut self, name: &'static str) {
        let mut database = Database { clock: Arc::clone(&self.time.0), ..Database::default() };
        database.now.identity.database = name.to_owned();
        database.now.insert(name, &COLUMNS, []);
        let rule =
            ClaimRule { name: name.to_owned(), database: Some(name.to_owned()), ..ClaimRule::classic("sessions") };
        self.policy.claim_rules.push(rule);
        self.others.push((name, database));
    }

    /// One of the databases beside the first.
    pub(crate) fn other(&mut self, name: &str) -> &mut Database {
        &mut self.others.iter_mut().find(|(n, _)| *n == name).expect("it was added").1
    }

    /// Writes a file that nobody claims, two days before the first run.
    pub(crate) fn orphan(&self, name: &str) {
        self.store.write(&key(name), name.as_bytes(), START - 2 * DAY);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.store.content(&key(name)).is_some()
    }

    pub(crate) fn pass(&self, secs: i64) {
        self.time.0.fetch_add(secs, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn with<R>(&mut self, work: impl FnOnce(&mut World<'_>) -> R) -> R {
        self.claims.reads = 0;
        let mut claims = vec![Source { name: "main", claims: &mut self.claims }];
        for (name, database) in &mut self.others {
            database.reads = 0;
            claims.push(Source { name, claims: database });
        }
        let store = FusedStore { inner: &self.store, fuse: &self.fuse, fault: self.fault };
        let archive = self.archive.as_ref().map(|inner| FusedArchive {
            inner,
            fuse: &self.fuse,
            store: &self.store,
            while_copying: self.while_copying,
        });
        work(&mut World {
            store: &store,
            claims,
            home: &self.home,
            clock: &self.time,
            ids: &self.time,
            progress: &Silent,
            stop: &self.patience,
            policy: &self.policy,
            selection: &self.selection,
            limits: &self.limits,
            archive: archive.as_ref().map(|archive| archive as &dyn Archive),
            quarantine_secs: self.quarantine_secs,
            audit_years: self.audit_years,
        })
    }

    pub(crate) fn try_run(&mut self, allow: &[Code]) -> Result<Report, EngineError> {
        let request = request(allow);
        ended(self.with(|world| runs::run(world, &request)))
    }

    pub(crate) fn run(&mut self) -> Report {
        self.try_run(&[]).unwrap()
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let home = self.home.clone();
        self.with(|world| {
            let bond = binding::examine(world.store, world.home).unwrap();
            let ledger = home.ledger().unwrap();
            let past = ledger.as_ref().map(|ledger| Past::read(&**ledger, world.now()).unwrap());
            let sightings = ledger.as_ref().map(|ledger| &**ledger as &dyn Memories);
            planning::make(world, &bond, &past.unwrap_or_default(), sightings).unwrap().plan.sealed()
        })
    }

    pub(crate) fn apply(&mut self, plan: Plan) -> Result<Report, EngineError> {
        ended(self.with(|world| runs::apply_saved(world, plan, &request(&[]))))
    }

    pub(crate) fn purge(&mut self, allow: &[Code]) -> Report {
        let request = request(allow);
        ended(self.with(|world| runs::purge_due(world, &request))).unwrap()
    }

    pub(crate) fn ledger(&self) -> Box<dyn Ledger> {
        self.home.ledger().unwrap().expect("a run made it")
    }

    /// The newest operation of that name.
    pub(crate) fn op(&self, name: &str) -> Op {
        let ops = self.ledger().ops_in(&State::ALL).unwrap();
        ops.into_iter().rfind(|op| op.key == key(name)).expect("there is one")
    }

    /// Releases every hold, as who brought files back and wants them judged again.
    pub(crate) fn release_holds(&self) {
        let mut ledger = self.ledger();
        let ids: Vec<u64> = ledger.holds(self.now()).unwrap().iter().map(|hold| hold.id).collect();
        ledger.release_holds(&ids, "anna", "seen", self.now()).unwrap();
    }

    /// Hides `name` in a run of its own.
    pub(crate) fn hide(&mut self, name: &str) -> Op {
        self.orphan(name);
        let report = self.run();
        assert!(!self.has(name), "{report:?}");
        let op = self.op(name);
        assert_eq!(op.state, State::Quarantined);
        op
    }
}

/// A run that had to stop early is an error here, as one that could not begin.
pub(crate) fn ended(report: Result<Report, EngineError>) -> Result<Report, EngineError> {
    match report {
        Ok(Report { failure: Some(failure), .. }) => Err(failure),
        other => other,
    }
}

pub(crate) fn key(name: &str) -> Key {
    Key::parse(name.as_bytes()).unwrap()
}

pub(crate) fn codes(refusals: &[upsweep_plan::guard::Refusal]) -> Vec<Code> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

pub(crate) fn request(allow: &[Code]) -> Request {
    let codes: BTreeSet<Code> = allow.iter().copied().collect();
    let approval = (!codes.is_empty()).then(|| Approval { codes, reason: "seen".to_owned(), by: None });
    let since = Timestamp::UNIX_EPOCH;
    Request {
        holder: Holder {
            what: "test".to_owned(),
            user: "anna (uid 7)".to_owned(),
            pid: 1,
            host: "host".to_owned(),
            since,
            run: None,
        },
        approval,
        run: None,
    }
}

/// A clock to set, and names that never repeat.
pub(crate) struct Time(Arc<AtomicI64>, AtomicU64);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn wait(&self, span: jiff::SignedDuration) {
        self.0.fetch_add(span.as_secs() + i64::from(span.subsec_nanos() > 0), Ordering::Relaxed);
    }
}

impl Ids for Time {
    fn fresh(&self, _now: Timestamp) -> String {
        format!("id-{:03}", self.1.fetch_add(1, Ordering::Relaxed))
    }
}

/// What happens between two readings.
pub(crate) type Meanwhile = Box<dyn FnOnce(&mut MemoryClaims) + Send>;

/// A database of sessions, and what happens to it just before its n-th reading (from 1) within a run.
#[derive(Default)]
pub(crate) struct Database {
    pub(crate) now: MemoryClaims,
    pub(crate) meanwhile: BTreeMap<u32, Meanwhile>,
    pub(crate) reads: u32,
    /// How long each reading takes on the stage's clock.
    pub(crate) takes_secs: i64,
    clock: Arc<AtomicI64>,
    /// Whether it fails when it is asked for its horizon.
    pub(crate) silent_horizon: bool,
    /// After how many questions for its horizon all its transactions have ended.
    pub(crate) horizons_end_after: Option<u32>,
}

const COLUMNS: [&str; 4] = ["audio_filename", "id", "status", "created_at"];

pub(crate) fn session(claims: &mut MemoryClaims, name: &str, status: &str) {
    session_of(claims, "sessions", name, status);
}

/// A session that the rule `rule` reads.
pub(crate) fn session_of(claims: &mut MemoryClaims, rule: &str, name: &str, status: &str) {
    let created: Option<&[u8]> = Some(b"2020-01-01 00:00:00");
    let row = vec![Some(name.as_bytes()), Some(name.as_bytes()), Some(status.as_bytes()), created];
    claims.insert(rule, &COLUMNS, [row]);
}

pub(crate) fn forget(claims: &mut MemoryClaims, name: &str) {
    let rows = &mut claims.rows.get_mut("sessions").unwrap().rows;
    rows.retain(|row| row[0].1.as_deref() != Some(name.as_bytes()));
}

impl Database {
    pub(crate) fn live(&mut self, name: &str) {
        session(&mut self.now, name, "done");
    }

    pub(crate) fn failed(&mut self, name: &str) {
        session(&mut self.now, name, "failed");
    }

    pub(crate) fn forget(&mut self, name: &str) {
        forget(&mut self.now, name);
    }

    pub(crate) fn before(&mut self, read: u32, what: impl FnOnce(&mut MemoryClaims) + Send + 'static) {
        self.meanwhile.insert(read, Box::new(what));
    }
}

impl ClaimSource for Database {
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        self.reads += 1;
        if let Some(what) = self.meanwhile.remove(&self.reads) {
            what(&mut self.now);
        }
        self.clock.fetch_add(self.takes_secs, Ordering::Relaxed);
        self.now.read(rules, sink)
    }

    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        self.now.check(rules)
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        self.now.identity()
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        if self.silent_horizon {
            return Err(ClaimError::Url("it was told not to say".to_owned()));
        }
        let horizon = self.now.horizon()?;
        if let (Some(left), Horizon::Transactions { xmin: _, next }) = (&mut self.horizons_end_after, horizon) {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => self.now.horizon = Horizon::Transactions { xmin: next, next },
            }
        }
        Ok(horizon)
    }
}

/// A run as the history tells it.
pub(crate) fn run_record(id: &str, at: Timestamp) -> RunRecord {
    RunRecord {
        id: id.to_owned(),
        kind: RunKind::Run,
        started_at: at,
        ended_at: None,
        by: "test".to_owned(),
        approval: None,
        outcome: None,
    }
}
