//! What a job tells while it works, kept for a while so that a listener who was away can catch up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

/// So many events are kept; of more the oldest go.
const KEPT_MAX: usize = 512;

/// Something that happened to a job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Counts from 1; a listener gives the last one it saw.
    pub(crate) id: u64,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case", tag = "event")]
pub(crate) enum What {
    /// A stage began.
    Stage { stage: &'static str, total: Option<u64> },
    /// So much of it is done.
    Progress { stage: &'static str, done: u64, total: Option<u64> },
    /// The run ended; its own page says how.
    Ended { outcome: &'static str },
}

/// The events of one job.
pub(crate) struct Events {
    kept: Mutex<VecDeque<Event>>,
    newest: watch::Sender<u64>,
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Events {
    pub(crate) fn tell(&self, at: Timestamp, what: What) {
        let mut kept = self.kept();
        let id = kept.back().map_or(1, |last| last.id + 1);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Event { id, at, what });
        drop(kept);
        self.newest.send_replace(id);
    }

    /// The events after `id` that are still kept.
    pub(crate) fn after(&self, id: u64) -> Vec<Event> {
        self.kept().iter().filter(|event| event.id > id).cloned().collect()
    }

    /// The newest event.
    pub(crate) fn newest(&self) -> Option<Event> {
        self.kept().back().cloned()
    }

    /// Wakes whenever there is a new one.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
