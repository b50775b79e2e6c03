//! `upsweep status`

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use upsweep_engine::planning::Past;
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
}

/// The state of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) store: String,
    pub(crate) marker: Option<Marker>,
    pub(crate) working: Option<Holder>,
    pub(crate) hidden: Amount,
    pub(crate) next_purge_at: Option<Timestamp>,
    pub(crate) conflicts: u64,
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
            let ledger = home.ledger()?;
            let (conflicts, last_run) = match &ledger {
                Some(ledger) => (ledger.ops_in(&[State::Conflict])?.len() as u64, ledger.runs(1)?.pop()),
                None => (0, None),
            };
            Ok(assemble(store.address(), store.marker()?, home.holder()?, &plan, &past, conflicts, last_run))
        })?;
        if self.json {
            render::print_json(&status)?;
        } else {
            render::status::print(&status);
        }
        Ok(Exit::Done)
    }
}

fn assemble(
    store: String,
    marker: Option<Marker>,
    working: Option<Holder>,
    plan: &Plan,
    past: &Past,
    conflicts: u64,
    last_run: Option<RunRecord>,
) -> Status {
    let mut hidden = Amount::default();
    for op in &past.hidden {
        hidden.add(op.facts.size_bytes);
    }
    Status {
        store,
        marker,
        working,
        hidden,
        next_purge_at: past.hidden.iter().filter_map(Op::quarantined_until).min(),
        conflicts,
        recovery_pending: past.pending,
        last_run,
        potential: Potential {
            files: plan.survey.files,
            explained_files: plan.survey.explained_files,
            removals: Amount { files: plan.removals.len() as u64, bytes: plan.removal_bytes() },
            restores: plan.restores.len() as u64,
            missing: plan.survey.claims.missing,
            would_refuse: plan.refusals.clone(),
            surveyed_at: plan.created_at,
        },
    }
}
