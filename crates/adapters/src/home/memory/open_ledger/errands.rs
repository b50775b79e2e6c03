//! What a service keeps between its calls, and pages and sums.

use jiff::Timestamp;
use upsweep_engine::ports::{
    Claimed, Errands, KeptPlan, LedgerError, Op, OpFilter, OpId, Pages, PlanApproval, PlanHead, RepeatableRequest,
    RunFilter, RunRecord, Totals,
};

use super::OpenLedger;

impl Errands for OpenLedger {
    fn keep_plan(&mut self, plan: &KeptPlan) -> Result<(), LedgerError> {
        self.it().keep_plan(plan)
    }

    fn kept_plan(&self, id: &str) -> Result<Option<KeptPlan>, LedgerError> {
        self.it().kept_plan(id)
    }

    fn plan_heads(&self) -> Result<Vec<PlanHead>, LedgerError> {
        self.it().plan_heads()
    }

    fn drop_plan(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool, LedgerError> {
        self.it().drop_plan(id, by, at)
    }

    fn approve_plan(&mut self, id: &str, approval: &PlanApproval) -> Result<bool, LedgerError> {
        self.it().approve_plan(id, approval)
    }

    fn claim_request(&mut self, request: &RepeatableRequest) -> Result<Claimed, LedgerError> {
        self.it().claim_request(request)
    }

    fn claim_slot(&mut self, slot: Timestamp) -> Result<bool, LedgerError> {
        self.it().claim_slot(slot)
    }

    fn last_slot(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.it().last_slot()
    }
}

impl Pages for OpenLedger {
    fn runs_page(&self, filter: &RunFilter, before: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        self.it().runs_page(filter, before, limit)
    }

    fn ops_page(&self, filter: &OpFilter, after: Option<OpId>, limit: usize) -> Result<Vec<Op>, LedgerError> {
        self.it().ops_page(filter, after, limit)
    }

    fn totals(&self) -> Result<Totals, LedgerError> {
        self.it().totals()
    }
}
