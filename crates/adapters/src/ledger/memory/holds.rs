//! Holds in memory.

use jiff::Timestamp;
use upsweep_engine::ports::{Holds, LedgerError, NewHold, Release};
use upsweep_plan::hold::Hold;

use super::MemoryLedger;
use crate::ledger::telling;

/// Every hold that ever was, and who released it when. Their places give their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct HoldBook(Vec<(Hold, Option<(String, Timestamp)>)>);

impl Holds for MemoryLedger {
    fn add_holds(&mut self, holds: &[NewHold]) -> Result<Vec<Hold>, LedgerError> {
        let first = self.holds.0.len() as u64 + 1;
        let set: Vec<Hold> = (first..).zip(holds.iter().cloned()).map(|(id, hold)| hold.numbered(id)).collect();
        for hold in &set {
            self.holds.0.push((hold.clone(), None));
            self.tell(hold.since, telling::hold_set(&self.writer, hold));
        }
        Ok(set)
    }

    fn release_holds(&mut self, ids: &[u64], by: &str, why: &str, at: Timestamp) -> Result<Vec<Release>, LedgerError> {
        Ok(ids.iter().map(|id| self.release(*id, by, why, at)).collect())
    }

    fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, LedgerError> {
        let open = self.holds.0.iter().filter(|(hold, released)| released.is_none() && hold.is_active(now));
        Ok(open.map(|(hold, _)| hold.clone()).collect())
    }
}

impl MemoryLedger {
    fn release(&mut self, id: u64, by: &str, why: &str, at: Timestamp) -> Release {
        let Some((hold, released)) = self.holds.0.iter_mut().find(|(hold, _)| hold.id == id) else {
            return Release::Unknown;
        };
        if let Some((by, at)) = released {
            return Release::Already { by: by.clone(), at: *at };
        }
        *released = Some((by.to_owned(), at));
        let hold = hold.clone();
        self.tell(at, telling::hold_released(&self.writer, &hold, by, why));
        Release::Released(hold)
    }
}
