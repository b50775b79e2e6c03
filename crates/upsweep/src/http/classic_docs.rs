//! The classic contract as the documentation tells it. Nothing here is called.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

/// The paths of the classic contract.
#[derive(OpenApi)]
#[openapi(paths(clean_orphaned_files, clean_failed_sessions, clean_all, cleanup_status, cleanup_config))]
pub(crate) struct ClassicDocs;

/// How a clean-up is limited.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what the classic contract reads")]
struct Asked {
    /// Whether to tell only what would be done.
    #[param(inline)]
    dry_run: Option<DryRun>,
    /// Only files last modified (of failed sessions: sessions created) at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    after: Option<String>,
    /// Only files last modified (of failed sessions: sessions created) before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    before: Option<String>,
    /// Guards that an administrator overrules, separated by commas; it takes a `reason`.
    #[param(pattern = "^G0(01|03|05|06|07|10)(,G0(01|03|05|06|07|10))*$", max_length = 60)]
    allow: Option<String>,
    /// Why they are overruled.
    #[param(min_length = 1, max_length = 1000, pattern = r"\S")]
    reason: Option<String>,
}

/// Yes or no; no where nothing is said.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DryRun {
    True,
    False,
    #[serde(rename = "1")]
    One,
    #[serde(rename = "0")]
    Zero,
    Yes,
    No,
}

/// A clean-up that was done.
#[derive(Serialize, ToSchema)]
struct Cleaned {
    success: bool,
    message: String,
    result: CleanupResult,
}

/// What a clean-up did, or would do.
#[derive(Serialize, ToSchema)]
struct CleanupResult {
    /// Names of files that are gone from the upload directory. Under quarantine their bytes follow at the purge.
    orphaned_files_deleted: Vec<String>,
    orphaned_files_count: u64,
    /// Sessions whose files are gone.
    failed_sessions_cleaned: Vec<String>,
    failed_sessions_count: u64,
    /// In units of 1024² bytes, rounded to two digits: the files that this call lists, hidden or freed.
    total_space_freed_mb: f64,
    errors: Vec<String>,
    error_count: u64,
    dry_run: bool,
}

/// What a clean-up would do.
#[derive(Serialize, ToSchema)]
struct CleanupStatus {
    success: bool,
    message: String,
    potential_cleanup: CleanupResult,
}

/// The settings that the classic service had.
#[derive(Serialize, ToSchema)]
struct CleanupConfig {
    failed_session_retention_days: u64,
    orphaned_file_retention_hours: u64,
    upload_dir: String,
    auto_cleanup_on_startup: bool,
    #[schema(minimum = 0, maximum = 23)]
    cleanup_schedule_hour: u8,
}

/// Clean up orphaned files
///
/// Answers when it is done, however long that takes.
#[utoipa::path(post, path = "/api/admin/cleanup/orphaned-files", tag = "classic", params(Asked), responses(
    (status = 200, description = "What was done", body = Cleaned)
))]
#[expect(dead_code, reason = "documents the classic contract")]
fn clean_orphaned_files() {}

/// Clean up failed sessions
///
/// Answers when it is done, however long that takes.
#[utoipa::path(post, path = "/api/admin/cleanup/failed-sessions", tag = "classic", params(Asked), responses(
    (status = 200, description = "What was done", body = Cleaned)
))]
#[expect(dead_code, reason = "documents the classic contract")]
fn clean_failed_sessions() {}

/// Clean up everything
///
/// Answers when it is done, however long that takes.
#[utoipa::path(post, path = "/api/admin/cleanup/all", tag = "classic", params(Asked), responses(
    (status = 200, description = "What was done", body = Cleaned)
))]
#[expect(dead_code, reason = "documents the classic contract")]
fn clean_all() {}

/// Show what a clean-up would do
///
/// Changes nothing; one survey answers many callers.
#[utoipa::path(get, path = "/api/admin/cleanup/status", tag = "classic", responses(
    (status = 200, description = "What would be done", body = CleanupStatus)
))]
#[expect(dead_code, reason = "documents the classic contract")]
fn cleanup_status() {}

/// Show the classic settings
#[utoipa::path(get, path = "/api/admin/cleanup/config", tag = "classic", responses(
    (status = 200, description = "The settings", body = CleanupConfig)
))]
#[expect(dead_code, reason = "documents the classic contract")]
fn cleanup_config() {}
