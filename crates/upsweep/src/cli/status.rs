//! `upsweep status`

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use upsweep_engine::binding;
use upsweep_engine::error::EngineError;
use upsweep_engine::planning::PENDING;
use upsweep_engine::ports::{Amount, Holder, Home, Marker, Op, RunRecord, Store};
use upsweep_plan::guard::Refusal;
use upsweep_plan::lifecycle::{CopyState, State};
use upsweep_plan::plan::Plan;

use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::{preview, render, wire};

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
    /// Hidden files that must be copied to the archive before they may be freed, and are not.
    pub(crate) copies_pending: Amount,
    pub(crate) conflicts: u64,
    pub(crate) hidden_files: Option<Vec<Op>>,
    pub(crate) recovery_pending: u64,
    pub(crate) last_run: Option<RunRecord>,
    /// What a run would do now; `None` when no survey could be made.
    pub(crate) potential: Option<Potential>,
    /// Why no survey could be made.
    pub(crate) survey_error: Option<String>,
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
    /// Why the survey did not complete; then the figures above mean nothing.
    pub(crate) incomplete: Vec<String>,
    pub(crate) surveyed_at: Timestamp,
}

impl StatusCommand {
    /// What is known without a database is said even when the survey fails.
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let mut status = wire::with_home(config, |store, home| self.kept(store, home))?;
        let bars = Bars::new(quiet);
        let surveyed = wire::with_world(config, wire::Need::Claims, &bars, |world| preview::make(world, false));
        match surveyed {
            Ok((plan, _)) => status.potential = Some(potential(&plan)),
            Err(error) => status.survey_error = Some(format!("{error:#}")),
        }
        if self.json {
            render::print_json(&status)?;
        } else {
            render::status::print(&status, &render::Invocation::of_process());
        }
        Ok(if status.survey_error.is_some() { Exit::Error } else { Exit::Done })
    }

    /// What marker, ledger and lock tell.
    fn kept(&self, store: &dyn Store, home: &dyn Home) -> anyhow::Result<Status> {
        let bond = binding::examine(store, home)?;
        let noted = home.noted(&bond.store.address).map_err(EngineError::Notes)?.map(|noted| noted.store_id);
        let mut status = Status {
            store: bond.store.address,
            once_bound_as: noted.filter(|id| bond.marker.as_ref().is_none_or(|marker| marker.store_id != *id)),
            marker: bond.marker,
            working: home.holder()?,
            hidden: Amount::default(),
            next_purge_at: None,
            copies_pending: Amount::default(),
            conflicts: 0,
            hidden_files: None,
            recovery_pending: 0,
            last_run: None,
            potential: None,
            survey_error: None,
        };
        let Some(marker) = &status.marker else { return Ok(status) };
        let ledger = binding::open_ledger(store, home, marker)?;
        let hidden = ledger.ops_in(&[State::Quarantined, State::Archiving])?;
        let conflicts = ledger.ops_in(&[State::Conflict])?;
        status.hidden = amount(hidden.iter());
        status.next_purge_at = hidden.iter().filter_map(Op::quarantined_until).min();
        status.copies_pending = amount(hidden.iter().filter(|op| op.life().copy == CopyState::Owed));
        status.conflicts = conflicts.len() as u64;
        status.recovery_pending = ledger.ops_in(&PENDING)?.len() as u64;
        status.last_run = ledger.runs(1)?.pop();
        status.hidden_files = self.hidden.then(|| hidden.into_iter().chain(conflicts).collect());
        Ok(status)
    }
}

fn amount<'a>(ops: impl Iterator<Item = &'a Op>) -> Amount {
    let mut amount = Amount::default();
    ops.for_each(|op| amount.add(op.facts.size_bytes));
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
        incomplete: plan.incomplete.clone(),
        surveyed_at: plan.created_at,
    }
}
