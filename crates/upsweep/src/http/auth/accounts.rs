//! The account behind a token: looked up seldom, by few at once, and for everybody who asks for it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use upsweep_adapters::accounts::{self, Account, AccountError, Accounts};
use upsweep_engine::ports::Clock;

use crate::config::Config;

/// How many look-ups the database sees at once.
const AT_ONCE: usize = 4;

/// How long the database may work on one of them, and how long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many subjects are remembered.
const SUBJECTS_MAX: usize = 10_000;

type Answer = Result<Option<Account>, AccountError>;

/// Accounts, with what was found out lately.
pub(super) struct KnownAccounts {
    source: Arc<dyn Accounts>,
    keep: SignedDuration,
    clock: Arc<dyn Clock>,
    cells: Mutex<HashMap<String, Arc<Cell>>>,
    turns: Arc<Semaphore>,
    subjects_max: usize,
}

/// What is known of one subject; locked while somebody finds it out.
type Cell = tokio::sync::Mutex<Option<Known>>;

struct Known {
    asked_at: Timestamp,
    answered_at: Timestamp,
    answer: Answer,
}

impl KnownAccounts {
    /// `None` where no query is configured.
    pub(super) fn of(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Option<Self>> {
        let Some(query) = &config.service.user_query else { return Ok(None) };
        let database = config.databases.first().context("auth_user_query needs a database: set DATABASE_URL")?;
        let source = accounts::open(database.url()?, query, PATIENCE)?;
        Ok(Some(Self::new(source.into(), config.service.user_cache, clock)))
    }

    pub(super) fn new(source: Arc<dyn Accounts>, keep: Duration, clock: Arc<dyn Clock>) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::ZERO);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { source, keep, clock, cells: Mutex::default(), turns, subjects_max: SUBJECTS_MAX }
    }

    /// What the application says of the subject, now or a few seconds ago.
    pub(super) async fn of_subject(&self, subject: &str) -> Answer {
        let arrived = self.clock.now();
        let cell = self.cell(subject);
        let mut known = cell.lock().await;
        if let Some(known) = &*known
            && (known.answered_at > arrived || self.is_fresh(known))
        {
            return known.answer.clone();
        }
        let asked_at = self.clock.now();
        let answer = self.ask(subject).await;
        *known = Some(Known { asked_at, answered_at: self.clock.now(), answer: answer.clone() });
        answer
    }

    async fn ask(&self, subject: &str) -> Answer {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(AccountError::Unavailable("too many look-ups wait for the database".to_owned()));
        };
        let (source, subject) = (Arc::clone(&self.source), subject.to_owned());
        // The turn ends with the work, even where nobody waits for its end any more.
        let work = tokio::task::spawn_blocking(move || {
            let answer = source.look_up(&subject);
            drop(turn);
            answer
        });
        work.await.unwrap_or_else(|_| Err(AccountError::Unavailable("a look-up broke off".to_owned())))
    }

    /// Failures are shared by those who waited, and not kept.
    fn is_fresh(&self, known: &Known) -> bool {
        let age = self.clock.now().duration_since(known.asked_at);
        known.answer.is_ok() && !age.is_negative() && age < self.keep
    }

    fn cell(&self, subject: &str) -> Arc<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= self.subjects_max && !cells.contains_key(subject) {
            let is_fresh =
                |cell: &Cell| cell.try_lock().is_ok_and(|known| known.as_ref().is_some_and(|k| self.is_fresh(k)));
            cells.retain(|_, cell| Arc::strong_count(cell) > 1 || is_fresh(cell));
            if cells.len() >= self.subjects_max {
                cells.retain(|_, cell| Arc::strong_count(cell) > 1);
            }
        }
        Arc::clone(cells.entry(subject.to_owned()).or_default())
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
