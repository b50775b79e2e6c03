//! The head of a plan: what it would do in numbers, and what stands in its way.

use std::collections::BTreeMap;

use serde::Serialize;
use upsweep_engine::ports::{self, Outline};
use upsweep_plan::reconcile::{Kept, Total};
use utoipa::ToSchema;

use super::super::plans::Selection;
use super::super::text::{Name, Time};
use super::{Amount, Refusal, words};

/// What a plan would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanHead {
    id: String,
    created_at: Time,
    /// Until then it can be applied.
    expires_at: Time,
    /// Who made it.
    by: String,
    /// The upload directory.
    store: String,
    /// BLAKE3 over the whole plan.
    hash: String,
    /// What becomes of the files: quarantine, archive, delete or backup-and-delete.
    action: String,
    /// What it was limited to; empty means everything.
    #[schema(value_type = Selection)]
    selection: serde_json::Value,
    /// Files that were judged.
    files: u64,
    /// Those that some row explains.
    explained_files: u64,
    /// Live rows without their file.
    missing: u64,
    /// What would be removed.
    removals: Amount,
    /// The same by reason.
    by_reason: BTreeMap<String, Amount>,
    /// Files that stay, by reason.
    kept: BTreeMap<String, u64>,
    /// Hidden files that a row claims again: they come back.
    restores: u64,
    /// The first of them.
    restore_examples: Vec<Name>,
    /// Guards that would refuse it, each with what to do next.
    would_refuse: Vec<Refusal>,
    /// Why the survey did not complete; then nothing is removed.
    incomplete: Vec<String>,
    /// Single files that could not be looked at.
    errors: Vec<String>,
    /// What an administrator overruled for it.
    approval: Option<PlanApproval>,
}

/// An approval of one plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanApproval {
    codes: Vec<String>,
    reason: String,
    by: String,
    at: Time,
}

impl From<&ports::PlanApproval> for PlanApproval {
    fn from(ports::PlanApproval { plan: _, approval, by, at }: &ports::PlanApproval) -> Self {
        let ports::Approval { codes, reason, by: _ } = approval;
        Self { codes: words(codes), reason: reason.clone(), by: by.clone(), at: (*at).into() }
    }
}

impl From<ports::PlanHead> for PlanHead {
    fn from(ports::PlanHead { outline, by, approval }: ports::PlanHead) -> Self {
        let Outline {
            id,
            created_at,
            expires_at,
            store,
            hash,
            action,
            selection,
            files,
            explained_files,
            missing,
            removals,
            totals,
            kept,
            restores,
            restore_examples,
            refusals,
            incomplete,
            errors,
        } = outline;
        let amount = |total: Total| Amount { files: total.files, bytes: total.bytes };
        Self {
            id,
            created_at: created_at.into(),
            expires_at: expires_at.into(),
            by,
            store,
            hash,
            action: action.name().to_owned(),
            selection: serde_json::to_value(&selection).unwrap_or_default(),
            files,
            explained_files,
            missing,
            removals: removals.into(),
            by_reason: totals.into_iter().map(|(kind, total)| (kind, amount(total))).collect(),
            kept: stay(&kept),
            restores,
            restore_examples: restore_examples.into_iter().map(Name).collect(),
            would_refuse: refusals.iter().map(Into::into).collect(),
            incomplete,
            errors,
            approval: approval.as_ref().map(Into::into),
        }
    }
}

fn stay(kept: &Kept) -> BTreeMap<String, u64> {
    let Kept {
        claimed,
        held,
        nearly_claimed,
        too_young,
        failed_recently,
        not_expired,
        relinkable,
        ignored,
        outside_selection,
        unreadable,
    } = *kept;
    let all = [
        ("claimed", claimed),
        ("held", held),
        ("nearly_claimed", nearly_claimed),
        ("too_young", too_young),
        ("failed_recently", failed_recently),
        ("not_expired", not_expired),
        ("relinkable", relinkable),
        ("ignored", ignored),
        ("outside_selection", outside_selection),
        ("unreadable", unreadable),
    ];
    all.into_iter().map(|(why, files)| (why.to_owned(), files)).collect()
}
