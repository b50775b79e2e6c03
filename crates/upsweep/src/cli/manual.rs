//! `upsweep completions` and `upsweep man`: what the command line says of itself, for shells and for readers.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::exit::Exit;
use crate::render;

#[derive(Args)]
pub(super) struct CompletionsCommand {
    /// The shell
    shell: Shell,
}

#[derive(Args)]
pub(super) struct ManCommand {
    /// Write one page per command into this directory, which is made if need be
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl CompletionsCommand {
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "upsweep", &mut script);
        write_out(&script)
    }
}

impl ManCommand {
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        let mut command = Cli::command();
        // Only then do commands know the options they share, and their full names.
        command.build();
        match &self.out {
            None => write_out(&page(&command)?),
            Some(dir) => {
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
                let pages = write_pages(dir, &command)?;
                crate::say::say!("Wrote {} to {}.", render::count(pages, "page"), dir.display());
                Ok(Exit::Done)
            }
        }
    }
}

fn page(command: &clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).context("cannot write a manual page")?;
    Ok(page)
}

/// The command's page, and those of the commands below it.
fn write_pages(dir: &Path, command: &clap::Command) -> anyhow::Result<u64> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
    let below = command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set());
    below.map(|below| write_pages(dir, below)).try_fold(1, |pages, more| Ok(pages + more?))
}

fn write_out(text: &[u8]) -> anyhow::Result<Exit> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    render::unless_closed(out.write_all(text).and_then(|()| out.flush()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
#[path = "manual_tests.rs"]
mod tests;
