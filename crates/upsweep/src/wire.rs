//! The only file that names concrete adapters: from a configuration to a world to work with.

use anyhow::Context;
use jiff::Timestamp;
use upsweep_adapters::archive::local::LocalArchive;
use upsweep_adapters::home::{LocalHome, noted_about};
use upsweep_adapters::store::local::LocalStore;
pub(crate) use upsweep_adapters::store::local::probe;
use upsweep_engine::binding;
use upsweep_engine::databases::Source;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{
    Archive, ClaimError, ClaimSource, Clock, DatabaseIdentity, Holder, Home, Horizon, Ids as _, Ledger, Noted,
    Progress, RowSink, Snapshot, Stop, Store, StoreError, Unstoppable,
};
use upsweep_engine::world::World;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::guard::{self, Binding};

use crate::cli::check::Findings;
use crate::clock::{SystemClock, TimedIds};
use crate::config::{ArchiveConfig, Config, Database, resolved};

/// Opens everything that the configuration names and lets `work` use it.
pub(crate) fn with_world<R>(
    config: &Config,
    need: Need,
    progress: &dyn Progress,
    work: impl FnOnce(&mut World<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    with_stoppable_world(config, need, (progress, &Unstoppable), work)
}

/// The same for work that somebody may want to end early.
pub(crate) fn with_stoppable_world<R>(
    config: &Config,
    need: Need,
    (progress, stop): (&dyn Progress, &dyn Stop),
    work: impl FnOnce(&mut World<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    let clock = SystemClock::new();
    let store = open_store(config)?;
    let home = home(config, &store, &clock);
    let mut claims = open_claims(config, need)?;
    let archive =
        config.archive.as_ref().map(|ArchiveConfig { dir, compression }| LocalArchive::new(dir, *compression));
    let mut world = World {
        store: &store,
        claims: claims.iter_mut().map(|(name, claims)| Source { name, claims: &mut **claims }).collect(),
        home: &home,
        clock: &clock,
        ids: &TimedIds,
        progress,
        stop,
        policy: &config.policy,
        selection: &config.selection,
        limits: &config.limits,
        archive: archive.as_ref().map(|archive| archive as &dyn Archive),
        quarantine_secs: u64::from(config.quarantine_days) * 86_400,
        audit_years: config.audit_years,
    };
    work(&mut world)
}

/// Opens the store and Upsweep's own state, without any database.
pub(crate) fn with_home<R>(
    config: &Config,
    work: impl FnOnce(&dyn Store, &dyn Home) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    let clock = SystemClock::new();
    let store = open_store(config)?;
    let home = home(config, &store, &clock);
    work(&store, &home)
}

/// A store and what belongs to it, for who only looks.
pub(crate) struct Parts<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) home: &'a dyn Home,
    pub(crate) clock: &'a dyn Clock,
    /// The directory, for what only a directory has.
    pub(crate) local: &'a LocalStore,
}

/// Opens the store and Upsweep's own state, or says why not.
pub(crate) fn with_parts<R>(config: &Config, work: impl FnOnce(anyhow::Result<Parts<'_>>) -> R) -> R {
    let clock = SystemClock::new();
    match open_store(config) {
        Ok(store) => {
            let home = home(config, &store, &clock);
            work(Ok(Parts { store: &store, home: &home, clock: &clock, local: &store }))
        }
        Err(error) => work(Err(error)),
    }
}

/// The databases that are configured, each with its name. Nothing is connected yet.
pub(crate) fn claims(config: &Config) -> anyhow::Result<Vec<(String, Box<dyn ClaimSource>)>> {
    open_claims(config, Need::Claims)
}

fn home<'a>(config: &Config, store: &'a LocalStore, clock: &'a SystemClock) -> LocalHome<'a> {
    LocalHome::new(store, &TimedIds, clock, config.state_dir.clone()).with_ledger(config.ledger.clone())
}

/// Whether a command can do its work without a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It decides by claims.
    Claims,
    /// It brings files back, or gives them a ledger, which must be possible when the database is gone.
    NoClaims,
}

/// What is said where none is configured.
pub(crate) const NO_DATABASE: &str = "no database is configured: set DATABASE_URL, for instance to postgresql://user@localhost/app or sqlite:///./app.db (upsweep demo shows everything without one)";

/// Looks whether the upload directory and the archive are there, and whether the databases hold what the rules read.
pub(crate) fn check(config: &Config, findings: &mut Findings) {
    match open_store(config) {
        Ok(store) => findings.in_order.push(format!("upload directory {}: found", store.address())),
        Err(error) => findings.problems.push(format!("{error:#}")),
    }
    if let Some(ArchiveConfig { dir, compression: _ }) = &config.archive {
        let shown = dir.display();
        match std::fs::metadata(dir) {
            Ok(there) if there.is_dir() => findings.in_order.push(format!("archive {shown}: found")),
            Ok(_) => findings.problems.push(format!("the archive {shown} is no directory")),
            Err(error) => findings.problems.push(format!(
                "the archive {shown} cannot be looked at: {error}; mount its disk, or make the directory"
            )),
        }
    }
    if config.databases.is_empty() {
        findings.problems.push(NO_DATABASE.to_owned());
    }
    let mut seen: Vec<(&str, DatabaseIdentity)> = Vec::new();
    for (at, database) in config.databases.iter().enumerate() {
        let reads = |rule: &&ClaimRule| rule.database.as_ref().map_or(at == 0, |name| *name == database.name);
        let rules: Vec<ClaimRule> = config.policy.claim_rules.iter().filter(reads).cloned().collect();
        let Some(snapshot) = check_database(database, &rules, findings) else { continue };
        if let Some((other, _)) = seen.iter().find(|(_, identity)| *identity == snapshot.identity) {
            let (first, second) = ((*other).to_owned(), database.name.clone());
            let identity = snapshot.identity.to_string();
            findings.problems.push(ClaimError::Twice { first, second, identity }.to_string());
        }
        seen.push((&database.name, snapshot.identity));
    }
}

