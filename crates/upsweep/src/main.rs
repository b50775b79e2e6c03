//! The command `upsweep`.

mod cli;
mod clock;
mod config;
mod demo;
mod doctor;
mod exit;
mod headers;
mod logging;
mod progress;
mod render;
mod save;
mod say;
mod secrets;
mod user;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main().into()
}
