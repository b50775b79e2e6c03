//! `upsweep explain`

use std::ffi::OsString;

use clap::Args;
use upsweep_engine::binding;
use upsweep_engine::explain::explain;

use super::selection::Select;
use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::render::{self, Invocation};
use crate::wire;

#[derive(Args)]
pub(super) struct ExplainCommand {
    /// The file's name below the upload directory, whether it is there or not
    key: OsString,
    /// Write everything as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    select: Select,
}

impl ExplainCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let key = super::restore::key(&self.key)?;
        let config = &Config { selection: self.select.selection()?, ..config.clone() };
        let bars = Bars::new(quiet);
        let told = wire::with_world(config, wire::Need::Claims, &bars, |world| {
            let bond = binding::examine(world.store, world.home)?;
            let ledger = binding::ledger_under(world.store, world.home, &bond)?;
            Ok(explain(world, &bond, ledger.as_deref(), &key)?)
        })?;
        if self.json {
            render::print_json(&told)?;
        } else {
            render::explain::print(&told, config, &Invocation::of_process());
        }
        Ok(if told.incomplete.is_empty() { Exit::Done } else { Exit::Partial })
    }
}
