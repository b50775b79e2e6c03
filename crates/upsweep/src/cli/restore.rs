//! `upsweep restore`

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use upsweep_engine::runs::{self, Request, Selection};
use upsweep_plan::key::{Escaped, Key};

use super::run::exit_of;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::progress::Bars;
use crate::{render, wire};

#[derive(Args)]
pub(super) struct RestoreCommand {
    #[command(flatten)]
    which: Which,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Bring back what this run hid; what was freed since comes from the archive, if it has a copy
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Bring back everything that is hidden; what was freed and lies in the archive alone is not meant
    #[arg(long)]
    all: bool,
    /// Read the rows, and bring back every hidden file that a row claims by now; no hold is set
    #[arg(long)]
    claimed: bool,
    /// Names of files to bring back: from the quarantine, or else from the archive
    keys: Vec<OsString>,
}

impl RestoreCommand {
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
        let selection = self.selection()?;
        let bars = Bars::new(quiet);
        let request = Request { holder: wire::holder("restore"), approval: None, run: Some(wire::fresh_run()) };
        let need = if self.which.claimed { wire::Need::Claims } else { wire::Need::NoClaims };
        let (report, unknown) = wire::with_world(config, need, &bars, |world| {
            Ok(match &selection {
                Some(selection) => runs::restore_by_hand(world, selection, &request)?,
                None => (runs::restore_claimed(world, &request)?, vec![]),
            })
        })?;
        if self.json {
            render::print_json(&render::summary::by_hand(&report, &unknown))?;
        } else {
            render::report::print(&report, "restore", "restore", &render::Invocation::of_process());
        }
        for key in &unknown {
            crate::say::complain!("neither hidden nor archived, so not brought back: {key}");
        }
        Ok(match exit_of(&report) {
            Exit::Done if !unknown.is_empty() => Exit::Partial,
            exit => exit,
        })
    }

    /// What is meant by hand; `None` when the rows are to say.
    fn selection(&self) -> anyhow::Result<Option<Selection>> {
        let Which { run, all, claimed, keys } = &self.which;
        Ok(match (run, *all, *claimed) {
            (_, _, true) => None,
            (Some(run), _, _) => Some(Selection::Run(run.clone())),
            (None, true, _) => Some(Selection::All),
            (None, false, _) => Some(Selection::Keys(keys.iter().map(|name| key(name)).collect::<Result<_, _>>()?)),
        })
    }
}

/// The name of a file below the upload directory, as it was typed.
pub(super) fn key(name: &OsStr) -> Result<Key, UsageError> {
    let bytes = name.as_bytes();
    Key::parse(bytes).map_err(|why| {
        UsageError(format!("'{}' is no name of a file below the upload directory: {why}", Escaped(bytes)))
    })
}
