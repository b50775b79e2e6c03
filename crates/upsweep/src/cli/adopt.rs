//! `upsweep adopt`

use clap::Args;
use upsweep_engine::adopt;
use upsweep_engine::runs::Request;

use super::run::{approved, exit_of};
use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::{render, wire};

#[derive(Args)]
pub(super) struct AdoptCommand {
    /// Why the store gets another ledger; it is kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

impl AdoptCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let approval = approved(&[], &self.reason, "why the store gets another ledger")?;
        let request = Request { holder: wire::holder("adopt"), approval: Some(approval), run: None };
        let bars = Bars::new(quiet);
        let (report, adopted) =
            wire::with_world(config, wire::Need::NoClaims, &bars, |world| Ok(adopt::adopt(world, &request)?))?;
        if self.json {
            render::print_json(&render::place::adopted(&report, &adopted))?;
        } else {
            render::place::print_adopted(&report, &adopted, &render::Invocation::of_process());
        }
        Ok(match exit_of(&report) {
            Exit::Done if !adopted.nameless.is_empty() => Exit::Partial,
            exit => exit,
        })
    }
}
