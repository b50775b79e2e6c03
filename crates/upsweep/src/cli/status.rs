//! `upsweep status`

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Amount, Holder, Marker, Op, RunRecord};
use upsweep_plan::guard::Refusal;
use upsweep_plan::lifecycle::State;
use upsweep_plan::plan::Plan;

use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::{render, wire};

#[derive(Args)]
pub(super) struct StatusCommand {
    /// Write the status as JSON
    #[arg(long)]
    json: bool,
    /// List the hidden files, and those in conflict
    #[arg(long)]
    hidden: bool,
}

/// The state of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) store: String,
    pub(crate) marker: Option<Marker>,
    /// The id it was once bound as, where the marker does not say so any more.
    pub(crate) once_bound_as: Option<String>,
    pub(crate) working: Option<Holder>,
    pub(crate) hidden: Amount,
    pub(crate) next_purge_at: Option<Timestamp>,
    pub(crate) conflicts: u64,
    pub(crate) hidden_files: Option<Vec<Op>>,
    pub(crate) recovery_pending: u64,
    pub(crate) last_run: Option<RunRecord>,
    pub(crate) potential: Potential,
}

/// What a run would do now.
#[derive(Debug, Serialize)]
pub(crate) struct Potential {
    pub(crate) files: u64,
    pub(crate) explained_files: u64,
    pub(crate) removals: Amount,
    pub(crate) restores: u64,
    pub(crate) missing: u64,
    pub(crate) would_refuse: Vec<Refusal>,
    pub(crate) surveyed_at: Timestamp,
}

impl StatusCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let bars = Bars::new(quiet);
        let (plan, past) = wire::with_world(config, wire::Need::Claims, &bars, |world| super::plan::make(world, false))
            .context("the status needs a survey")?;
        let status = wire::with_home(config, |store, home| {
            let marker = store.marker()?;
            let ledger = home.ledger()?;
            let kept = match &ledger {
                Some(ledger) => ledger.ops_in(&[State::Quarantined, State::Conflict])?,
                None => vec![],
            };
            let noted = home.noted(&store.address()).map_err(EngineError::Notes)?.map(|noted| noted.store_id);
            Ok(Status {
                store: store.address(),
                once_bound_as: noted.filter(|id| marker.as_ref().is_none_or(|marker| marker.store_id != *id)),
                marker,
                working: home.holder()?,
                hidden: amount(&past.hidden),
                next_purge_at: past.hidden.iter().filter_map(Op::quarantined_until).min(),
                conflicts: kept.iter().filter(|op| op.state == State::Conflict).count() as u64,
                hidden_files: self.hidden.then_some(kept),
                recovery_pending: past.pending,
                last_run: ledger.map(|ledger| ledger.runs(1)).transpose()?.and_then(|mut runs| runs.pop()),
                potential: potential(&plan),
            })
        })?;
        if self.json {
            render::print_json(&status)?;
        } else {
            render::status::print(&status, &render::Invocation::of_process());
        }
        Ok(Exit::Done)
    }
}

fn amount(ops: &[Op]) -> Amount {
    let mut amount = Amount::default();
    ops.iter().for_each(|op| amount.add(op.facts.size_bytes));
    amount
}

fn potential(plan: &Plan) -> Potential {
    Potential {
        files: plan.survey.files,
        explained_files: plan.survey.explained_files,
        removals: Amount { files: plan.removals.len() as u64, bytes: plan.removal_bytes() },
        restores: plan.restores.len() as u64,
        missing: plan.survey.claims.missing,
        would_refuse: plan.refusals.clone(),
        surveyed_at: plan.created_at,
    }
}
