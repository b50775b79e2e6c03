//! What a service keeps between its calls, and pages and sums.

use jiff::Timestamp;
use upsweep_engine::ports::{
    Claimed, Errands, KeptPlan, LedgerError, Op, OpFilter, OpId, Pages, PlanApproval, RepeatableRequest, RunFilter,
    RunRecord, Totals,
};

use super::OpenLedger;

impl Errands for OpenLedger {
    fn keep_plan(&mut self, _plan: &KeptPlan) -> Result<(), LedgerError> {
        unimplemented!()
    }

    fn kept_plan(&self, _id: &str) -> Result<Option<KeptPlan>, LedgerError> {
        unimplemented!()
    }

    fn kept_plans(&self) -> Result<Vec<KeptPlan>, LedgerError> {
        unimplemented!()
    }

    fn drop_plan(&mut self, _id: &str) -> Result<bool, LedgerError> {
        unimplemented!()
    }

    fn approve_plan(&mut self, _id: &str, _approval: &PlanApproval) -> Result<bool, LedgerError> {
        unimplemented!()
    }

    fn claim_request(&mut self, _request: &RepeatableRequest) -> Result<Claimed, LedgerError> {
        unimplemented!()
    }

    fn claim_slot(&mut self, _slot: Timestamp) -> Result<bool, LedgerError> {
        unimplemented!()
    }

    fn last_slot(&self) -> Result<Option<Timestamp>, LedgerError> {
        unimplemented!()
    }
}

impl Pages for OpenLedger {
    fn runs_page(
        &self,
        _filter: &RunFilter,
        _before: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<RunRecord>, LedgerError> {
        unimplemented!()
    }

    fn ops_page(&self, _filter: &OpFilter, _after: Option<OpId>, _limit: usize) -> Result<Vec<Op>, LedgerError> {
        unimplemented!()
    }

    fn totals(&self) -> Result<Totals, LedgerError> {
        unimplemented!()
    }
}
