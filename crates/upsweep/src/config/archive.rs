//! What becomes of removed files, and where copies of them go.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use upsweep_adapters::archive;
use upsweep_engine::ports::Compression;
use upsweep_plan::action::Action;

use super::layers::Values;

/// An archive to copy to and to restore from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchiveConfig {
    pub(crate) dir: PathBuf,
    pub(crate) compression: Compression,
}

/// The action, with a copy made first where `backup_before_cleanup` asks for it.
pub(super) fn action(values: &Values) -> anyhow::Result<Action> {
    let action = match values.text("action")?.as_str() {
        "quarantine" => Action::Quarantine,
        "archive" => Action::Archive,
        "delete" => Action::Delete { backup: false },
        other => bail!("action = '{other}' must be quarantine, archive or delete ({})", values.origin("action")),
    };
    Ok(if values.flag("backup_before_cleanup")? { action.with_backup() } else { action })
}

/// The archive, if one is configured; it is needed where `action` makes copies.
pub(super) fn archive(values: &Values, action: Action, uploads: &Path) -> anyhow::Result<Option<ArchiveConfig>> {
    let compression = match values.text("archive_compression")?.as_str() {
        "none" => Compression::None,
        "zstd" => Compression::Zstd,
        other => {
            bail!("archive_compression = '{other}' must be none or zstd ({})", values.origin("archive_compression"))
        }
    };
    let Some(url) = values.optional("archive_url") else {
        if action.needs_copy() {
            let asked = match values.flag("backup_before_cleanup")? {
                true => "backup_before_cleanup = true",
                false => "action = archive",
            };
            bail!("{asked} needs an archive: set archive_url to a directory outside of the upload directory");
        }
        return Ok(None);
    };
    let origin = values.origin("archive_url");
    let dir = match archive::directory(&url) {
        Ok(dir) => resolved(&dir),
        Err(why) => bail!("archive_url: {why} ({origin})"),
    };
    let uploads = resolved(uploads);
    if is_within(&dir, &uploads) {
        bail!(
            "archive_url = {} lies in the upload directory {}; it must not ({origin})",
            dir.display(),
            uploads.display()
        );
    }
    if is_within(&uploads, &dir) {
        bail!(
            "archive_url = {} holds the upload directory {}; it must not: give the archive a folder of its own ({origin})",
            dir.display(),
            uploads.display()
        );
    }
    Ok(Some(ArchiveConfig { dir, compression }))
}

/// The path with its existing part resolved, as a directory there would be addressed.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(resolved), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            // Joined with nothing it would end in a slash.
            return if rest.as_os_str().is_empty() { resolved } else { resolved.join(rest) };
        }
    }
    path
}

/// Whether `inner` is `outer` or lies in it: by its path, or because one folder above it is the very same one,
/// reached another way (a bind mount).
fn is_within(inner: &Path, outer: &Path) -> bool {
    let identity = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    let outer_identity = identity(outer);
    inner.starts_with(outer)
        || (outer_identity.is_some() && inner.ancestors().any(|above| identity(above) == outer_identity))
}
