//! `upsweep plan`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use upsweep_plan::plan::Plan;

use super::selection::Select;
use crate::config::Config;
use crate::exit::Exit;
use crate::progress::Bars;
use crate::render::{self, Invocation};
use crate::{preview, save, wire};

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
        let (plan, past) =
            wire::with_world(config, wire::Need::Claims, &bars, |world| preview::make(world, !self.no_audio))?;
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
