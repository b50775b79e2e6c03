//! Plans that wait for somebody to look at them: in the ledger of a bound store, where every process finds them, and
//! in memory until there is one.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use upsweep_engine::ports::{KeptPlan, PLANS_MAX, PlanApproval};

use super::{Service, State};
use crate::http::problem::Problem;

/// Plans for a store that was not bound when they were made, the newest first.
#[derive(Default)]
pub(crate) struct Shelf {
    plans: Mutex<Vec<KeptPlan>>,
    /// Held by who keeps a plan unless it is kept already.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Shelf {
    fn with<R>(&self, now: Timestamp, work: impl FnOnce(&mut Vec<KeptPlan>) -> R) -> R {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|kept| kept.plan.expires_at > now);
        work(&mut plans)
    }
}

impl Service {
    /// Keeps a plan until it expires.
    pub(crate) async fn keep_plan(self: &Arc<Self>, kept: KeptPlan) -> Result<(), Problem> {
        let unkept = self
            .with_state(move |State { ledger, .. }| {
                let Some(ledger) = ledger else { return Ok(Some(kept)) };
                ledger.keep_plan(&kept)?;
                Ok(None)
            })
            .await?;
        if let Some(kept) = unkept {
            self.shelf.with(self.now(), |plans| {
                plans.insert(0, kept);
                plans.truncate(PLANS_MAX);
            });
        }
        Ok(())
    }

    /// Every plan that can still be applied, the newest first.
    pub(crate) async fn kept_plans(self: &Arc<Self>) -> Result<Vec<KeptPlan>, Problem> {
        let now = self.now();
        let mut plans = self.shelf.with(now, |plans| plans.clone());
        let in_ledger = self.with_state(|State { ledger, .. }| match ledger {
            Some(ledger) => Ok(ledger.kept_plans()?),
            None => Ok(vec![]),
        });
        plans.extend(in_ledger.await?);
        plans.retain(|kept| kept.plan.expires_at > now);
        plans.sort_by(|a, b| (b.plan.created_at, &b.plan.id).cmp(&(a.plan.created_at, &a.plan.id)));
        Ok(plans)
    }

    /// A plan that can still be applied.
    pub(crate) async fn kept_plan(self: &Arc<Self>, id: &str) -> Result<Option<KeptPlan>, Problem> {
        let now = self.now();
        let in_memory = self.shelf.with(now, |plans| plans.iter().find(|kept| kept.plan.id == id).cloned());
        if in_memory.is_some() {
            return Ok(in_memory);
        }
        let id = id.to_owned();
        let kept = self.with_state(move |State { ledger, .. }| match ledger {
            Some(ledger) => Ok(ledger.kept_plan(&id)?),
            None => Ok(None),
        });
        Ok(kept.await?.filter(|kept| kept.plan.expires_at > now))
    }

    /// Drops a plan; whether there was one.
    pub(crate) async fn drop_plan(self: &Arc<Self>, id: &str) -> Result<bool, Problem> {
        let dropped = self.shelf.with(self.now(), |plans| {
            let before = plans.len();
            plans.retain(|kept| kept.plan.id != id);
            plans.len() < before
        });
        if dropped {
            return Ok(true);
        }
        let id = id.to_owned();
        self.with_state(move |State { ledger, .. }| match ledger {
            Some(ledger) => Ok(ledger.drop_plan(&id)?),
            None => Ok(false),
        })
        .await
    }

    /// Notes that a human approved what the guards refuse in a plan; whether there is such a plan.
    pub(crate) async fn approve_plan(self: &Arc<Self>, id: &str, approval: PlanApproval) -> Result<bool, Problem> {
        let in_memory = self.shelf.with(self.now(), |plans| {
            let kept = plans.iter_mut().find(|kept| kept.plan.id == id);
            kept.map(|kept| kept.approval = Some(approval.clone())).is_some()
        });
        if in_memory {
            return Ok(true);
        }
        let id = id.to_owned();
        self.with_state(move |State { ledger, .. }| match ledger {
            Some(ledger) => Ok(ledger.approve_plan(&id, &approval)?),
            None => Ok(false),
        })
        .await
    }
}
