//! What the classic contract says of the configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Config;

/// The configuration as the classic contract shows it: flat, and without secrets.
///
/// The first five fields are those of the classic service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct CleanupSettings {
    /// How long ago a session must have failed, in days.
    pub failed_session_retention_days: u64,
    /// How old a file that nobody claims must be, in hours.
    pub orphaned_file_retention_hours: u64,
    /// The upload directory, as configured.
    pub upload_dir: String,
    /// Whether the service cleans up once when it has started.
    pub auto_cleanup_on_startup: bool,
    /// The hour of the day at which it cleans up, if [`schedule`](Self::schedule) says that it does.
    pub cleanup_schedule_hour: u8,

    /// When the service cleans up by itself, as a cron expression; none means never.
    pub schedule: Option<String>,
    /// The schedule's time zone; none means the host's.
    pub timezone: Option<String>,
    /// What becomes of removed files: `quarantine`, `archive`, `delete` or `backup-and-delete`.
    pub action: String,
    /// How long hidden files stay before they may be freed, in days.
    pub quarantine_days: u32,
    /// Whether folders below the top level are looked at.
    pub recursive: bool,
    /// How old the status may be, in seconds.
    pub status_max_age_secs: u64,
    /// This program's version.
    pub version: String,
}

impl From<&Config> for CleanupSettings {
    fn from(config: &Config) -> Self {
        let Config { policy, service, .. } = config;
        Self {
            failed_session_retention_days: policy.failed_retention_secs / 86_400,
            orphaned_file_retention_hours: policy.orphan_retention_secs / 3_600,
            upload_dir: config.upload_dir.display().to_string(),
            auto_cleanup_on_startup: service.cleanup_on_startup,
            cleanup_schedule_hour: service.schedule.hour,
            schedule: service.schedule.cron.clone(),
            timezone: service.schedule.zone.clone(),
            action: policy.action.name().to_owned(),
            quarantine_days: config.quarantine_days,
            recursive: policy.recursive,
            status_max_age_secs: service.status_max_age.as_secs(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
