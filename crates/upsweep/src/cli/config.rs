//! `upsweep config`

use clap::{Args, Subcommand};

use super::check::CheckCommand;
use crate::config::{self, Sources};
use crate::exit::Exit;
use crate::render;

#[derive(Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show every setting, its value, and where the value came from; secrets are masked
    Show {
        /// Write the settings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Check every value, and that the databases hold what the claim rules read; change nothing
    Check(CheckCommand),
    /// Print the table of all settings as Markdown
    Table,
}

impl ConfigCommand {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<Exit> {
        match &self.what {
            What::Check(command) => return command.run(sources),
            What::Show { json } => {
                let settings = config::show(sources)?;
                if *json { render::print_json(&settings)? } else { render::config::print(&settings) }
            }
            What::Table => crate::say::out(format_args!("{}", config::markdown_table())),
        }
        Ok(Exit::Done)
    }
}
