//! `upsweep history`

use clap::Args;
use upsweep_engine::binding;
use upsweep_engine::ports::RunRecord;

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
            let ledger = binding::ledger_of(store, home)?;
            Ok(ledger.map(|ledger| ledger.runs(self.limit as usize)).transpose()?.unwrap_or_default())
        })?;
        if self.json {
            render::print_json(&runs)?;
        } else {
            render::history::print(&runs);
        }
        Ok(Exit::Done)
    }
}
