//! Structured logs on standard error: counts, bytes and ids. Names of files only when they are asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use upsweep_engine::logs::FILE_NAMES;

use crate::config::{Config, LogFormat};

/// Starts logging as configured. A second call does nothing.
pub(crate) fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("warn"));
    // No level and no filter per module shows names: only the setting does.
    let names = config.log_file_names;
    let named = filter_fn(move |line| names || line.target() != FILE_NAMES);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_colourful());
    let logs = tracing_subscriber::registry().with(filter);
    let started = match config.log_format {
        LogFormat::Text => logs.with(lines.with_target(false).with_filter(named)).try_init(),
        LogFormat::Json => logs.with(lines.json().flatten_event(true).with_filter(named)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Colours are for people at a terminal: in a file or a mail they are noise.
fn is_colourful() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
