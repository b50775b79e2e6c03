//! `upsweep run`, `apply`, `purge` and `recover`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::Approval;
use upsweep_engine::runs::{self, Report, Request};
use upsweep_engine::world::World;
use upsweep_plan::guard::Code;
use upsweep_plan::plan::Plan;

use super::Allow;
use super::plan::PlanCommand;
use super::selection::Select;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::progress::Bars;
use crate::render::{self, Invocation, quoted};
use crate::wire;

#[derive(Args)]
pub(super) struct RunCommand {
    /// Only show what would be done, as upsweep plan does
    #[arg(long)]
    dry_run: bool,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    pub(super) select: Select,
}

#[derive(Args)]
pub(super) struct ApplyCommand {
    /// The saved plan
    plan: PathBuf,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    allow: Allow,
}

#[derive(Args)]
pub(super) struct PurgeCommand {
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    allow: Allow,
}

#[derive(Args)]
pub(super) struct RecoverCommand {
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

impl RunCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        if self.dry_run {
            return PlanCommand::preview(self.json, self.select.clone()).run(config, quiet);
        }
        let config = &Config { selection: self.select.selection()?, ..config.clone() };
        let again = Invocation::of_process().selecting("run");
        carry_out(config, quiet, self.json, ("run", &again), &self.allow, runs::run)
    }
}

impl ApplyCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let json =
            std::fs::read(&self.plan).with_context(|| format!("cannot read the plan {}", self.plan.display()))?;
        let plan = Plan::read(&json)
            .map_err(EngineError::from)
            .with_context(|| format!("the plan {}", self.plan.display()))?;
        let again = format!("apply {}", quoted(&self.plan.display().to_string()));
        carry_out(config, quiet, self.json, ("apply", &again), &self.allow, |world, request| {
            runs::apply_saved(world, plan, request)
        })
    }
}

impl PurgeCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        carry_out(config, quiet, self.json, ("purge", "purge"), &self.allow, runs::purge_due)
    }
}

impl RecoverCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let nothing = Allow { allow: vec![], reason: None };
        carry_out(config, quiet, self.json, ("recover", "recover"), &nothing, runs::recover_now)
    }
}

fn carry_out(
    config: &Config,
    quiet: bool,
    json: bool,
    (what, again): (&'static str, &str),
    allow: &Allow,
    work: impl FnOnce(&mut World<'_>, &Request) -> Result<Report, EngineError>,
) -> anyhow::Result<Exit> {
    let bars = Bars::new(quiet);
    let need = if what == "recover" { wire::Need::NoClaims } else { wire::Need::Claims };
    // Known beforehand, so that whoever comes second is told whom to wait for.
    let request = Request { holder: wire::holder(what), approval: approval(allow)?, run: Some(wire::fresh_run()) };
    let report = wire::with_world(config, need, &bars, |world| Ok(work(world, &request)?))?;
    if json {
        render::print_json(&render::summary::summary(&report))?;
    } else {
        render::report::print(&report, what, again, &Invocation::of_process());
    }
    Ok(exit_of(&report))
}

/// What the report means for a script.
pub(super) fn exit_of(report: &Report) -> Exit {
    if report.failure.is_some() {
        Exit::Error
    } else if report.is_refused() {
        Exit::Refused
    } else if report.errors() > 0 {
        Exit::Partial
    } else {
        Exit::Done
    }
}

fn approval(allow: &Allow) -> anyhow::Result<Option<Approval>> {
    let Some(reason) = &allow.reason else { return Ok(None) };
    approved(&allow.allow, reason, "why the guards may be overruled").map(Some)
}

/// A human's words for the history, and the guards they overrule.
pub(super) fn approved(codes: &[Code], reason: &str, why: &str) -> anyhow::Result<Approval> {
    if reason.trim().is_empty() {
        return Err(UsageError(format!("--reason must say {why}")).into());
    }
    if let Some(code) = codes.iter().find(|code| !code.is_approvable()) {
        return Err(UsageError(format!("{code} cannot be overruled; see docs/guards.md for what to do instead")).into());
    }
    Ok(Approval { codes: codes.iter().copied().collect(), reason: reason.to_owned(), by: None })
}
