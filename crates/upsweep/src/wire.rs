//! The only file that names concrete adapters: from a configuration to a world to work with.

use std::path::{Path, PathBuf};

use upsweep_adapters::home::{LocalHome, noted_about};
use upsweep_adapters::store::local::LocalStore;
pub(crate) use upsweep_adapters::store::local::probe;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{
    ClaimError, ClaimSource, Clock, DatabaseIdentity, Holder, Home, Horizon, Noted, Progress, RowSink, Snapshot, Store,
    StoreError,
};
use upsweep_engine::world::World;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::guard::{self, Binding};

use crate::clock::{SystemClock, TimedIds};
use crate::config::Config;

/// Opens everything that the configuration names and lets `work` use it.
pub(crate) fn with_world<R>(
    config: &Config,
    need: Need,
    progress: &dyn Progress,
    work: impl FnOnce(&mut World<'_>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    let clock = SystemClock::new();
    let store = open_store(config)?;
    let home = home(config, &store, &clock);
    let mut claims = open_claims(config, need)?;
    let mut world = World {
        store: &store,
        claims: &mut *claims,
        home: &home,
        clock: &clock,
        ids: &TimedIds,
        progress,
        policy: &config.policy,
        limits: &config.limits,
        quarantine_secs: u64::from(config.quarantine_days) * 86_400,
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

/// The database that is configured. Nothing is connected yet.
pub(crate) fn claims(config: &Config) -> anyhow::Result<Box<dyn ClaimSource>> {
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

const NO_DATABASE: &str = "no database is configured: set DATABASE_URL, for instance to postgresql://user@localhost/app or sqlite:///./app.db (upsweep demo shows everything without one)";

fn open_claims(config: &Config, need: Need) -> anyhow::Result<Box<dyn ClaimSource>> {
    match (config.database_url.as_deref(), need) {
        (Some(url), _) => Ok(upsweep_adapters::claims::open(url).map_err(EngineError::from)?),
        (None, Need::NoClaims) => Ok(Box::new(NoDatabase)),
        (None, Need::Claims) => anyhow::bail!(NO_DATABASE),
    }
}

/// Stands where no database is configured and none is needed.
struct NoDatabase;

impl ClaimSource for NoDatabase {
    fn read(&mut self, _rules: &[ClaimRule], _sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
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
    let address = absolute(&config.upload_dir).display().to_string();
    let noted = config.state_dir.as_deref().map(|dir| noted_about(dir, &address));
    if let Some(Ok(Some(Noted { store_id: noted, location: note }))) = noted
        && let Some(refusal) = guard::marker(&address, &Binding::MarkerMissing { noted, note })
    {
        return EngineError::Refused(Box::new(refusal)).into();
    }
    EngineError::from(error).into()
}

/// The path with its existing part resolved, as the store would have been addressed.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(resolved), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return resolved.join(rest);
        }
    }
    path
}

/// This process, as the holder of a lease.
pub(crate) fn holder(what: &str) -> Holder {
    use upsweep_engine::ports::Clock as _;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Holder { what: what.to_owned(), pid: std::process::id(), host, since: SystemClock::new().now() }
}
