//! `upsweep rebind`

use clap::Args;
use upsweep_engine::rebind;
use upsweep_engine::runs::Request;
use upsweep_plan::guard::Code;

use super::run::{approved, exit_of};
use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::{render, wire};

#[derive(Args)]
pub(super) struct RebindCommand {
    /// Why the store gets another database; it is kept in the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Guards to overrule, as in G001
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    allow: Vec<Code>,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

impl RebindCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let approval = approved(&self.allow, &self.reason, "why the store gets another database")?;
        let request = Request { holder: wire::holder("rebind"), approval: Some(approval), run: None };
        let bars = Bars::new(quiet);
        let (report, rebound) =
            wire::with_world(config, wire::Need::Claims, &bars, |world| Ok(rebind::rebind(world, &request)?))?;
        if self.json {
            render::print_json(&render::place::rebound(&report, rebound.as_ref()))?;
        } else {
            render::place::print_rebound(&report, rebound.as_ref(), &render::Invocation::of_process());
        }
        Ok(exit_of(&report))
    }
}
