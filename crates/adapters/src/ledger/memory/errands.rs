//! What a service keeps between its calls, in memory; and pages and sums.

use std::collections::BTreeMap;

use jiff::Timestamp;
use upsweep_engine::ports::{
    Amount, Claimed, Errands, KeptPlan, LedgerError, Op, OpFilter, OpId, PLANS_MAX, Pages, PlanApproval, PlanHead,
    REPEATABLE_FOR, RepeatableRequest, RunFilter, RunRecord, Totals,
};

use super::MemoryLedger;
use crate::ledger::{sums, telling};

#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// In the order in which they were kept.
    plans: Vec<KeptPlan>,
    requests: BTreeMap<String, RepeatableRequest>,
    slot: Option<Timestamp>,
}

impl Errands for MemoryLedger {
    fn keep_plan(&mut self, plan: &KeptPlan) -> Result<(), LedgerError> {
        let plans = &mut self.kept.plans;
        plans.retain(|old| old.plan.expires_at > plan.plan.created_at && old.plan.id != plan.plan.id);
        plans.push(plan.clone());
        let beyond = plans.len().saturating_sub(PLANS_MAX);
        plans.drain(..beyond);
        Ok(())
    }

    fn kept_plan(&self, id: &str) -> Result<Option<KeptPlan>, LedgerError> {
        Ok(self.kept.plans.iter().find(|kept| kept.plan.id == id).cloned())
    }

    fn plan_heads(&self) -> Result<Vec<PlanHead>, LedgerError> {
        Ok(self.kept.plans.iter().rev().map(KeptPlan::head).collect())
    }

    fn drop_plan(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool, LedgerError> {
        let Some(nth) = self.kept.plans.iter().position(|kept| kept.plan.id == id) else { return Ok(false) };
        let dropped = self.kept.plans.remove(nth);
        self.tell(at, telling::plan_dropped(&self.writer, id, &dropped.plan.hash, by));
        Ok(true)
    }

    fn approve_plan(&mut self, id: &str, approval: &PlanApproval) -> Result<bool, LedgerError> {
        let is_meant = |kept: &&mut KeptPlan| kept.plan.id == id && kept.plan.hash == approval.plan;
        let Some(kept) = self.kept.plans.iter_mut().find(is_meant) else { return Ok(false) };
        kept.approval = Some(approval.clone());
        let told = telling::plan_approved(&self.writer, id, approval);
        self.tell(approval.at, told);
        Ok(true)
    }

    fn claim_request(&mut self, request: &RepeatableRequest) -> Result<Claimed, LedgerError> {
        let old = request.at.checked_sub(REPEATABLE_FOR).unwrap_or(Timestamp::MIN);
        self.kept.requests.retain(|_, known| known.at >= old);
        Ok(match self.kept.requests.get(&request.key) {
            Some(known) if known.fingerprint == request.fingerprint => Claimed::Before { run: known.run.clone() },
            Some(_) => Claimed::ForOther,
            None => {
                self.kept.requests.insert(request.key.clone(), request.clone());
                Claimed::New
            }
        })
    }

    fn claim_slot(&mut self, slot: Timestamp) -> Result<bool, LedgerError> {
        let is_new = self.kept.slot.is_none_or(|last| last < slot);
        if is_new {
            self.kept.slot = Some(slot);
        }
        Ok(is_new)
    }

    fn last_slot(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.kept.slot)
    }
}

impl Pages for MemoryLedger {
    fn runs_page(&self, filter: &RunFilter, before: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        let RunFilter { kinds, from, until } = filter;
        let place = |run: &RunRecord| (run.started_at, run.id.clone());
        let before = match before.map(|before| self.runs.iter().find(|run| run.id == before)) {
            Some(None) => return Ok(vec![]),
            Some(Some(run)) => Some(place(run)),
            None => None,
        };
        let mut runs: Vec<RunRecord> = self
            .runs
            .iter()
            .filter(|run| before.as_ref().is_none_or(|before| place(run) < *before))
            .filter(|run| kinds.is_empty() || kinds.contains(&run.kind))
            .filter(|run| from.is_none_or(|from| run.started_at >= from))
            .filter(|run| until.is_none_or(|until| run.started_at < until))
            .cloned()
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(place(run)));
        runs.truncate(limit);
        Ok(runs)
    }

    fn ops_page(&self, filter: &OpFilter, after: Option<OpId>, limit: usize) -> Result<Vec<Op>, LedgerError> {
        let OpFilter { run, states } = filter;
        let fits = |op: &&Op| {
            after.is_none_or(|after| op.id > after)
                && run.as_ref().is_none_or(|run| op.run == *run)
                && (states.is_empty() || states.contains(&op.state))
        };
        Ok(self.ops.values().filter(fits).take(limit).cloned().collect())
    }

    fn totals(&self) -> Result<Totals, LedgerError> {
        let mut totals = Totals::default();
        for run in &self.runs {
            if let (Some(ended_at), Some(outcome)) = (run.ended_at, &run.outcome) {
                sums::add_run(&mut totals, ended_at, outcome);
            }
        }
        for op in self.ops.values().filter(|op| sums::LYING.contains(&op.state)) {
            sums::add(&mut totals.quarantined, Amount { files: 1, bytes: op.facts.size_bytes });
        }
        Ok(totals)
    }
}
