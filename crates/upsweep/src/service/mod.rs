//! What stands behind the faces of the service: one run at a time, one survey for many, and plans that wait.
//!
//! The engine is synchronous; everything here calls it on threads for blocking work, and never while a lock of ours
//! is held.

pub(crate) mod cron;
pub(crate) mod events;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod lifecycle;
pub(crate) mod reach;
pub(crate) mod repeats;
pub(crate) mod schedule;
pub(crate) mod shelf;
pub(crate) mod signals;
pub(crate) mod slots;
pub(crate) mod surveys;
pub(crate) mod systemd;
pub(crate) mod telling;
pub(crate) mod timer;

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upsweep_engine::ports::{Clock as _, Home, Ledger, Store};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::metrics::Metrics;
use crate::http::problem::{Code, Problem};
use crate::http::scrape::KeptTotals;
use crate::wire;

use jobs::Jobs;
use reach::Reach;
use repeats::Repeats;
use shelf::Shelf;
use surveys::Surveys;

/// One store's service.
pub(crate) struct Service {
    config: Config,
    pub(crate) jobs: Jobs,
    pub(crate) surveys: Surveys,
    pub(crate) shelf: Shelf,
    pub(crate) metrics: Metrics,
    pub(crate) totals: KeptTotals,
    pub(crate) repeats: Repeats,
    reach: Reach,
    /// Runs: the process ends after them, however long they take.
    running: TaskTracker,
    /// What else is at work: it changes nothing that a crash would not leave whole, and gets a while to end.
    tracker: TaskTracker,
    /// Set when the service is to end.
    pub(crate) shutdown: CancellationToken,
}

impl Service {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            config,
            jobs: Jobs::default(),
            surveys: Surveys::default(),
            shelf: Shelf::default(),
            metrics: Metrics::default(),
            totals: KeptTotals::default(),
            repeats: Repeats::default(),
            reach: Reach::default(),
            running: TaskTracker::new(),
            tracker: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    #[expect(clippy::unused_self, reason = "whose time it is")]
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock::new().now()
    }

    /// Does blocking work on a thread for it. It goes on to its end, even when nobody waits any more.
    ///
    /// # Errors
    /// What `work` says; [`Code::Internal`] when it panicked.
    pub(crate) async fn blocking<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<R, Problem> + Send + 'static,
    ) -> Result<R, Problem> {
        let service = Arc::clone(self);
        let done = self.tracker.spawn_blocking(move || work(&service)).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "work ended without an answer");
            Err(Problem::new(Code::Internal, "it ended without an answer; the log says more"))
        })
    }

    /// Goes through with `work`, even when nobody waits for it any more, and has the process wait a while for it.
    ///
    /// # Errors
    /// What `work` says; [`Code::Internal`] when it panicked.
    pub(crate) async fn to_the_end<R: Send + 'static>(
        &self,
        work: impl Future<Output = Result<R, Problem>> + Send + 'static,
    ) -> Result<R, Problem> {
        self.tracker.spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "work ended without an answer");
            Err(Problem::new(Code::Internal, "it ended without an answer; the log says more"))
        })
    }

    /// Opens the store's own state: its home, and its ledger if the store is bound. No lease is taken.
    ///
    /// # Errors
    /// What `work` says; a problem when the store or its ledger cannot be opened, or a guard objects to it.
    pub(crate) async fn with_state<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut State<'_>) -> anyhow::Result<R> + Send + 'static,
    ) -> Result<R, Problem> {
        self.blocking(move |service| {
            let done = wire::with_home(&service.config, |store, home| {
                let ledger = wire::ledger_of(store, home)?;
                work(&mut State { store, home, ledger })
            });
            done.map_err(|error| Problem::of_error(&error))
        })
        .await
    }

    /// Asks whatever works to stop, and returns when it has: runs whenever that is, the rest at the latest when
    /// `patience` is at its end.
    pub(crate) async fn wind_up(&self, patience: impl Future<Output = ()>) {
        self.shutdown.cancel();
        self.running.close();
        self.tracker.close();
        self.running.wait().await;
        tokio::select! {
            () = self.tracker.wait() => {}
            () = patience => tracing::warn!("something that only looks does not come to its end, and is left alone"),
        }
        // What was at work may have begun one before it was told to stop.
        self.running.wait().await;
    }
}

/// A store with its own state; `ledger` is `None` while it is not bound.
pub(crate) struct State<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) home: &'a dyn Home,
    pub(crate) ledger: Option<Box<dyn Ledger>>,
}
