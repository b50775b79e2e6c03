//! Whether the databases answer: asked at most every few seconds, whoever wants to know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
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
    newest: Mutex<Option<(Instant, Arc<Vec<Reached>>)>>,
    /// Questions that were not answered in time, by the databases' order. None is asked twice at once.
    open: tokio::sync::Mutex<BTreeMap<usize, Asked<Result<Snapshot, String>>>>,
    grounds: Mutex<Option<(Instant, Grounds)>>,
    open_look: tokio::sync::Mutex<Option<Asked<Grounds>>>,
}

/// A question that a thread waits for.
type Asked<T> = tokio::task::JoinHandle<T>;

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
        if let Some(fresh) = fresh(&self.reach.newest) {
            return fresh;
        }
        // A task of its own: who asked may leave, and the answer counts for the next one all the same.
        let service = Arc::clone(self);
        tokio::spawn(async move { service.ask_all().await }).await.unwrap_or_default()
    }

    async fn ask_all(self: &Arc<Self>) -> Arc<Vec<Reached>> {
        let mut open = self.reach.open.lock().await;
        if let Some(fresh) = fresh(&self.reach.newest) {
            return fresh;
        }
        for nth in 0..self.config.databases.len() {
            open.entry(nth).or_insert_with(|| self.ask(nth));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut reached = Vec::with_capacity(open.len());
        for (nth, database) in self.config.databases.iter().enumerate() {
            let Some(mut asked) = open.remove(&nth) else { continue };
            let outcome = match tokio::time::timeout_at(deadline, &mut asked).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err("it could not be asked; the log says more".to_owned()),
                Err(_) => {
                    open.insert(nth, asked);
                    Err(format!("there was no answer within {} s", PATIENCE.as_secs()))
                }
            };
            reached.push(Reached { name: database.name.clone(), at: self.now(), outcome });
        }
        let reached = Arc::new(reached);
        *self.reach.newest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), Arc::clone(&reached)));
        reached
    }

    fn ask(self: &Arc<Self>, nth: usize) -> tokio::task::JoinHandle<Result<Snapshot, String>> {
        let service = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
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
        if let Some(fresh) = fresh(&self.reach.grounds) {
            return fresh;
        }
        let service = Arc::clone(self);
        tokio::spawn(async move { service.look_at_grounds().await }).await.unwrap_or(NO_ANSWER)
    }

    async fn look_at_grounds(self: &Arc<Self>) -> Grounds {
        let mut open = self.reach.open_look.lock().await;
        if let Some(fresh) = fresh(&self.reach.grounds) {
            return fresh;
        }
        let mut asked = open.take().unwrap_or_else(|| {
            let service = Arc::clone(self);
            tokio::task::spawn_blocking(move || look(&service.config))
        });
        let grounds = match tokio::time::timeout(PATIENCE, &mut asked).await {
            Ok(looked) => looked.unwrap_or(NO_ANSWER),
            Err(_) => {
                *open = Some(asked);
                NO_ANSWER
            }
        };
        *self.reach.grounds.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), grounds));
        grounds
    }
}

const NO_ANSWER: Grounds = Grounds { store: Some("it does not answer"), ledger: Some("the store does not answer") };

/// What was found out last, if that is not long ago.
fn fresh<T: Clone>(newest: &Mutex<Option<(Instant, T)>>) -> Option<T> {
    let newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
    newest.as_ref().filter(|(done, _)| done.elapsed() < FRESH_FOR).map(|(_, found)| found.clone())
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

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use super::*;
    use crate::config::Sources;

    /// A server that takes connections, counts them, and says nothing.
    fn silent_server() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        std::thread::spawn(move || {
            let mut kept = vec![];
            for connection in listener.incoming() {
                counted.fetch_add(1, Ordering::Relaxed);
                kept.push(connection);
            }
        });
        (format!("postgresql://u@{address}/app"), count)
    }

    #[tokio::test]
    async fn who_asks_and_leaves_has_no_database_asked_twice() {
        let (url, connections) = silent_server();
        let dir = tempfile::tempdir().unwrap();
        let flags = [("database_url", url), ("upload_dir", dir.path().display().to_string())];
        let flags = flags.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let service = Service::new(config);
        for _ in 0..100 {
            let mut asking = Box::pin(service.reach());
            assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(asking);
            tokio::task::yield_now().await;
        }
        let reached = service.reach().await;
        assert!(reached[0].outcome.as_ref().unwrap_err().contains("no answer within"));
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    }
}
