//! What a clean-up writes to beside the upload directory: the ledger, which may lie elsewhere, and the archive.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat, statvfs};

use super::Check;
use super::mounts::{self, Mount};
use crate::config::{ArchiveConfig, Config};
use crate::render;
use crate::wire::Parts;

/// Below this the journal may soon not be written any more.
const FREE_BYTES_MIN: u64 = 64 << 20;
const FREE_FILES_MIN: u64 = 1_000;

/// How much a disk can still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes free for this user.
    pub(super) free_bytes: u64,
    /// Files that can still be made; `None` where the file system has no such limit.
    pub(super) free_files: Option<u64>,
}

impl Room {
    fn of(folder: &Path) -> Option<Self> {
        let space = statvfs(folder).ok()?;
        Some(Self {
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
            free_files: (space.f_files > 0).then_some(space.f_favail),
        })
    }
}

pub(super) fn examine(parts: &Parts<'_>, config: &Config, checks: &mut Vec<Check>) {
    let folder = match &config.ledger {
        Some(path) => std::path::absolute(path).ok().and_then(|path| path.parent()?.canonicalize().ok()),
        None => Some(parts.local.path().to_owned()),
    };
    checks.push(ledger_disk(&parts.home.ledger_place().shown, folder.as_deref(), &mounts::all()));
    if config.ledger.is_some()
        && let Some(room_there) = folder.as_deref().and_then(Room::of)
    {
        checks.push(room("ledger's room", room_there, "the ledger grows with every file that is hidden"));
    }
    if let Some(ArchiveConfig { dir, compression: _ }) = &config.archive {
        archive(dir, parts.local.path(), checks);
    }
}

/// Whether there is room enough to go on.
pub(super) fn room(name: &'static str, Room { free_bytes, free_files }: Room, what: &str) -> Check {
    let files = free_files.map(|files| format!(", room for {files} more files")).unwrap_or_default();
    let saw = format!("{} free{files}; {what}", render::size(free_bytes));
    if free_bytes < FREE_BYTES_MIN || free_files.is_some_and(|files| files < FREE_FILES_MIN) {
        Check::warning(name, saw, "make room: hiding a file needs none, but the journal does, and so do copies")
    } else {
        Check::good(name, saw)
    }
}

fn archive(dir: &PathBuf, uploads: &Path, checks: &mut Vec<Check>) {
    const NAME: &str = "archive";
    let shown = dir.display();
    let there = match std::fs::metadata(dir) {
        Ok(there) if there.is_dir() => there,
        Ok(_) => {
            let saw = format!("{shown} is no directory");
            return checks.push(Check::problem(NAME, saw, "set UPSWEEP_ARCHIVE_URL to a directory"));
        }
        Err(error) => {
            let saw = format!("{shown} cannot be looked at: {error}");
            return checks.push(Check::problem(NAME, saw, "mount its disk, or make the directory"));
        }
    };
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    checks.push(match accessat(CWD, dir, wanted, AtFlags::EACCESS) {
        Err(errno) => {
            let cause = std::io::Error::from(errno);
            Check::problem(NAME, format!("no copy can be made in {shown}: {cause}"), "let upsweep's user write there")
        }
        Ok(()) if std::fs::metadata(uploads).is_ok_and(|uploads| uploads.dev() == there.dev()) => Check::note(
            NAME,
            format!("{shown} is on the disk of the uploads: its copies outlive a mistake, but not that disk"),
        ),
        Ok(()) => Check::good(NAME, format!("copies can be made in {shown}")),
    });
    checks.extend(Room::of(dir).map(|there| room("archive's room", there, "copies need it")));
}

/// Where SQLite's write-ahead log does not work reliably.
const NETWORK: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "lustre", "gpfs", "fuse.sshfs", "fuse.glusterfs"];

fn ledger_disk(place: &str, folder: Option<&Path>, mounts: &[Mount]) -> Check {
    const NAME: &str = "ledger's disk";
    match folder.and_then(|folder| mounts::of(mounts, folder)) {
        Some(mount) if NETWORK.contains(&mount.kind.as_str()) => Check::warning(
            NAME,
            format!("the ledger {place} is on a network file system ({}), where SQLite is not reliable", mount.kind),
            "set UPSWEEP_LEDGER_URL to a file on a local disk, and move the ledger there",
        ),
        Some(mount) => {
            Check::good(NAME, format!("the ledger's place {place} is on a local file system ({})", mount.kind))
        }
        None => Check::warning(
            NAME,
            format!("the folder of the ledger {place} cannot be reached"),
            "make it, or set UPSWEEP_LEDGER_URL to another file",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn little_room_is_worth_a_warning() {
        let status = |free_bytes, free_files| room("room", Room { free_bytes, free_files }, "").status;
        assert_eq!(status(FREE_BYTES_MIN, Some(FREE_FILES_MIN)), Status::Good);
        assert_eq!(status(FREE_BYTES_MIN, None), Status::Good);
        assert_eq!(status(FREE_BYTES_MIN - 1, None), Status::Warning);
        assert_eq!(status(FREE_BYTES_MIN, Some(FREE_FILES_MIN - 1)), Status::Warning);
    }

    #[test]
    fn a_ledger_belongs_on_a_local_disk() {
        let mount = |at: &str, kind: &str| Mount {
            at: at.into(),
            device: String::new(),
            kind: kind.to_owned(),
            options: vec![],
        };
        let mounts = [mount("/", "ext4"), mount("/net", "nfs4")];
        let status = |folder: Option<&str>| ledger_disk("x.db", folder.map(Path::new), &mounts).status;
        assert_eq!(status(Some("/var/lib")), Status::Good);
        assert_eq!(status(Some("/net/lib")), Status::Warning);
        assert_eq!(status(None), Status::Warning);
    }
}
