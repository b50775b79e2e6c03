//! `upsweep config check`

use clap::Args;
use serde::Serialize;

use crate::config::{self, Checked, Config, Sources};
use crate::exit::Exit;
use crate::http::auth::Gate;
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
            check_tokens(&config, &mut findings);
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

/// Whether `upsweep serve` could tell who calls; nothing is asked of who does not use it.
fn check_tokens(config: &Config, findings: &mut Findings) {
    let tokens = &config.service.tokens;
    if tokens.secret.is_none() && tokens.public_key_file.is_none() && tokens.jwks_url.is_none() {
        return;
    }
    match Gate::new(config, false) {
        Ok(_) => findings.in_order.push("tokens: callers of upsweep serve can be told apart".to_owned()),
        // Whoever only runs the program has no use for the application's secret.
        Err(error) => findings.warnings.push(format!("upsweep serve would not start: {error:#}")),
    }
}
