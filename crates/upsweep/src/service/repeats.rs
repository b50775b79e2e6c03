//! Requests that may be repeated: in the ledger of a bound store, where every process finds them, and in memory until
//! there is one.

use std::sync::{Arc, Mutex, PoisonError};

use upsweep_engine::ports::{Claimed, REPEATABLE_FOR, RepeatableRequest};

use super::{Service, State};
use crate::http::problem::Problem;

/// So many are remembered in memory; of more the oldest go.
const REMEMBERED_MAX: usize = 1_000;

/// Requests to a store that was not bound when they came.
#[derive(Default)]
pub(crate) struct Repeats {
    /// Held from the claim of a key until its run has begun, so that who repeats it meanwhile finds the run.
    pub(crate) turn: tokio::sync::Mutex<()>,
    seen: Mutex<Vec<RepeatableRequest>>,
}

impl Repeats {
    fn find(&self, request: &RepeatableRequest) -> Option<Claimed> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|old| request.at.duration_since(old.at) < REPEATABLE_FOR);
        let before = seen.iter().find(|old| old.key == request.key)?;
        Some(if before.fingerprint == request.fingerprint {
            Claimed::Before { run: before.run.clone() }
        } else {
            Claimed::ForOther
        })
    }

    fn remember(&self, request: RepeatableRequest) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.remove(0);
        }
        seen.push(request);
    }
}

impl Service {
    /// Claims a request's key for the run that it is about to start. To be called with [`Repeats::turn`] in hand.
    pub(crate) async fn claim_request(self: &Arc<Self>, request: RepeatableRequest) -> Result<Claimed, Problem> {
        // First, because the run of a key that was claimed here may have bound the store since.
        if let Some(claimed) = self.repeats.find(&request) {
            return Ok(claimed);
        }
        let asked = request.clone();
        let in_ledger = self.with_state(move |State { ledger, .. }| match ledger {
            Some(ledger) => Ok(Some(ledger.claim_request(&asked)?)),
            None => Ok(None),
        });
        Ok(in_ledger.await?.unwrap_or_else(|| {
            self.repeats.remember(request);
            Claimed::New
        }))
    }
}
