//! `upsweep doctor`

use clap::Args;

use crate::config::Config;
use crate::doctor::{self, Status};
use crate::exit::Exit;
use crate::render;

#[derive(Args)]
pub(super) struct DoctorCommand {
    /// Write what was found as JSON
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let checks = doctor::examine(config);
        if self.json {
            render::print_json(&checks)?;
        } else {
            render::doctor::print(&checks);
        }
        let worst = checks.iter().map(|check| check.status).max();
        Ok(if worst == Some(Status::Problem) { Exit::Error } else { Exit::Done })
    }
}
