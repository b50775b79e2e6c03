//! Upsweep finds audio files that no session claims, and clears them away without losing one that is still needed.
//!
//! This is the program `upsweep`, and what an application embeds of it.

mod cli;
mod clock;
mod config;
mod demo;
mod doctor;
mod exit;
mod headers;
mod http;
mod logging;
mod preview;
mod progress;
mod render;
mod save;
mod say;
mod secrets;
mod service;
mod user;
mod wire;

use std::process::ExitCode;

/// Runs the program with this process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    cli::main().into()
}
