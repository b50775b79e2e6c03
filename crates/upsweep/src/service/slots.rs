//! Which times of the timetable are taken. A time is claimed before its clean-up begins, in the ledger where there is
//! one: of several services on one store one gets it, and after a restart it is not run again.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use upsweep_engine::ports::Ledger;

/// What claims the times of a timetable.
pub(crate) trait Slots: Send + Sync {
    /// The newest time that was claimed.
    fn last(&self) -> impl Future<Output = anyhow::Result<Option<Timestamp>>> + Send;

    /// Claims a time; `false` when it, or a later one, was claimed before.
    fn claim(&self, slot: Timestamp) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// Slots in the ledger. A store that is not bound yet has none: until then this process remembers them by itself.
pub(crate) struct LedgerSlots {
    open: Open,
    own: Mutex<Option<Timestamp>>,
}

/// Opens the ledger, on a thread that may wait; `None` where there is none yet.
type Open = Arc<dyn Fn() -> anyhow::Result<Option<Box<dyn Ledger>>> + Send + Sync>;

impl LedgerSlots {
    pub(crate) fn new(open: impl Fn() -> anyhow::Result<Option<Box<dyn Ledger>>> + Send + Sync + 'static) -> Self {
        Self { open: Arc::new(open), own: Mutex::new(None) }
    }

    fn own(&self) -> Option<Timestamp> {
        *self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn remember(&self, slot: Timestamp) {
        let mut own = self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *own = (*own).max(Some(slot));
    }

    /// Does something with the ledger, if there is one.
    async fn with_ledger<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Ledger) -> anyhow::Result<R> + Send + 'static,
    ) -> anyhow::Result<Option<R>> {
        let open = Arc::clone(&self.open);
        let worked = tokio::task::spawn_blocking(move || match open()? {
            Some(mut ledger) => work(&mut *ledger).map(Some),
            None => Ok(None),
        });
        worked.await?
    }
}

impl Slots for LedgerSlots {
    async fn last(&self) -> anyhow::Result<Option<Timestamp>> {
        let noted = self.with_ledger(|ledger| Ok(ledger.last_slot()?)).await?;
        Ok(noted.flatten().max(self.own()))
    }

    async fn claim(&self, slot: Timestamp) -> anyhow::Result<bool> {
        if let Some(own) = self.own().filter(|own| *own >= slot) {
            // A ledger that has come into being since then should know it too.
            self.with_ledger(move |ledger| Ok(ledger.claim_slot(own)?)).await?;
            return Ok(false);
        }
        let is_ours = self.with_ledger(move |ledger| Ok(ledger.claim_slot(slot)?)).await?.unwrap_or(true);
        self.remember(slot);
        Ok(is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_store_without_a_ledger_has_its_times_claimed_in_memory() {
        let slots = LedgerSlots::new(|| Ok(None));
        let (first, second) = (at("2026-07-01T03:00:00Z"), at("2026-07-02T03:00:00Z"));
        assert_eq!(slots.last().await.unwrap(), None);
        assert!(slots.claim(second).await.unwrap());
        assert!(!slots.claim(second).await.unwrap());
        assert!(!slots.claim(first).await.unwrap(), "a later one was claimed before");
        assert_eq!(slots.last().await.unwrap(), Some(second));
    }

    #[tokio::test]
    async fn a_ledger_that_cannot_be_read_gives_nothing_away() {
        let slots = LedgerSlots::new(|| anyhow::bail!("the disk is away"));
        assert!(slots.last().await.is_err());
        assert!(slots.claim(at("2026-07-01T03:00:00Z")).await.is_err());
        assert_eq!(slots.own(), None, "what could not be claimed may be claimed later");
    }
}
