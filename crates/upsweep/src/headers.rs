//! What can be heard in the files of a plan, from their headers alone.

use upsweep_adapters::audio;
use upsweep_engine::ports::{Progress, Stage, Store};
use upsweep_plan::plan::{Audio, Plan};

/// How many files of a plan are opened for their headers; the plan says when there were more.
pub(crate) const OPENED_MAX: usize = 2_000;

/// Adds format and duration to the plan's removals, as far as their headers tell.
pub(crate) fn add(plan: &mut Plan, store: &dyn Store, progress: &dyn Progress) {
    let count = plan.removals.len().min(OPENED_MAX);
    progress.begin(Stage::Headers, Some(count as u64));
    for removal in &plan.removals[..count] {
        progress.advance(1);
        // What cannot be opened or is no audio is planned all the same: the headers are for the reader only.
        let Ok(reader) = store.open(&removal.key) else { continue };
        if let Some(facts) = audio::probe(reader) {
            let duration_millis = facts.duration.and_then(|d| u64::try_from(d.as_millis()).ok());
            plan.audio.insert(removal.key.to_string(), Audio { format: facts.format, duration_millis });
        }
    }
    progress.end();
}
