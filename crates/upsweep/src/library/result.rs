//! What a clean-up did, or would do: one form for the HTTP answer and for an application that embeds it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Lists of names hold at most this many; counts always tell all.
pub const NAMES_MAX: usize = 10_000;

/// What a clean-up did, or would do.
///
/// "Deleted" means gone from the upload directory. Unless [`action`](Self::action) is `delete`, the files lie in the
/// quarantine then, and their bytes are freed by a later call, once the quarantine time is over.
///
/// The first eight fields are those of the classic service, by their classic names. Sizes are in megabytes of 1024²
/// bytes, rounded to two digits. A list of names holds at most [`NAMES_MAX`] of them; the counts are never cut.
/// A name that is no UTF-8 is shown with escapes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct CleanupResult {
    /// Files that no session claims, and that went (or would go), in byte order.
    pub orphaned_files_deleted: Vec<String>,
    /// How many those are.
    pub orphaned_files_count: u64,
    /// Ids of failed sessions whose files went (or would go), in order, each once.
    pub failed_sessions_cleaned: Vec<String>,
    /// How many those are.
    pub failed_sessions_count: u64,
    /// The size of the files that this call lists, whether hidden or freed, in MB.
    pub total_space_freed_mb: f64,
    /// What went wrong with single files; everything else was done.
    pub errors: Vec<String>,
    /// How many those are.
    pub error_count: u64,
    /// Whether nothing was changed, and all of this is only what would be done.
    pub dry_run: bool,

    /// The files of those failed sessions.
    pub failed_session_files_deleted: Vec<String>,
    /// How many those are.
    pub failed_session_files_count: u64,
    /// Files of rows that have expired; only claim rules of one's own know such rows.
    pub expired_files_deleted: Vec<String>,
    /// How many those are.
    pub expired_files_count: u64,
    /// Files that were (or would be) brought back, because a session claims them again.
    pub restored_files: Vec<String>,
    /// How many those are.
    pub restored_files_count: u64,
    /// What becomes of the files: `quarantine`, `archive`, `delete` or `backup-and-delete`.
    pub action: String,
    /// Part of `total_space_freed_mb` that still takes up room: hidden, and freed once its quarantine is over.
    pub space_pending_purge_mb: f64,
    /// What this call freed of files that earlier ones had hidden, in MB; no part of `total_space_freed_mb`.
    pub space_freed_by_purge_mb: f64,
    /// How many files that was.
    pub files_freed_by_purge: u64,
    /// When the first of the files that are hidden now may be freed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_purge_at: Option<Timestamp>,
    /// The run, as the history names it; none for a dry run.
    pub run_id: Option<String>,
    /// When store and database were looked at; none where there was nothing to look at.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub surveyed_at: Option<Timestamp>,
    /// The guards that would refuse a real run now. Only a dry run and the status fill it: a real run is refused.
    pub would_refuse: Vec<Objection>,
    /// What somebody should know who looks at this.
    pub warnings: Vec<String>,
    /// Whether a list of names was cut.
    pub truncated: bool,
    /// What lies in the quarantine; only the status says it, of a store that was bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
}

/// Why a guard refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct Objection {
    /// The guard's stable code, as in `G003`.
    pub code: String,
    /// What it saw.
    pub saw: String,
    /// The likely cause.
    pub likely: String,
    /// What to do next.
    pub next: String,
}

/// What lies in the quarantine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct Hidden {
    /// How many files.
    pub files: u64,
    /// Their size, in MB.
    pub mb: f64,
}

impl From<&upsweep_plan::guard::Refusal> for Objection {
    fn from(refusal: &upsweep_plan::guard::Refusal) -> Self {
        let upsweep_plan::guard::Refusal { code, saw, likely, next } = refusal;
        Self { code: code.to_string(), saw: saw.clone(), likely: likely.clone(), next: next.clone() }
    }
}

/// Bytes as MB of 1024², rounded to two digits.
#[expect(clippy::cast_precision_loss, reason = "two digits of megabytes need no more")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / (1024.0 * 1024.0) * 100.0).round() / 100.0
}
