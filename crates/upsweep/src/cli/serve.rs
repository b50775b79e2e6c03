//! `upsweep serve`

use clap::Args;

use crate::config::Config;
use crate::exit::Exit;
use crate::http::auth::Gate;
use crate::service::{Service, lifecycle};

#[derive(Args)]
pub(super) struct ServeCommand {
    /// The address and port to listen on [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Go on although the secret for tokens is weak; never where others can reach it
    #[arg(long)]
    insecure_dev: bool,
}

impl ServeCommand {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        say_nothing_of_panics();
        let gate = Gate::new(config, self.insecure_dev)?;
        let service = Service::new(config.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(lifecycle::serve(&service, gate));
        // Every run has ended; a probe of a database or a directory that hangs must not keep the process.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        served?;
        Ok(Exit::Done)
    }
}

/// A panic's own words may quote anything, also the name of a file; logs tell where it happened.
fn say_nothing_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a defect in upsweep: this piece of work ended; please report it");
    }));
}
