//! The command line.

mod adopt;
mod audit;
pub(crate) mod check;
mod config;
mod demo;
mod doctor;
mod explain;
mod history;
mod hold;
mod manual;
pub(crate) mod moment;
pub(crate) mod numbers;
mod plan;
mod rebind;
mod restore;
mod run;
mod selection;
mod serve;
pub(crate) mod status;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use upsweep_plan::guard::Code;

use crate::config::{Config, Sources};
use crate::exit::{self, Exit};
use crate::{logging, say, secrets};

/// Finds audio files that no session claims, and clears them away without losing one that is still needed.
#[derive(Parser)]
#[command(name = "upsweep", version, about, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// The configuration file [default: upsweep.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The application's database
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// The directory that holds the uploads
    #[arg(long, global = true, value_name = "DIR")]
    upload_dir: Option<String>,
    /// Any other setting, as in --set quarantine_days=14
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// No progress bars
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Make an example store with a database, and show what would be done with it
    Demo(demo::Demo),
    /// Show what would be removed, and why; change nothing
    Plan(plan::PlanCommand),
    /// Carry out a saved plan: exactly that, or less
    Apply(run::ApplyCommand),
    /// Plan, check the guards, hide what is planned, and free what is due: for cron
    Run(run::RunCommand),
    /// Show the state of the store: what is hidden, what is due, what would be done
    Status(status::StatusCommand),
    /// Tell everything about one name: its verdict, every rule that was asked, and what would change it
    Explain(explain::ExplainCommand),
    /// Bring files back to their places, from the quarantine or from the archive
    Restore(restore::RestoreCommand),
    /// Free hidden files whose time is over; hide nothing
    Purge(run::PurgeCommand),
    /// Finish what an interrupted run left; every changing command does this first
    Recover(run::RecoverCommand),
    /// Bind the store to another database, after a real migration of the one it had
    Rebind(rebind::RebindCommand),
    /// Give the store another ledger when its own is lost or an old copy; every hidden file that it does not know
    /// comes back
    Adopt(adopt::AdoptCommand),
    /// Look whether everything is in order: the directory, the disk, the clocks, the database, Upsweep's own state
    Doctor(doctor::DoctorCommand),
    /// Answer over HTTP, and clean up by a schedule, if you like
    Serve(serve::ServeCommand),
    /// Show past runs
    History(history::HistoryCommand),
    /// Keep files whatever the rows say, and let them go again
    Hold(hold::HoldCommand),
    /// Export, verify and anchor the record of everything that was done
    Audit(audit::AuditCommand),
    /// Make a short-lived token for trying the service, with the application's secret
    Token(token::TokenCommand),
    /// Show or check the configuration
    Config(config::ConfigCommand),
    /// Write the completions of a shell to standard output
    Completions(manual::CompletionsCommand),
    /// Write the manual page, or one page per command into a directory
    Man(manual::ManCommand),
}

/// Guards that the caller overrules.
#[derive(Args, Clone)]
struct Allow {
    /// Guards to overrule, as in G001,G003
    #[arg(long, value_delimiter = ',', value_name = "CODES", requires = "reason")]
    allow: Vec<Code>,
    /// Why they may be overruled; it is kept in the history
    #[arg(long, value_name = "TEXT", requires = "allow")]
    reason: Option<String>,
}

/// Runs the program and says how it ended.
pub(crate) fn main() -> Exit {
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Printing help to a closed pipe may fail; there is nobody left to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let quiet = cli.common.quiet;
    let outcome = match cli.command {
        Command::Demo(demo) => demo.run(quiet),
        Command::Config(command) => sources(&cli.common).and_then(|sources| command.run(&sources)),
        Command::Audit(audit) => match audit.run_offline() {
            Some(done) => done,
            None => configured(&cli.common).and_then(|config| audit.run(&config)),
        },
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Serve(command) => {
            cli.common.set.extend(command.listen.iter().map(|listen| format!("listen={listen}")));
            configured(&cli.common).and_then(|config| command.run(&config))
        }
        command => configured(&cli.common).and_then(|config| dispatch(command, &config, quiet)),
    };
    let exit = outcome.unwrap_or_else(|error| {
        let words = secrets::masked(&format!("{error:#}"));
        let words = crate::render::Invocation::of_process().in_error(&words);
        crate::say::complain!("{}error:{} {words}", anstyle::AnsiColor::Red.render_fg(), anstyle::Reset.render());
        exit::of_error(&error)
    });
    if say::words_were_lost() && exit == Exit::Done {
        say::complain!("error: cannot write to standard output; the work itself was done");
        return Exit::Error;
    }
    exit
}

fn dispatch(command: Command, config: &Config, quiet: bool) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(_)
        | Command::Config(_)
        | Command::Audit(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Serve(_) => {
            unreachable!("these do not always need a configured store")
        }
        Command::Plan(command) => command.run(config, quiet),
        Command::Apply(command) => command.run(config, quiet),
        Command::Run(command) => command.run(config, quiet),
        Command::Status(command) => command.run(config, quiet),
        Command::Explain(command) => command.run(config, quiet),
        Command::Restore(command) => command.run(config, quiet),
        Command::Purge(command) => command.run(config, quiet),
        Command::Recover(command) => command.run(config, quiet),
        Command::Doctor(command) => command.run(config),
        Command::Rebind(command) => command.run(config, quiet),
        Command::Adopt(command) => command.run(config, quiet),
        Command::History(command) => command.run(config),
        Command::Hold(command) => command.run(config),
        Command::Token(command) => command.run(config),
    }
}

fn sources(common: &Common) -> anyhow::Result<Sources> {
    let mut flags = Vec::new();
    for pair in &common.set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| exit::UsageError(format!("--set {pair}: write it as --set KEY=VALUE")))?;
        flags.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    let named = [("database_url", &common.database_url), ("upload_dir", &common.upload_dir)];
    for (key, value) in named {
        if let Some(value) = value {
            flags.push((key.to_owned(), value.clone()));
        }
    }
    Ok(Sources::of_process(flags, common.config.clone()))
}

fn configured(common: &Common) -> anyhow::Result<Config> {
    let config = Config::load(&sources(common)?)?;
    logging::start(&config);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

#[cfg(test)]
#[path = "documented_tests.rs"]
mod documented_tests;
