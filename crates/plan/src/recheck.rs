//! Asking once more, with newer claims: about files that were planned, and about files that are hidden.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::listing::Sealed;
use crate::matching::Matched;
use crate::policy::Policy;
use crate::reconcile::{GroupId, Removal, group_id};
use crate::verdict::{ByClaims, Keep, Reason, Verdict, by_age, by_claims};

/// The recheck: which of the planned removals the newest claims still allow. The others must stay, each with
/// the reason.
///
/// `names` are the keys of `removals`, in their order, and `matched` what the newest claims say about them.
#[must_use]
pub fn still_allowed(
    removals: &[Removal],
    matched: &Sealed<Matched>,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Option<Keep>> {
    let judged: Vec<ByClaims> =
        (0..removals.len()).map(|index| by_claims(&matched.get().marks(index), policy, now)).collect();
    // As in a plan: a file that nobody claims any more and that is young keeps its group. An orphan was old enough
    // when it was planned.
    let is_young = |(removal, judged): &(&Removal, &ByClaims)| {
        let was_orphan = matches!(removal.reason, Reason::Orphan { .. });
        **judged == ByClaims::Unclaimed
            && !was_orphan
            && matches!(by_age(&removal.facts, None, policy, now), Verdict::Keep(_))
    };
    let group = |removal: &Removal| group_id(removal.key.as_bytes(), policy);
    let young: HashSet<GroupId> = removals.iter().zip(&judged).filter(is_young).map(|(r, _)| group(r)).collect();
    let verdict = |(removal, judged): (&Removal, &ByClaims)| match (&removal.reason, judged) {
        (_, ByClaims::Keep(keep)) => Some(*keep),
        // A failed session's row may have been deleted meanwhile: then the file is an orphan that was
        // planned for another reason, and the next plan judges it by its age.
        (Reason::FailedSession { .. } | Reason::Expired { .. }, ByClaims::Unclaimed) => Some(Keep::TooYoung),
        (Reason::FailedSession { .. }, ByClaims::Ended(Reason::FailedSession { .. }))
        | (Reason::Expired { .. }, ByClaims::Ended(Reason::Expired { .. })) => None,
        // What ended rows of another kind claim by now was planned for another reason.
        (_, ByClaims::Ended(Reason::Expired { .. })) => Some(Keep::NotExpired),
        (_, ByClaims::Ended(_)) => Some(Keep::FailedRecently),
        (Reason::Orphan { .. }, ByClaims::Unclaimed) => young.contains(&group(removal)).then_some(Keep::TooYoung),
    };
    removals.iter().zip(&judged).map(verdict).collect()
}

/// Files that are already hidden: what the newest claims say they should become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenVerdict {
    /// A claim needs it again: bring it back.
    Restore(Keep),
    /// Nothing needs it back, but a human holds it, or it looks like a file that is missing: it stays hidden.
    Stay(Keep),
    /// Still nobody needs it.
    StillRemove,
}

/// Judges hidden files by their original names; ages do not count any more, only claims.
#[must_use]
pub fn judge_hidden(matched: &Sealed<Matched>, len: usize, policy: &Policy, now: Timestamp) -> Vec<HiddenVerdict> {
    let verdict = |index| match by_claims(&matched.get().marks(index), policy, now) {
        ByClaims::Keep(keep @ (Keep::Held | Keep::Relinkable)) => HiddenVerdict::Stay(keep),
        ByClaims::Keep(keep) => HiddenVerdict::Restore(keep),
        ByClaims::Ended(_) | ByClaims::Unclaimed => HiddenVerdict::StillRemove,
    };
    (0..len).map(verdict).collect()
}
