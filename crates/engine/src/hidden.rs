//! What hidden files should become: what the claims say, and what keeps one hidden although nobody claims it.

use std::collections::HashSet;

use jiff::Timestamp;
use upsweep_plan::exclude::is_excluded;
use upsweep_plan::fold::fold;
use upsweep_plan::hold::{Hold, HoldTarget};
use upsweep_plan::listing::{Names, Sealed};
use upsweep_plan::matching::Matched;
use upsweep_plan::policy::Policy;
use upsweep_plan::recheck::{self, HiddenVerdict};
use upsweep_plan::reconcile::{GroupId, group_id};
use upsweep_plan::verdict::{Keep, Reason};

use crate::ports::Op;

/// Judges the hidden files `ops`, whose names are the last of those that were matched. `excluded` are names that a
/// configured exclusion covers, where the store was listed.
pub(crate) fn judge(
    matched: &Sealed<Matched>,
    names: &Names,
    ops: &[Op],
    excluded: &Names,
    holds: &[Hold],
    policy: &Policy,
    now: Timestamp,
) -> Vec<HiddenVerdict> {
    let mut verdicts = recheck::judge_hidden(matched, names.len(), policy, now).split_off(names.len() - ops.len());
    let group = |name: &[u8]| group_id(name, policy);
    // What was excluded after it was hidden is none of our business any more, and no more is what belongs to it.
    let hidden = ops.iter().map(|op| op.key.as_bytes()).filter(|name| is_excluded(&policy.exclude, name));
    let ignored: HashSet<GroupId> = hidden.chain(excluded.iter()).map(group).collect();
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
            HiddenVerdict::StillRemove if !ignored.is_empty() && ignored.contains(&group(op.key.as_bytes())) => {
                *verdict = HiddenVerdict::Stay(Keep::Ignored);
            }
            HiddenVerdict::StillRemove => {}
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
