//! The baseline: the last good survey, which later ones are compared with.

use upsweep_plan::baseline::{Baseline, Fingerprints};
use upsweep_plan::guard::{Code, Situation, may_be_baseline};
use upsweep_plan::policy::AgeFrom;

use crate::error::EngineError;
use crate::past::Past;
use crate::planning::Judged;

use crate::ports::Ledger;
use crate::world::World;

/// Makes a complete survey the baseline, unless the mapping is in doubt. Ask only when no guard refused, or when a
/// human overruled those that did: `allowed`.
///
/// # Errors
/// [`EngineError::Ledger`].
pub(crate) fn note(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    run: &str,
    past: &Past,
    judged: &Judged,
    situation: &Situation<'_>,
    allowed: &[Code],
) -> Result<(), EngineError> {
    if !may_be_baseline(situation, world.limits, allowed) {
        return Ok(());
    }
    let survey = &judged.survey;
    let matched = survey.matched.get();
    // A file that nobody claims any more, and that is still there or hidden, stays one that was claimed. One whose
    // session failed has been given up by its own row.
    let before = past.baseline.as_ref().map(|baseline| &baseline.live);
    let was_live = |index: usize, name: &[u8]| {
        before.is_some_and(|live| live.contains(name)) && !matched.marks(index).is_explained()
    };
    let names = (0..survey.names.len()).map(|index| (index, survey.names.get(index)));
    let live = names.filter(|(index, name)| matched.is_live(*index) || was_live(*index, name)).map(|(_, name)| name);
    let hidden = past.hidden.iter().filter(|op| op.reason.claimed_until().is_some()).map(|op| op.key.as_bytes());
    let baseline = Baseline {
        at: survey.began,
        run: run.to_owned(),
        live_files: matched.live_files(survey.visible),
        live: Fingerprints::of(live.chain(hidden)),
        missing: matched.tally.missing,
    };
    Ok(ledger.set_baseline(&baseline)?)
}

/// Notes since when files stand there that nobody claims.
///
/// # Errors
/// [`EngineError::Ledger`].
pub(crate) fn note_sightings(world: &World<'_>, ledger: &mut dyn Ledger, judged: &Judged) -> Result<(), EngineError> {
    match world.policy.age_from {
        AgeFrom::FirstSeen => Ok(ledger.note_sightings(&judged.unclaimed, judged.survey.began)?),
        AgeFrom::Mtime | AgeFrom::Changed => Ok(()),
    }
}
