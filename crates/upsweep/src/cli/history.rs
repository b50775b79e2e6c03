//! `upsweep history`

use clap::Args;
use upsweep_engine::binding;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::RunRecord;
use upsweep_plan::guard;

use crate::config::Config;
use crate::exit::Exit;
use crate::{render, wire};

#[derive(Args)]
pub(super) struct HistoryCommand {
    /// How many runs to show, the newest first
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Write the runs as JSON
    #[arg(long)]
    json: bool,
}

impl HistoryCommand {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let runs: Vec<RunRecord> = wire::with_home(config, |store, home| {
            let bond = binding::examine(store, home)?;
            if let Some(refusal) = guard::marker(&bond.store.address, &bond.binding) {
                return Err(EngineError::Refused(Box::new(refusal)).into());
            }
            Ok(match bond.marker {
                Some(marker) => binding::open_ledger(store, home, &marker)?.runs(self.limit as usize)?,
                None => vec![],
            })
        })?;
        if self.json {
            render::print_json(&runs)?;
        } else {
            render::history::print(&runs);
        }
        Ok(Exit::Done)
    }
}
