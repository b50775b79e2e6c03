//! `upsweep demo`

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Sources};
use crate::exit::Exit;
use crate::progress::Bars;
use crate::render::{self, Invocation};
use crate::{demo, preview, wire};

#[derive(Args)]
pub(super) struct Demo {
    /// Where to make the example [default: a new folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(&self, quiet: bool) -> anyhow::Result<Exit> {
        let made = demo::make(self.dir.as_deref())?;
        // The example stands alone: nothing of the caller's environment may reach into it.
        let config = Config::load(&Sources { file: Some(made.config.clone()), ..Sources::default() })?;
        render::demo::introduce(&made);
        let bars = Bars::new(quiet);
        let (plan, past) = wire::with_world(&config, wire::Need::Claims, &bars, |world| preview::make(world, true))?;
        let invocation = Invocation::of_process().with_config(&made.config);
        render::plan::print(&plan, &past, &config, true, None, &invocation);
        render::demo::next_steps(&made, &invocation);
        Ok(Exit::Done)
    }
}
