//! A home in memory, for tests of the engine: the same promises, no disk.

mod open_ledger;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use upsweep_engine::ports::{Holder, Home, Lease, LeaseError, Ledger, LedgerError, LedgerPlace, Noted};

use crate::ledger::memory::MemoryLedger;
use open_ledger::OpenLedger;

/// A home in memory. Clones are the same home, as another process would find it.
#[derive(Clone, Debug, Default)]
pub struct MemoryHome {
    kept: Arc<Mutex<Kept>>,
    is_damaged: Arc<AtomicBool>,
    is_outside: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Kept {
    ledger: Option<Arc<Mutex<MemoryLedger>>>,
    /// How many ledgers were ever made here: one that replaces a lost one has a name of its own.
    ledgers_made: u32,
    /// Who has the lease.
    holder: Option<Holder>,
    /// The stores' ids, by address.
    notes: BTreeMap<String, String>,
}

impl MemoryHome {
    /// Puts another ledger in the place of the one that is there, if any.
    pub fn replace_ledger(&self, ledger: MemoryLedger) {
        self.kept().ledger = Some(Arc::new(Mutex::new(ledger)));
    }

    /// Loses the ledger; who has it open keeps what nobody else finds any more.
    pub fn lose_ledger(&self) {
        self.kept().ledger = None;
    }

    /// From now on the ledger's journal and its operations disagree.
    pub fn damage_ledger(&self) {
        self.is_damaged.store(true, Ordering::Relaxed);
    }

    /// A copy of the ledger as it stands, as a backup would be.
    pub fn copy_ledger(&self) -> Option<MemoryLedger> {
        self.kept().ledger.as_ref().map(|ledger| locked(ledger).clone())
    }

    /// From now on the ledger is kept where other stores may have theirs.
    pub fn keep_ledger_outside(&self) {
        self.is_outside.store(true, Ordering::Relaxed);
    }

    /// Loses every note.
    pub fn lose_notes(&self) {
        self.kept().notes.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        locked(&self.kept)
    }

    fn open(&self, ledger: &Arc<Mutex<MemoryLedger>>) -> Box<dyn Ledger> {
        let id = locked(ledger).id().to_owned();
        Box::new(OpenLedger::new(id, Arc::clone(ledger), Arc::clone(&self.is_damaged)))
    }
}

impl Home for MemoryHome {
    fn ledger_place(&self) -> LedgerPlace {
        LedgerPlace { shown: "in memory".to_owned(), is_inside: !self.is_outside.load(Ordering::Relaxed) }
    }

    fn ledger(&self) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
        Ok(self.kept().ledger.as_ref().map(|ledger| self.open(ledger)))
    }

    fn create_ledger(&self) -> Result<Box<dyn Ledger>, LedgerError> {
        let mut kept = self.kept();
        let Kept { ledger, ledgers_made, .. } = &mut *kept;
        let ledger = ledger.get_or_insert_with(|| {
            *ledgers_made += 1;
            Arc::new(Mutex::new(MemoryLedger::new(&format!("ledger-{ledgers_made}"))))
        });
        Ok(self.open(ledger))
    }

    fn acquire(&self, holder: &Holder) -> Result<Box<dyn Lease>, LeaseError> {
        let mut kept = self.kept();
        if kept.holder.is_some() {
            return Err(LeaseError::Held(kept.holder.clone()));
        }
        kept.holder = Some(holder.clone());
        Ok(Box::new(MemoryLease(Arc::clone(&self.kept))))
    }

    fn holder(&self) -> Result<Option<Holder>, LeaseError> {
        Ok(self.kept().holder.clone())
    }

    fn noted(&self, address: &str) -> Result<Option<Noted>, String> {
        let noted = |store_id: &String| Noted { store_id: store_id.clone(), location: "in memory".to_owned() };
        Ok(self.kept().notes.get(address).map(noted))
    }

    fn note(&self, address: &str, store_id: &str) -> Result<(), String> {
        self.kept().notes.insert(address.to_owned(), store_id.to_owned());
        Ok(())
    }
}

/// There is at most one of a home, so whoever drops it is the holder.
struct MemoryLease(Arc<Mutex<Kept>>);

impl Lease for MemoryLease {}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        locked(&self.0).holder = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
