//! The configuration of a clean-up that an application embeds.

use std::fmt;
use std::path::PathBuf;

use super::error::CleanupError;
use crate::config::{self, Checked, Config, Sources};

/// The configuration of a clean-up.
///
/// Every setting of the program can be given, by its key; `docs/configuration.md` lists them with their units. A value
/// given here counts before any that is read from somewhere.
///
/// ```
/// use upsweep::CleanupConfig;
///
/// let config = CleanupConfig::new("sqlite:///./app.db", "uploads/audio")
///     .with_orphaned_file_retention_hours(48)
///     .with_failed_session_retention_days(14)
///     .with_setting("quarantine_days", "30");
/// ```
#[derive(Clone)]
pub struct CleanupConfig {
    sources: Sources,
}

impl CleanupConfig {
    /// What the program itself would use: the environment with the classic variables, `.env`, `upsweep.toml`, and the
    /// defaults. Nothing is checked before [`AudioCleanupService::new`](super::AudioCleanupService::new).
    #[must_use]
    pub fn from_env() -> Self {
        Self { sources: Sources::of_process(vec![], None) }
    }

    /// The defaults, for the database at `database_url` and the uploads in the directory `upload_dir`. Neither the
    /// environment nor any file is read.
    #[must_use]
    pub fn new(database_url: impl Into<String>, upload_dir: impl Into<String>) -> Self {
        Self { sources: Sources { only_named: true, ..Sources::default() } }
            .with_setting("database_url", database_url)
            .with_setting("upload_dir", upload_dir)
    }

    /// Reads this TOML file: the only place for claim rules and further databases.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.sources.file = Some(path.into());
        self
    }

    /// Any setting, by its key in `upsweep.toml`.
    #[must_use]
    pub fn with_setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.sources.flags.push((key.into(), value.into()));
        self
    }

    /// How long ago a session must have failed, in days.
    #[must_use]
    pub fn with_failed_session_retention_days(self, days: u32) -> Self {
        self.with_setting("failed_session_retention_days", days.to_string())
    }

    /// How old a file that nobody claims must be, in hours.
    #[must_use]
    pub fn with_orphaned_file_retention_hours(self, hours: u32) -> Self {
        self.with_setting("orphaned_file_retention_hours", hours.to_string())
    }

    /// Whether [`run_startup_cleanup`](super::run_startup_cleanup) cleans up.
    #[must_use]
    pub fn with_auto_cleanup_on_startup(self, is_on: bool) -> Self {
        self.with_setting("auto_cleanup_on_startup", is_on.to_string())
    }

    /// The hour of the day at which the application means to clean up, from 0 to 23.
    #[must_use]
    pub fn with_cleanup_schedule_hour(self, hour: u8) -> Self {
        self.with_setting("cleanup_schedule_hour", hour.to_string())
    }

    pub(super) fn load(&self) -> Result<Config, CleanupError> {
        let Checked { config, problems, warnings } = config::check(&self.sources);
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        config.ok_or_else(|| CleanupError::Config(problems.join("; ")))
    }
}

/// Shows no values: there are passwords among them.
impl fmt::Debug for CleanupConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.sources.flags.iter().map(|(key, _)| key);
        f.write_str("CleanupConfig ")?;
        f.debug_set().entries(keys).finish()
    }
}
