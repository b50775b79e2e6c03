//! What hidden files should become: what the claims say, and what keeps one hidden although nobody claims it.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use upsweep_plan::exclude::is_excluded;
use upsweep_plan::fold::fold;
use upsweep_plan::hold::{Hold, HoldTarget};
use upsweep_plan::listing::{Names, Sealed};
use upsweep_plan::matching::Matched;
use upsweep_plan::policy::Policy;
use upsweep_plan::recheck::{self, HiddenVerdict};
use upsweep_plan::reconcile::{Fate, GroupId, group_id};
use upsweep_plan::standing::is_older;
use upsweep_plan::verdict::{Keep, Reason};

use crate::ports::Op;

/// Groups that keep their hidden files, each with the reason.
pub(crate) type Keeping = HashMap<GroupId, Keep>;

/// The groups that visible files keep whole, as they do in a plan: `excluded` are names that a configured exclusion
/// covers, and the `fates` are those of the first of `names`.
pub(crate) fn kept_by_visible(names: &Names, fates: &[Fate], excluded: &Names, policy: &Policy) -> Keeping {
    let ignored = excluded.iter().map(|name| (group_id(name, policy), Keep::Ignored));
    let unclaimed = fates.iter().enumerate().filter_map(|(index, fate)| match fate {
        Fate::Keep(keep @ (Keep::TooYoung | Keep::Relinkable | Keep::Unreadable)) => {
            Some((group_id(names.get(index), policy), *keep))
        }
        Fate::Keep(
            Keep::Claimed
            | Keep::Held
            | Keep::NearlyClaimed
            | Keep::FailedRecently
            | Keep::NotExpired
            | Keep::Ignored
            | Keep::OutsideSelection,
        )
        | Fate::Remove
        | Fate::Vanished => None,
    });
    unclaimed.chain(ignored).collect()
}

/// Judges the hidden files `ops`, whose names are the last of those that were matched. `keeping` is known where the
/// store was listed.
pub(crate) fn judge(
    matched: &Sealed<Matched>,
    names: &Names,
    ops: &[Op],
    mut keeping: Keeping,
    holds: &[Hold],
    policy: &Policy,
    now: Timestamp,
) -> Vec<HiddenVerdict> {
    let mut verdicts = recheck::judge_hidden(matched, names.len(), policy, now).split_off(names.len() - ops.len());
    // What was excluded after it was hidden is none of our business any more, and no more is what belongs to it.
    let excluded = ops.iter().map(|op| op.key.as_bytes()).filter(|name| is_excluded(&policy.exclude, name));
    keeping.extend(excluded.map(|name| (group_id(name, policy), Keep::Ignored)));
    // A session's row may be gone by now, but not from the memory of who held it.
    let owners = holds.iter().filter_map(|hold| match &hold.target {
        HoldTarget::Owner(owner) => Some(fold(owner.as_bytes()).into_owned()),
        HoldTarget::Key(_) | HoldTarget::Prefix(_) => None,
    });
    let owners: HashSet<Vec<u8>> = owners.collect();
    for (op, verdict) in ops.iter().zip(&mut verdicts) {
        match verdict {
            HiddenVerdict::Restore(_) | HiddenVerdict::Stay(_) => {}
            HiddenVerdict::StillRemove if owners_of(op).iter().any(|o| owners.contains(&*fold(o.as_bytes()))) => {
                *verdict = HiddenVerdict::Stay(Keep::Held);
            }
            HiddenVerdict::StillRemove if !is_old_enough(op, policy, now) => {
                *verdict = HiddenVerdict::Stay(Keep::TooYoung);
            }
            HiddenVerdict::StillRemove if keeping.is_empty() => {}
            HiddenVerdict::StillRemove => {
                let keep = keeping.get(&group_id(op.key.as_bytes(), policy));
                *verdict = keep.map_or(HiddenVerdict::StillRemove, |keep| HiddenVerdict::Stay(*keep));
            }
        }
    }
    verdicts
}

/// The rows that claimed the file when it was hidden.
fn owners_of(op: &Op) -> &[String] {
    match &op.reason {
        Reason::FailedSession { since: _, owners } | Reason::Expired { at: _, owners } => owners,
        Reason::Orphan { since: _, age_from: _, claimed_until: _ } => &[],
    }
}

/// Whether an orphan is as old as it must be by now: somebody may have raised the retention since it was hidden.
fn is_old_enough(op: &Op, policy: &Policy, now: Timestamp) -> bool {
    match &op.reason {
        Reason::Orphan { since, age_from: _, claimed_until: _ } => is_older(*since, policy.orphan_retention_secs, now),
        // What the rows say of these was asked again.
        Reason::FailedSession { since: _, owners: _ } | Reason::Expired { at: _, owners: _ } => true,
    }
}
