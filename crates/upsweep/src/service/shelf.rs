//! Plans that wait for somebody to look at them: in the ledger of a bound store, where every process finds them, and
//! in memory until there is one. Then they move there.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use upsweep_engine::ports::{KeptPlan, Ledger, PLANS_MAX, PlanApproval, PlanHead};

use super::job::Job;
use super::{Service, State};
use crate::http::problem::Problem;

/// Plans for a store that was not bound when they were made.
#[derive(Default)]
pub(crate) struct Shelf {
    /// The newest first.
    plans: Mutex<Vec<KeptPlan>>,
    /// Held by who works with what is kept, so that a plan is in one place only.
    order: Arc<tokio::sync::Mutex<()>>,
    /// Held by who keeps a plan unless it is kept already.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// Where plans are kept now.
enum Place<'a> {
    Ledger(&'a mut dyn Ledger),
    Memory(&'a mut Vec<KeptPlan>),
}

impl Shelf {
    fn with<R>(&self, now: Timestamp, work: impl FnOnce(&mut Vec<KeptPlan>) -> R) -> R {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|kept| kept.plan.expires_at > now);
        work(&mut plans)
    }

    /// Moves everything into the ledger, the oldest first. Approvals are noted there with the time at which they were
    /// given, so that the trail tells of them, too.
    fn move_into(&self, ledger: &mut dyn Ledger, now: Timestamp) -> anyhow::Result<()> {
        while let Some(kept) = self.with(now, |plans| plans.last().cloned()) {
            ledger.keep_plan(&KeptPlan { approval: None, ..kept.clone() })?;
            if let Some(approval) = &kept.approval {
                ledger.approve_plan(&kept.plan.id, approval)?;
            }
            self.with(now, |plans| plans.retain(|other| other.plan.id != kept.plan.id));
        }
        Ok(())
    }
}

impl Service {
    /// Works with what is kept. It goes on to its end, even when nobody waits any more.
    async fn with_plans<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Place<'_>) -> anyhow::Result<R> + Send + 'static,
    ) -> Result<R, Problem> {
        let (service, now) = (Arc::clone(self), self.now());
        let order = Arc::clone(&self.shelf.order).lock_owned().await;
        self.with_state(move |State { ledger, .. }| {
            let _order = order;
            match ledger {
                Some(ledger) => {
                    service.shelf.move_into(&mut **ledger, now)?;
                    work(Place::Ledger(&mut **ledger))
                }
                None => service.shelf.with(now, |plans| work(Place::Memory(plans))),
            }
        })
        .await
    }

    /// Moves plans into the ledger once this job, which may bind the store, has ended: nobody may ask for them again.
    pub(crate) fn settle_shelf_after(self: &Arc<Self>, job: &Arc<Job>) {
        if self.shelf.with(self.now(), |plans| plans.is_empty()) {
            return;
        }
        let (service, job) = (Arc::clone(self), Arc::clone(job));
        drop(self.tracker.spawn(async move {
            job.ended().await;
            if let Err(problem) = service.with_plans(|_| Ok(())).await {
                tracing::warn!(
                    cause = problem.detail(),
                    "plans could not be moved into the ledger; they stay in memory"
                );
            }
        }));
    }

    /// Keeps a plan until it expires.
    pub(crate) async fn keep_plan(self: &Arc<Self>, kept: KeptPlan) -> Result<(), Problem> {
        self.with_plans(move |place| match place {
            Place::Ledger(ledger) => Ok(ledger.keep_plan(&kept)?),
            Place::Memory(plans) => {
                plans.insert(0, kept);
                plans.truncate(PLANS_MAX);
                Ok(())
            }
        })
        .await
    }

    /// The heads of all plans that can still be applied, the newest first.
    pub(crate) async fn plan_heads(self: &Arc<Self>) -> Result<Vec<PlanHead>, Problem> {
        let now = self.now();
        let heads = self.with_plans(|place| match place {
            Place::Ledger(ledger) => Ok(ledger.plan_heads()?),
            Place::Memory(plans) => Ok(plans.iter().map(KeptPlan::head).collect()),
        });
        let mut heads = heads.await?;
        heads.retain(|head| head.outline.expires_at > now);
        heads.sort_by(|PlanHead { outline: a, .. }, PlanHead { outline: b, .. }| {
            (b.created_at, &b.id).cmp(&(a.created_at, &a.id))
        });
        Ok(heads)
    }

    /// A plan that can still be applied.
    pub(crate) async fn kept_plan(self: &Arc<Self>, id: &str) -> Result<Option<KeptPlan>, Problem> {
        let (now, id) = (self.now(), id.to_owned());
        let kept = self.with_plans(move |place| match place {
            Place::Ledger(ledger) => Ok(ledger.kept_plan(&id)?),
            Place::Memory(plans) => Ok(plans.iter().find(|kept| kept.plan.id == id).cloned()),
        });
        Ok(kept.await?.filter(|kept| kept.plan.expires_at > now))
    }

    /// Drops a plan in somebody's name; whether there was one.
    pub(crate) async fn drop_plan(self: &Arc<Self>, id: &str, by: String) -> Result<bool, Problem> {
        let (now, id) = (self.now(), id.to_owned());
        self.with_plans(move |place| match place {
            Place::Ledger(ledger) => Ok(ledger.drop_plan(&id, &by, now)?),
            Place::Memory(plans) => {
                let before = plans.len();
                plans.retain(|kept| kept.plan.id != id);
                Ok(plans.len() < before)
            }
        })
        .await
    }

    /// Notes that a human approved what the guards refuse in a plan; whether there is such a plan.
    pub(crate) async fn approve_plan(self: &Arc<Self>, id: &str, approval: PlanApproval) -> Result<bool, Problem> {
        let id = id.to_owned();
        self.with_plans(move |place| match place {
            Place::Ledger(ledger) => Ok(ledger.approve_plan(&id, &approval)?),
            Place::Memory(plans) => {
                let kept = plans.iter_mut().find(|kept| kept.plan.id == id && kept.plan.hash == approval.plan);
                Ok(kept.map(|kept| kept.approval = Some(approval)).is_some())
            }
        })
        .await
    }
}
