//! Whether the databases answer: asked at most every few seconds, whoever wants to know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use upsweep_engine::binding;
use upsweep_engine::ports::Snapshot;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::guard;

use super::Service;
use crate::config::{Config, Database};
use crate::http::problem::{Code, Problem};
use crate::wire;

/// For how long an answer counts.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// How long a database may take for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the databases said when they were asked last.
#[derive(Default)]
pub(crate) struct Reach {
    turn: tokio::sync::Mutex<()>,
    newest: Mutex<Option<(Instant, Arc<Vec<Reached>>)>>,
    grounds: tokio::sync::Mutex<Option<(Instant, Grounds)>>,
    /// Held by each question until it is answered, by its subject: one that hangs is not asked on top of.
    asking: Mutex<BTreeMap<Subject, Arc<tokio::sync::Mutex<()>>>>,
}

/// What is asked how it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// By its place in the configuration.
    Database(usize),
    Grounds,
}

/// What one database said.
pub(crate) struct Reached {
    pub(crate) name: String,
    /// When.
    pub(crate) at: Timestamp,
    /// What it said of itself, or why it said nothing.
    pub(crate) outcome: Result<Snapshot, String>,
}

impl Service {
    /// What each database says of itself; at most some seconds old.
    pub(crate) async fn reach(self: &Arc<Self>) -> Arc<Vec<Reached>> {
        let _turn = self.reach.turn.lock().await;
        let kept = self.reach.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((done, reached)) = kept
            && done.elapsed() < FRESH_FOR
        {
            return reached;
        }
        let asked: Vec<_> = (0..self.config.databases.len()).map(|nth| self.ask(nth)).collect();
        let mut reached = Vec::with_capacity(asked.len());
        for (asked, database) in asked.into_iter().zip(&self.config.databases) {
            let outcome = match tokio::time::timeout(PATIENCE, asked).await {
                Ok(Ok(Ok(outcome))) => outcome,
                Ok(_) => Err("it could not be asked; the log says more".to_owned()),
                Err(_) => Err(format!("there was no answer within {} s", PATIENCE.as_secs())),
            };
            reached.push(Reached { name: database.name.clone(), at: self.now(), outcome });
        }
        let reached = Arc::new(reached);
        *self.reach.newest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), Arc::clone(&reached)));
        reached
    }

    /// Asks, once the last question to the same subject is answered. Dropped, it asks no more; what was asked goes on.
    fn probe<R: Send + 'static>(
        self: &Arc<Self>,
        subject: Subject,
        look: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> AbortOnDropHandle<Result<R, JoinError>> {
        let mut asking = self.reach.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(asking.entry(subject).or_default());
        let service = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let turn = turn.lock_owned().await;
            let looked = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                look(&service)
            });
            looked.await
        }))
    }

    fn ask(self: &Arc<Self>, nth: usize) -> AbortOnDropHandle<Result<Result<Snapshot, String>, JoinError>> {
        self.probe(Subject::Database(nth), move |service| {
            let is_its = |rule: &&ClaimRule| {
                rule.database.as_ref().map_or(nth == 0, |name| *name == service.config.databases[nth].name)
            };
            let rules: Vec<ClaimRule> = service.config.policy.claim_rules.iter().filter(is_its).cloned().collect();
            check(&service.config.databases[nth], &rules).map_err(|error| format!("{error:#}"))
        })
    }

    /// Every database answers, as far as was known some seconds ago.
    ///
    /// # Errors
    /// [`Code::DatabaseUnavailable`] names the first that does not.
    pub(crate) async fn databases_answer(self: &Arc<Self>) -> Result<(), Problem> {
        if self.config.databases.is_empty() {
            return Err(Problem::new(Code::DatabaseUnavailable, wire::NO_DATABASE));
        }
        for Reached { name, at: _, outcome } in &*self.reach().await {
            if let Err(cause) = outcome {
                let detail = format!("the database '{name}' does not answer: {cause}; nothing was begun");
                return Err(Problem::new(Code::DatabaseUnavailable, detail).retry_after(FRESH_FOR.as_secs()));
            }
        }
        Ok(())
    }
}

fn check(database: &Database, rules: &[ClaimRule]) -> anyhow::Result<Snapshot> {
    let (_, mut claims) = wire::open_database(database)?;
    Ok(claims.check(rules)?)
}

/// What stands in the way of work, apart from the databases; `None` is good.
#[derive(Clone, Copy)]
pub(crate) struct Grounds {
    pub(crate) store: Option<&'static str>,
    pub(crate) ledger: Option<&'static str>,
}

impl Service {
    /// Whether store and ledger are there; at most some seconds old.
    pub(crate) async fn grounds(self: &Arc<Self>) -> Grounds {
        let mut kept = self.reach.grounds.lock().await;
        if let Some((done, grounds)) = *kept
            && done.elapsed() < FRESH_FOR
        {
            return grounds;
        }
        let looked = self.probe(Subject::Grounds, |service| look(&service.config));
        let grounds = match tokio::time::timeout(PATIENCE, looked).await {
            Ok(Ok(Ok(grounds))) => grounds,
            _ => Grounds { store: Some("it does not answer"), ledger: Some("the store does not answer") },
        };
        *kept = Some((Instant::now(), grounds));
        grounds
    }
}

fn look(config: &Config) -> Grounds {
    let looked = wire::with_home(config, |store, home| {
        let bond = binding::examine(store, home)?;
        if guard::marker(&bond.store.address, &bond.binding).is_some() {
            let (store, ledger) = ("it is not the one that was bound (G002)", "the store is another");
            return Ok(Grounds { store: Some(store), ledger: Some(ledger) });
        }
        let ledger = wire::ledger_of(store, home);
        Ok(Grounds { store: None, ledger: ledger.err().map(|_| "it cannot be opened") })
    });
    looked.unwrap_or(Grounds { store: Some("it is missing or cannot be read"), ledger: Some("the store is missing") })
}
