//! Upsweep finds audio files that no session claims, and clears them away without losing one that is still needed.
//!
//! This is the program `upsweep`, and what an application embeds of it:
//!
//! ```no_run
//! use upsweep::{AudioCleanupService, CleanupAuth, CleanupConfig, cleanup_router};
//!
//! # fn main() -> Result<(), upsweep::CleanupError> {
//! // The classic variables, `.env` and `upsweep.toml`, as the program itself reads them.
//! let cleanup = AudioCleanupService::new(CleanupConfig::from_env())?;
//! // The classic paths below /api/admin/cleanup, for whoever has a token of the application.
//! let app: axum::Router = axum::Router::new().merge(cleanup_router(&cleanup, CleanupAuth::Tokens)?);
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! A whole application is in the example `embed`; `docs/migrating.md` says what is different from the classic service.

mod cli;
mod clock;
mod config;
mod demo;
mod doctor;
mod exit;
mod headers;
mod http;
mod library;
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

pub use library::{
    AudioCleanupService, CleanupAuth, CleanupConfig, CleanupError, CleanupResult, CleanupSettings, CleanupUser, Hidden,
    NAMES_MAX, Objection, WhoCalls, cleanup_router, run_scheduled_cleanup, run_startup_cleanup,
};

use std::process::ExitCode;

/// Runs the program with this process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    cli::main().into()
}