/// Each rule on its own, so that every mistake is told.
fn check_database(database: &Database, rules: &[ClaimRule], findings: &mut Findings) -> Option<Snapshot> {
    let Database { name, .. } = database;
    let mut claims = match open_database(database) {
        Ok((_, claims)) => claims,
        Err(error) => {
            findings.problems.push(format!("{error:#}"));
            return None;
        }
    };
    let snapshot = match claims.check(&[]) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            findings.problems.push(format!("the database '{name}': {error}"));
            return None;
        }
    };
    let mut can_write = false;
    for rule in rules {
        match claims.check(std::slice::from_ref(rule)) {
            Ok(snapshot) => {
                can_write |= snapshot.role_can_write == Some(true);
                findings.in_order.push(format!("database '{name}': claim rule '{}' finds its columns", rule.name));
            }
            Err(error) => findings.problems.push(format!("the database '{name}': {error}")),
        }
    }
    if can_write {
        findings
            .warnings
            .push(format!("the role of the database '{name}' could change what it reads; reading is enough"));
    }
    if snapshot.is_replica {
        findings
            .warnings
            .push(format!("the database '{name}' is a replica: plans may be made from it, but nothing is removed"));
    }
    Some(snapshot)
}

/// A database, and its name in the configuration.
pub(crate) type Named = (String, Box<dyn ClaimSource>);

fn open_claims(config: &Config, need: Need) -> anyhow::Result<Vec<Named>> {
    let opened = match config.databases.as_slice() {
        [] => Err(anyhow::anyhow!(NO_DATABASE)),
        databases => databases.iter().map(open_database).collect(),
    };
    match (opened, need) {
        (Err(_), Need::NoClaims) => Ok(vec![("none".to_owned(), Box::new(NoDatabase))]),
        (opened, _) => opened,
    }
}

/// One database. Nothing is connected yet.
pub(crate) fn open_database(database: &Database) -> anyhow::Result<Named> {
    let Database { name, url: _, origin } = database;
    let opened = upsweep_adapters::claims::open(database.url()?).map_err(EngineError::from);
    Ok((name.clone(), opened.with_context(|| format!("the database '{name}' ({origin})"))?))
}

/// Stands where no database is configured and none is needed.
struct NoDatabase;

impl ClaimSource for NoDatabase {
    fn read(&mut self, _rules: &[ClaimRule], _sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        Err(ClaimError::Url(NO_DATABASE.to_owned()))
    }

    fn check(&mut self, _rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        Err(ClaimError::Url(NO_DATABASE.to_owned()))
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        Err(ClaimError::Url(NO_DATABASE.to_owned()))
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        Err(ClaimError::Url(NO_DATABASE.to_owned()))
    }
}

fn open_store(config: &Config) -> anyhow::Result<LocalStore> {
    match LocalStore::open(&config.upload_dir) {
        Ok(store) => match &config.quarantine_dir {
            Some(place) => Ok(store.with_quarantine(place).map_err(EngineError::from)?),
            None => Ok(store),
        },
        Err(error @ StoreError::Missing { .. }) => Err(missing(config, error)),
        Err(error) => Err(EngineError::from(error).into()),
    }
}

/// A directory that is not there is an error, unless it was bound once: then its disk may be missing.
fn missing(config: &Config, error: StoreError) -> anyhow::Error {
    let address = resolved(&config.upload_dir).display().to_string();
    let noted = config.state_dir.as_deref().map(|dir| noted_about(dir, &address));
    if let Some(Ok(Some(Noted { store_id: noted, location: note }))) = noted
        && let Some(refusal) = guard::marker(&address, &Binding::MarkerMissing { noted, note })
    {
        return EngineError::Refused(Box::new(refusal)).into();
    }
    EngineError::from(error).into()
}

/// The ledger of a store that is bound; an error where a guard objects to the store.
pub(crate) fn ledger_of(store: &dyn Store, home: &dyn Home) -> anyhow::Result<Option<Box<dyn Ledger>>> {
    Ok(binding::ledger_of(store, home)?)
}

/// A fresh name for a run.
pub(crate) fn fresh_id(now: Timestamp) -> String {
    TimedIds.fresh(now)
}

/// The name of a run that begins now.
pub(crate) fn fresh_run() -> String {
    use upsweep_engine::ports::Clock as _;
    fresh_id(SystemClock::new().now())
}

/// This process, as the holder of a lease.
pub(crate) fn holder(what: &str) -> Holder {
    use upsweep_engine::ports::Clock as _;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let user = crate::user::of_process();
    Holder { what: what.to_owned(), user, pid: std::process::id(), host, since: SystemClock::new().now(), run: None }
}
