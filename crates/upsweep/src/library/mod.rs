//! What an application embeds: the classic service by its classic names, and its routes for an axum router.

pub(crate) mod call;
mod config;
mod error;
mod result;
mod router;
mod settings;
#[cfg(test)]
pub(crate) mod stage;
mod tally;

use std::sync::Arc;

pub use config::CleanupConfig;
pub use error::CleanupError;
pub use result::{CleanupResult, Hidden, NAMES_MAX, Objection};
pub use router::{CleanupAuth, CleanupUser, WhoCalls, cleanup_router};
pub use settings::CleanupSettings;

use crate::service::Service;
use call::{Call, Kind};

/// Who asked, where the application itself does.
const BY_APPLICATION: &str = "the application";

/// The classic clean-up service. A clone of it is the same service.
///
/// Its methods need a tokio runtime. A call that was begun goes on to its end, even when nobody waits for it any more;
/// [`shut_down`](Self::shut_down) waits for it.
///
/// ```no_run
/// use upsweep::{AudioCleanupService, CleanupConfig, CleanupError};
///
/// # async fn nightly() -> Result<(), CleanupError> {
/// let cleanup = AudioCleanupService::new(CleanupConfig::from_env())?;
/// match cleanup.run_full_cleanup(false).await {
///     Ok(result) => println!("{} MB gone from the uploads", result.total_space_freed_mb),
///     Err(CleanupError::Refused { refusals, .. }) => println!("refused: {}", refusals[0].saw),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AudioCleanupService {
    service: Arc<Service>,
}

impl AudioCleanupService {
    /// Checks the configuration. Neither store nor database is opened yet, and nothing is logged unless the
    /// application has set up `tracing`.
    ///
    /// # Errors
    /// [`CleanupError::Config`] names every mistake.
    pub fn new(config: CleanupConfig) -> Result<Self, CleanupError> {
        Ok(Self { service: Service::new(config.load()?) })
    }

    /// Removes files that no session claims and that are older than the retention.
    ///
    /// # Errors
    /// [`CleanupError::Refused`] when a guard objects, [`CleanupError::Busy`] while another run works, and the others
    /// as they say. Problems with single files are no error: they are in [`CleanupResult::errors`].
    pub async fn cleanup_orphaned_files(&self, dry_run: bool) -> Result<CleanupResult, CleanupError> {
        self.call(Kind::Orphans, dry_run).await
    }

    /// Removes the files of sessions that failed long enough ago. The sessions' rows are left alone.
    ///
    /// # Errors
    /// As [`cleanup_orphaned_files`](Self::cleanup_orphaned_files).
    pub async fn cleanup_failed_sessions(&self, dry_run: bool) -> Result<CleanupResult, CleanupError> {
        self.call(Kind::FailedSessions, dry_run).await
    }

    /// Both in one run.
    ///
    /// # Errors
    /// As [`cleanup_orphaned_files`](Self::cleanup_orphaned_files).
    pub async fn run_full_cleanup(&self, dry_run: bool) -> Result<CleanupResult, CleanupError> {
        self.call(Kind::Everything, dry_run).await
    }

    /// What a full clean-up would do, and what is hidden; at most `status_max_age_secs` old, and nothing is changed.
    ///
    /// # Errors
    /// [`CleanupError::DatabaseUnavailable`] and the others as they say. Guards do not refuse here: see
    /// [`CleanupResult::would_refuse`].
    pub async fn get_cleanup_status(&self) -> Result<CleanupResult, CleanupError> {
        Ok(call::status(&self.service).await?)
    }

    /// The configuration that counts.
    #[must_use]
    pub fn settings(&self) -> CleanupSettings {
        CleanupSettings::from(self.service.config())
    }

    /// Asks whatever works to stop where nothing is half done, and returns when it has. Later calls are refused.
    pub async fn shut_down(&self) {
        self.service.wind_up(std::future::pending()).await;
    }

    async fn call(&self, kind: Kind, dry_run: bool) -> Result<CleanupResult, CleanupError> {
        let by = BY_APPLICATION.to_owned();
        let call = Call { kind, dry_run, after: None, before: None, approval: None, by };
        Ok(call.carry_out(&self.service).await?)
    }
}

/// The nightly clean-up: a full one, and a line in the log about it. When it is time is for the application to say.
///
/// # Errors
/// As [`AudioCleanupService::run_full_cleanup`]; it is logged as well.
pub async fn run_scheduled_cleanup(service: &AudioCleanupService) -> Result<CleanupResult, CleanupError> {
    logged("scheduled", service).await
}

/// The clean-up at the start: a full one if `auto_cleanup_on_startup` is on, and a line in the log about it; `None` if
/// it is off. To be spawned, so that it delays nothing.
///
/// # Errors
/// As [`AudioCleanupService::run_full_cleanup`]; it is logged as well, and no reason for an application to stop.
pub async fn run_startup_cleanup(service: &AudioCleanupService) -> Result<Option<CleanupResult>, CleanupError> {
    if !service.service.config().service.cleanup_on_startup {
        return Ok(None);
    }
    logged("start-up", service).await.map(Some)
}

async fn logged(which: &'static str, service: &AudioCleanupService) -> Result<CleanupResult, CleanupError> {
    let outcome = service.run_full_cleanup(false).await;
    match &outcome {
        Ok(result) => tracing::info!(
            which,
            run = result.run_id,
            orphaned_files = result.orphaned_files_count,
            failed_sessions = result.failed_sessions_count,
            freed_mb = result.total_space_freed_mb,
            errors = result.error_count,
            "a clean-up is done"
        ),
        Err(CleanupError::Refused { refusals, plan_id, .. }) => {
            let guards: Vec<&str> = refusals.iter().map(|refusal| refusal.code.as_str()).collect();
            tracing::warn!(which, guards = guards.join(", "), plan = plan_id, "a clean-up was refused");
        }
        Err(error) => tracing::error!(which, %error, "a clean-up failed"),
    }
    outcome
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
