//! `upsweep audit`

use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Clock as _, Ledger};
use upsweep_engine::trail::{self, Part};
use upsweep_plan::audit::export::{FileVerifier, first_line, last_line, read_checkpoint};
use upsweep_plan::audit::{Checkpoint, Summary};

use super::moment;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{self, Invocation};
use crate::{save, wire};

#[derive(Args)]
pub(super) struct AuditCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write out what was done, when, by whom and why
    Export(Export),
    /// Print the trail's present state in one line: keep it elsewhere, and nothing before it can be altered unnoticed
    Checkpoint {
        /// Write it to a file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check that no record was altered, dropped or moved
    Verify(Verify),
}

#[derive(Args)]
struct Export {
    /// jsonl can be verified; csv is for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// From this day or time on [default: everything]
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

#[derive(Args)]
struct Verify {
    /// An export to check, with neither store nor database [default: the ledger itself]
    file: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: only with one can a tail that was cut off be noticed
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl AuditCommand {
    /// Does what needs no store and no configuration; `None` when it needs both.
    pub(super) fn run_offline(&self) -> Option<anyhow::Result<Exit>> {
        match &self.what {
            What::Verify(Verify { file: Some(file), checkpoint }) => Some(verify_file(file, checkpoint.as_deref())),
            What::Verify(_) | What::Export(_) | What::Checkpoint { .. } => None,
        }
    }

    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        wire::with_home(config, |store, home| {
            let ledger = trail::ledger_of(store, home, "and nothing to audit")?;
            match &self.what {
                What::Export(export) => export.run(&*ledger),
                What::Checkpoint { out } => checkpoint(&*ledger, out.as_deref()),
                What::Verify(verify) => verify_ledger(&*ledger, verify.checkpoint.as_deref()),
            }
        })
    }
}

impl Export {
    fn run(&self, ledger: &dyn Ledger) -> anyhow::Result<Exit> {
        let since = match &self.since {
            Some(text) => Some(moment::past("--since", text, SystemClock::new().now(), &TimeZone::system())?),
            None => None,
        };
        match &self.out {
            Some(path) => {
                save::replacing(path, |file| {
                    let mut out = std::io::BufWriter::new(file);
                    self.write(ledger, since, &mut out)??;
                    Ok(out.flush()?)
                })
                .with_context(|| format!("cannot write the audit trail to {}", path.display()))?;
                crate::say::say!("Wrote the audit trail to {}.", path.display());
                if self.format == Format::Jsonl {
                    let command = format!("audit verify {}", render::quoted(&path.display().to_string()));
                    crate::say::say!("Check it, here or anywhere: {}", Invocation::bare().line(&command));
                }
            }
            None => {
                let mut out = std::io::BufWriter::new(std::io::stdout().lock());
                let written = self.write(ledger, since, &mut out)?.and_then(|()| out.flush());
                render::unless_closed(written)?;
            }
        }
        Ok(Exit::Done)
    }

    /// The outer error is the ledger's, the inner one that of `out`.
    fn write(
        &self,
        ledger: &dyn Ledger,
        since: Option<Timestamp>,
        out: &mut dyn Write,
    ) -> Result<io::Result<()>, EngineError> {
        match self.format {
            Format::Jsonl => each(ledger, since, &mut |part| match part {
                Part::Start(start) => writeln!(out, "{}", first_line(start)),
                Part::Line(line) => writeln!(out, "{line}"),
                Part::End(checkpoint) => writeln!(out, "{}", last_line(checkpoint)),
            }),
            Format::Csv => {
                let mut table = render::csv::Trail::new(out);
                each(ledger, since, &mut |part| match part {
                    Part::Start(_) => table.head(),
                    Part::Line(line) => table.record(line),
                    Part::End(_) => table.end(),
                })
            }
        }
    }
}

/// Gives every part of the trail to `write`, until that fails.
fn each(
    ledger: &dyn Ledger,
    since: Option<Timestamp>,
    write: &mut dyn FnMut(Part<'_>) -> io::Result<()>,
) -> Result<io::Result<()>, EngineError> {
    let mut written = Ok(());
    trail::export(ledger, since, &mut |part| {
        written = write(part);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(written)
}

fn checkpoint(ledger: &dyn Ledger, out: Option<&Path>) -> anyhow::Result<Exit> {
    let checkpoint = ledger.audit_head()?.context("nothing was recorded yet, so there is no checkpoint to keep")?;
    let line = last_line(checkpoint);
    match out {
        Some(path) => {
            save::replacing(path, |file| Ok(writeln!(file, "{line}")?))
                .with_context(|| format!("cannot write the checkpoint to {}", path.display()))?;
            crate::say::say!(
                "Wrote the checkpoint to {}. Keep it where nobody who can write to the upload directory can alter it.",
                path.display()
            );
        }
        None => crate::say::say!("{line}"),
    }
    Ok(Exit::Done)
}

fn verify_ledger(ledger: &dyn Ledger, kept: Option<&Path>) -> anyhow::Result<Exit> {
    let kept = kept.map(read_kept).transpose()?;
    ledger.verify_journal()?;
    match ledger.verify_audit(kept.clone())? {
        Ok(summary) => Ok(whole("the ledger", &summary, kept.as_ref())),
        Err(finding) => bail!("the audit trail of the ledger: {finding}. {AFTER}"),
    }
}

const AFTER: &str =
    "What comes after that cannot be relied on; compare with an earlier export, or with a backup of .upsweep/ledger.db";

fn verify_file(path: &Path, kept: Option<&Path>) -> anyhow::Result<Exit> {
    let kept = kept.map(read_kept).transpose()?;
    let mut verifier = FileVerifier::new(kept.clone());
    let shown = path.display();
    let finding = each_line(path, |line| verifier.line(line))?;
    match finding.and_then(|()| verifier.finish()) {
        Ok(summary) => Ok(whole(&shown.to_string(), &summary, kept.as_ref())),
        Err(finding) => bail!("{shown}: {finding}. {AFTER}"),
    }
}

/// A checkpoint from a file, or from the last line of an earlier export.
fn read_kept(path: &Path) -> anyhow::Result<Checkpoint> {
    let mut last = Vec::new();
    let _: Result<(), ()> = each_line(path, |line| {
        last = line.to_vec();
        Ok(())
    })?;
    let text = String::from_utf8_lossy(&last);
    read_checkpoint(&text).map_err(|cause| anyhow::anyhow!("{} ends with no checkpoint: {cause}", path.display()))
}

/// No record is nearly that long; a line that is was not written by upsweep, and is not read into memory.
const LONGEST_LINE: u64 = 16 << 20;

/// Gives every line, without its newline, until `check` finds something.
fn each_line<E>(path: &Path, mut check: impl FnMut(&[u8]) -> Result<(), E>) -> anyhow::Result<Result<(), E>> {
    let context = || format!("cannot read {}", path.display());
    let mut file = BufReader::new(std::fs::File::open(path).with_context(context)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).with_context(context)?;
        if length == 0 {
            return Ok(Ok(()));
        }
        if let Err(found) = check(line.strip_suffix(b"\n").unwrap_or(&line)) {
            return Ok(Err(found));
        }
    }
}

fn whole(what: &str, summary: &Summary, kept: Option<&Checkpoint>) -> Exit {
    render::audit::whole(what, summary, kept, &Invocation::of_process());
    Exit::Done
}
