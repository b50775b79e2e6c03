//! `upsweep config check`

use clap::Args;
use serde::Serialize;

use crate::config::{self, Checked, Sources};
use crate::exit::Exit;
use crate::{render, secrets, wire};

#[derive(Args)]
pub(super) struct CheckCommand {
    /// Look at the configuration alone: not at the upload directory, and not at the databases
    #[arg(long)]
    offline: bool,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

/// What a check found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// Mistakes, which every command would stop at sooner or later.
    pub(crate) problems: Vec<String>,
    /// What is allowed but unusual.
    pub(crate) warnings: Vec<String>,
    /// What was looked at outside the configuration, and found in order.
    pub(crate) in_order: Vec<String>,
    /// Whether only the configuration itself was looked at.
    pub(crate) offline: bool,
}

impl CheckCommand {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<Exit> {
        let Checked { config, problems, warnings } = config::check(sources);
        let mut findings = Findings { problems, warnings, in_order: vec![], offline: self.offline };
        if let Some(config) = config.filter(|_| !self.offline) {
            wire::check(&config, &mut findings);
            findings.problems.iter_mut().for_each(|problem| *problem = secrets::masked(problem));
        }
        if self.json {
            render::print_json(&findings)?;
        } else {
            render::config::check(&findings);
        }
        Ok(if findings.problems.is_empty() { Exit::Done } else { Exit::Error })
    }
}
