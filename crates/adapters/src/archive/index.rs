//! One line of an archive's index: what a person needs to bring a copy back when everything else is gone.

use serde::Serialize;
use upsweep_engine::ports::IndexLine;
use upsweep_plan::verdict::Reason;

use crate::encoded::encoded;

/// The version of the lines' form.
const FORMAT: u32 = 1;

/// The line as JSON, in this order. All but the reason is plain text without quotes or backslashes, so that a
/// shell can take it apart.
#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    op: u64,
    copy: &'a str,
    name: String,
    size: u64,
    mtime: String,
    mode: String,
    blake3: &'a str,
    compression: &'static str,
    hidden_at: String,
    reason: &'a Reason,
}

/// The line, without the end of a line.
pub(super) fn json(line: &IndexLine) -> serde_json::Result<String> {
    let IndexLine { op, file, key, size_bytes, mtime, mode, blake3, compression, reason, hidden_at } = line;
    serde_json::to_string(&Line {
        format: FORMAT,
        op: op.0,
        copy: file,
        name: encoded(key),
        size: *size_bytes,
        mtime: format!("{}.{:09}", mtime.secs, mtime.nanos),
        mode: format!("{mode:03o}"),
        blake3,
        compression: compression.word(),
        hidden_at: hidden_at.to_string(),
        reason,
    })
}
