//! Files that the user asked for, written as a whole or not at all.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use upsweep_engine::ports::{Clock as _, Ids as _};

use crate::clock::{SystemClock, TimedIds};

/// Writes a new file beside `path`, which then takes its name: what is there is never half written. It names
/// recordings and sessions, so it is for its owner alone.
///
/// # Errors
/// What the system said, or what `write` did; then whatever bore the name before is as it was.
pub(crate) fn replacing(path: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let fresh = path.with_extension(format!("{}.new", TimedIds.fresh(SystemClock::new().now())));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = write(&mut file).and_then(|()| {
        file.flush()?;
        Ok(file.sync_all()?)
    });
    settle(&fresh, path, written)
}

#[expect(clippy::disallowed_methods, reason = "replaces a file that the user named for it, or clears its own away")]
fn settle(fresh: &Path, path: &Path, written: anyhow::Result<()>) -> anyhow::Result<()> {
    match written {
        Ok(()) => Ok(std::fs::rename(fresh, path)?),
        Err(error) => {
            // The error that is told is the one that matters.
            let _ = std::fs::remove_file(fresh);
            Err(error)
        }
    }
}
