//! Plans that wait for somebody to carry them out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use upsweep_plan::action::Action;
use upsweep_plan::guard::Refusal;
use upsweep_plan::key::Key;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::{Kept, Total};
use upsweep_plan::selection::Selection;

use super::{Amount, Approval};

/// A plan that waits for somebody to carry it out.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPlan {
    /// The plan, sealed.
    pub plan: Plan,
    /// Who made it.
    pub by: String,
    /// Who approved what the guards refuse in it, if anybody did.
    pub approval: Option<PlanApproval>,
}

impl KeptPlan {
    /// The same without the files.
    #[must_use]
    pub fn head(&self) -> PlanHead {
        let Self { plan, by, approval } = self;
        PlanHead { outline: Outline::of(plan), by: by.clone(), approval: approval.clone() }
    }
}

/// An approval of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanApproval {
    /// The hash of the plan: it holds for no other.
    pub plan: String,
    /// Which guards, and why.
    pub approval: Approval,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl PlanApproval {
    /// What a run of this plan may overrule, and who said so; `None` when the approval was given for another plan.
    #[must_use]
    pub fn of(self, plan: &Plan) -> Option<Approval> {
        (self.plan == plan.hash).then_some(Approval { by: Some(self.by), ..self.approval })
    }
}

/// A plan that waits, without its files: small, however many there are.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanHead {
    /// What the plan says.
    pub outline: Outline,
    /// Who made it.
    pub by: String,
    /// Who approved what the guards refuse in it, if anybody did.
    pub approval: Option<PlanApproval>,
}

/// At most this many names and sentences of a kind are in an outline.
pub const OUTLINE_EXAMPLES: usize = 20;

/// What a plan says, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// Names the plan.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it can no longer be applied.
    pub expires_at: Timestamp,
    /// The store's address.
    pub store: String,
    /// The plan's hash.
    pub hash: String,
    /// What becomes of the files.
    pub action: Action,
    /// What it is limited to.
    pub selection: Selection,
    /// Files that were judged.
    pub files: u64,
    /// Those that some claim explains.
    pub explained_files: u64,
    /// Live claims without their file.
    pub missing: u64,
    /// Files that would go.
    pub removals: Amount,
    /// The same by reason.
    pub totals: BTreeMap<String, Total>,
    /// How many files stay, and why.
    pub kept: Kept,
    /// Hidden files that a claim needs again.
    pub restores: u64,
    /// The first of them.
    pub restore_examples: Vec<Key>,
    /// The guards' objections.
    pub refusals: Vec<Refusal>,
    /// Why the survey did not complete: the first causes.
    pub incomplete: Vec<String>,
    /// The first files that could not be looked at.
    pub errors: Vec<String>,
}

impl Outline {
    /// Of this plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let some = |all: &[String]| all.iter().take(OUTLINE_EXAMPLES).cloned().collect();
        Self {
            id: plan.id.clone(),
            created_at: plan.created_at,
            expires_at: plan.expires_at,
            store: plan.store.address.clone(),
            hash: plan.hash.clone(),
            action: plan.policy.action,
            selection: plan.selection.clone(),
            files: plan.survey.files,
            explained_files: plan.survey.explained_files,
            missing: plan.survey.claims.missing,
            removals: Amount { files: plan.removals.len() as u64, bytes: plan.removal_bytes() },
            totals: plan.totals.clone(),
            kept: plan.kept,
            restores: plan.restores.len() as u64,
            restore_examples: plan.restores.iter().take(OUTLINE_EXAMPLES).cloned().collect(),
            refusals: plan.refusals.clone(),
            incomplete: some(&plan.incomplete),
            errors: some(&plan.errors),
        }
    }
}
