//! What earlier surveys saw, in memory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use upsweep_engine::ports::{LedgerError, Memories, incarnation};
use upsweep_plan::baseline::Baseline;
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileFacts;

use super::MemoryLedger;

#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    sightings: BTreeMap<Key, (String, Timestamp)>,
    baseline: Option<Baseline>,
}

impl Memories for MemoryLedger {
    fn note_sightings(&mut self, files: &[(Key, FileFacts)], at: Timestamp) -> Result<(), LedgerError> {
        let before = std::mem::take(&mut self.remembered.sightings);
        for (key, facts) in files {
            let seen = incarnation(facts);
            let since = before.get(key).filter(|(known, _)| *known == seen).map_or(at, |(_, first)| *first);
            self.remembered.sightings.insert(key.clone(), (seen, since));
        }
        Ok(())
    }

    fn first_seen(&self, key: &Key, facts: &FileFacts) -> Result<Option<Timestamp>, LedgerError> {
        let known = self.remembered.sightings.get(key).filter(|(known, _)| *known == incarnation(facts));
        Ok(known.map(|(_, first)| *first))
    }

    fn baseline(&self) -> Result<Option<Baseline>, LedgerError> {
        Ok(self.remembered.baseline.clone())
    }

    fn set_baseline(&mut self, baseline: &Baseline) -> Result<(), LedgerError> {
        self.remembered.baseline = Some(baseline.clone());
        Ok(())
    }
}
