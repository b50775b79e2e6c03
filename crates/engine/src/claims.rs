//! Reading the claims once, past a list of names.

use upsweep_plan::listing::{Names, Sealed};
use upsweep_plan::matching::{Matched, Matcher};

use crate::ports::{ClaimError, Snapshot, Stage};
use crate::world::World;

/// One complete reading of all claims.
pub(crate) struct Reading {
    pub(crate) matched: Sealed<Matched>,
    pub(crate) snapshot: Snapshot,
}

/// Streams every rule of the database past `names`. Only a reading that came to its end is sealed.
pub(crate) fn read(world: &mut World<'_>, names: &Names, stage: Stage) -> Result<Reading, ClaimError> {
    let rules = &world.policy.claim_rules;
    let readers: Vec<_> = rules.iter().map(|rule| rule.reader(world.policy.recursive)).collect();
    let mut matcher = Matcher::new(names, &world.policy.variants);
    let progress = world.progress;
    progress.begin(stage, None);
    let mut unreported = 0;
    let outcome = world.claims.read(rules, &mut |rule, row| {
        matcher.offer(readers[rule].claim(row));
        unreported += 1;
        if unreported == ROWS_PER_STEP {
            progress.advance(ROWS_PER_STEP);
            unreported = 0;
        }
    });
    progress.end();
    let snapshot = outcome?;
    Ok(Reading { matched: matcher.seal(), snapshot })
}

const ROWS_PER_STEP: u64 = 4_096;
