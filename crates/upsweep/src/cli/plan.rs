//! `upsweep plan`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use upsweep_engine::binding;
use upsweep_engine::planning::{self, Past};
use upsweep_engine::ports::Memories;
use upsweep_engine::world::World;
use upsweep_plan::plan::Plan;

use super::selection::Select;
use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::render::{self, Invocation};
use crate::{headers, save, wire};

#[derive(Args)]
pub(super) struct PlanCommand {
    /// Write the plan as JSON to standard output; it can be saved and applied
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write one line per file as CSV to standard output
    #[arg(long)]
    csv: bool,
    /// Save the plan as JSON, for upsweep apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// List every file, however many there are
    #[arg(long)]
    all: bool,
    /// Do not open files to read their audio headers
    #[arg(long)]
    no_audio: bool,
    /// Exit with 2 when the plan would remove something
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    pub(super) select: Select,
}

impl PlanCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let bars = Bars::new(quiet);
        let config = &Config { selection: self.select.selection()?, ..config.clone() };
        let (plan, past) = wire::with_world(config, wire::Need::Claims, &bars, |world| make(world, !self.no_audio))?;
        if let Some(path) = &self.out {
            save_to(&plan, path)?;
        }
        if self.json {
            render::print_json(&plan)?;
        } else if self.csv {
            render::csv::plan(&plan)?;
        } else {
            let invocation = Invocation::of_process();
            render::plan::print(&plan, &past, config, self.all, self.out.as_deref(), &invocation);
        }
        let is_whole = plan.errors.is_empty() && plan.incomplete.is_empty();
        Ok(match (self.detailed_exitcode && !plan.removals.is_empty(), is_whole) {
            (true, _) => Exit::ChangesPending,
            (false, true) => Exit::Done,
            (false, false) => Exit::Partial,
        })
    }
}

/// Makes a plan and changes nothing.
pub(super) fn make(world: &mut World<'_>, with_audio: bool) -> anyhow::Result<(Plan, Past)> {
    let bond = binding::examine(world.store, world.home)?;
    let ledger = match &bond.marker {
        Some(marker) => Some(binding::open_ledger(world.store, world.home, marker)?),
        None => None,
    };
    let past = ledger.as_ref().map(|ledger| Past::read(&**ledger, world.now())).transpose()?.unwrap_or_default();
    let sightings = ledger.as_ref().map(|ledger| &**ledger as &dyn Memories);
    let mut plan = planning::make(world, &bond, &past, sightings)?.plan;
    if with_audio {
        headers::add(&mut plan, world.store, world.progress);
    }
    Ok((plan.sealed(), past))
}

fn save_to(plan: &Plan, path: &std::path::Path) -> anyhow::Result<()> {
    save::replacing(path, |file| {
        serde_json::to_writer_pretty(&*file, plan)?;
        Ok(file.write_all(b"\n")?)
    })
    .with_context(|| format!("cannot save the plan to {}", path.display()))
}

impl PlanCommand {
    /// The plan as `upsweep run --dry-run` shows it.
    pub(super) fn preview(json: bool, select: Select) -> Self {
        Self { json, csv: false, out: None, all: false, no_audio: false, detailed_exitcode: false, select }
    }
}
