//! What one command is limited to.

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use upsweep_engine::ports::Clock as _;
use upsweep_plan::selection::Selection;

use super::moment;
use crate::clock::SystemClock;
use crate::exit::UsageError;

/// Limits of one plan; an original and its variants stay together, whatever is selected.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Selection (an original and its variants stay together)")]
pub(super) struct Select {
    /// Only files that may go for these reasons, separated by commas
    #[arg(long, value_name = "REASON", value_delimiter = ',')]
    only: Vec<Only>,
    /// Only files whose names begin so; may be given several times
    #[arg(long, value_name = "PREFIX")]
    prefix: Vec<String>,
    /// Only files last modified at this time or later: 2026-11-01, 2026-11-01T08:00:00Z, or 30d for 30 days ago
    #[arg(long, value_name = "TIME")]
    modified_after: Option<String>,
    /// Only files last modified before this time
    #[arg(long, value_name = "TIME")]
    modified_before: Option<String>,
    /// Only files of sessions that were created (or expired) at this time or later; no orphans
    #[arg(long, value_name = "TIME")]
    created_after: Option<String>,
    /// Only files of sessions that were created (or expired) before this time; no orphans
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// Only files that are, with their variants, at least this large: 500kB, 2MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    min_size: Option<bytesize::ByteSize>,
    /// At most this many files, those that may go the longest first
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Only {
    /// Files that nobody claims
    Orphans,
    /// Files of failed sessions
    Failed,
    /// Files of rows that have expired
    Expired,
}

impl Only {
    fn kind(self) -> &'static str {
        match self {
            Self::Orphans => "orphan",
            Self::Failed => "failed_session",
            Self::Expired => "expired",
        }
    }
}

fn size(text: &str) -> Result<bytesize::ByteSize, String> {
    text.parse().map_err(|_| "write it as 500kB or 2MiB".to_owned())
}

impl Select {
    /// The selection that is meant.
    pub(super) fn selection(&self) -> Result<Selection, UsageError> {
        let Self { only, prefix, modified_after, modified_before, created_after, created_before, min_size, limit } =
            self;
        let now = SystemClock::new().now();
        let time = |flag: &str, text: &Option<String>| {
            text.as_ref().map(|text| moment::past(flag, text, now, &TimeZone::system())).transpose()
        };
        Ok(Selection {
            only: only.iter().map(|only| only.kind().to_owned()).collect(),
            prefixes: prefix.clone(),
            modified_after: time("--modified-after", modified_after)?,
            modified_before: time("--modified-before", modified_before)?,
            created_after: time("--created-after", created_after)?,
            created_before: time("--created-before", created_before)?,
            dated_after: None,
            dated_before: None,
            min_size_bytes: min_size.map(|size| size.as_u64()),
            limit: *limit,
        })
    }
}
