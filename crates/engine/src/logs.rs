//! What may be said in logs. Recordings are health data, and their names tell of people: so whatever holds a name,
//! and be it inside an error's text, goes out under a target of its own, which is silent unless somebody asks for it.

use std::fmt::Display;

use upsweep_plan::key::Key;

use crate::ports::OpId;

/// The target of log lines that may hold names of files.
pub const FILE_NAMES: &str = "upsweep::file_names";

/// Notes what became of one file.
pub fn file(op: OpId, key: &Key, what: &'static str) {
    tracing::info!(target: FILE_NAMES, op = %op, file = %key, "{what}");
}

/// Warns of an operation that failed. Its cause may name files, so it is told apart.
pub fn operation_failed(op: OpId, error: &dyn Display, what: &'static str) {
    tracing::warn!(op = %op, "{what}");
    tracing::warn!(target: FILE_NAMES, op = %op, %error, "{what}");
}

/// Warns of a reading that failed. Its cause may name files, so it is told apart.
pub fn failed(error: &dyn Display, what: &'static str) {
    tracing::warn!("{what}");
    tracing::warn!(target: FILE_NAMES, %error, "{what}");
}

/// Warns of something that failed with what a run hid. Its cause may name files, so it is told apart.
pub fn quarantine_failed(run: &str, error: &dyn Display, what: &'static str) {
    tracing::warn!(run, "{what}");
    tracing::warn!(target: FILE_NAMES, run, %error, "{what}");
}
