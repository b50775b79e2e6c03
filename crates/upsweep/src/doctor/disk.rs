//! What the disk below the uploads can do, and how much room it has.

use std::path::Path;

use super::Check;
use super::mounts::{self, Mount};
use crate::config::Config;
use crate::render;
use crate::wire::Parts;
use crate::wire::probe::{self, Abilities};

/// Below this the journal may soon not be written any more.
const FREE_BYTES_MIN: u64 = 64 << 20;
const FREE_FILES_MIN: u64 = 1_000;

pub(super) fn examine(parts: &Parts<'_>, config: &Config, checks: &mut Vec<Check>) {
    match probe::try_out(parts.local) {
        Ok(abilities) => abilities_of(&abilities, checks),
        Err(error) => checks.push(Check::problem(
            "file system",
            format!("nothing can be tried out in {}: {error}", parts.store.address()),
            "let upsweep's user write there",
        )),
    }
    if let Ok(ground) = probe::look(parts.local) {
        let files = ground.free_files.map(|files| format!(", room for {files} more files")).unwrap_or_default();
        let saw = format!("{} free{files}; the quarantine and the uploads share it", render::size(ground.free_bytes));
        let is_short = ground.free_bytes < FREE_BYTES_MIN || ground.free_files.is_some_and(|n| n < FREE_FILES_MIN);
        checks.push(if is_short {
            Check::warning("room", saw, "make room: hiding a file needs none, but the journal does")
        } else {
            Check::good("room", saw)
        });
    }
    let mounts = mounts::all();
    let mount = mounts::of(&mounts, parts.local.path());
    checks.push(discard(mount));
    checks.push(ledger_disk(parts, config, &mounts));
}

fn abilities_of(abilities: &Abilities, checks: &mut Vec<Check>) {
    let Abilities { scratch, renames_without_replacing, opens_beneath, tells_birth, folds_case } = abilities;
    checks.push(Check::note("scratch", format!("some things were tried out in {scratch}, which is removed again")));
    checks.push(match renames_without_replacing {
        Some(true) => Check::good("renames", "a rename never replaces another file"),
        None => Check::warning(
            "renames",
            "this file system has no renames that never replace (NFS, some network drives); upsweep moves files in other ways, which are as careful and less well proven",
            "keep the uploads on a local file system, if you can",
        ),
        Some(false) => Check::problem(
            "renames",
            "this file system replaced a file although it was told not to",
            "do not let upsweep remove anything here; tell its authors which file system this is",
        ),
    });
    checks.push(if *opens_beneath {
        Check::good("links", "a link on the way to a file is refused by the kernel")
    } else {
        Check::problem("links", "the kernel followed a link that it was told to refuse", "use a newer kernel")
    });
    checks.push(if *tells_birth {
        Check::good("birth times", "the file system tells when a file was born")
    } else {
        Check::note("birth times", "the file system does not tell when a file was born; its other facts must do")
    });
    checks.push(if *folds_case {
        Check::note("case", "names that differ only in case are the same file here; such claims protect it")
    } else {
        Check::good("case", "names that differ in case are different files")
    });
}

/// Freed bytes may be read from the bare disk until they are overwritten or discarded.
fn discard(mount: Option<&Mount>) -> Check {
    const NAME: &str = "freed bytes";
    let Some(mount) = mount else {
        return Check::skipped(NAME, "it is not known which disk this is");
    };
    if mount.options.iter().any(|option| option == "discard") {
        return Check::good(NAME, "the disk is told at once which bytes are freed (mount option discard)");
    }
    let queue = format!("/sys/dev/block/{}", mount.device);
    let can_discard = ["queue/discard_max_bytes", "../queue/discard_max_bytes"]
        .iter()
        .find_map(|name| std::fs::read_to_string(Path::new(&queue).join(name)).ok())
        .map(|bytes| bytes.trim() != "0");
    let advice = match can_discard {
        Some(true) => "; fstrim tells the disk, for instance with systemd's fstrim.timer",
        Some(false) => "; this disk cannot be told, so only encryption or overwriting helps",
        None => "",
    };
    Check::note(NAME, format!("bytes that were freed may stay readable on the bare disk for a while{advice}"))
}

/// Where SQLite's write-ahead log does not work reliably.
const NETWORK: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "lustre", "gpfs", "fuse.sshfs", "fuse.glusterfs"];

fn ledger_disk(parts: &Parts<'_>, config: &Config, mounts: &[Mount]) -> Check {
    const NAME: &str = "ledger's disk";
    let place = parts.home.ledger_place().shown;
    let folder = match &config.ledger {
        Some(path) => std::path::absolute(path).ok().and_then(|path| path.parent()?.canonicalize().ok()),
        None => Some(parts.local.path().to_owned()),
    };
    match folder.as_deref().and_then(|folder| mounts::of(mounts, folder)) {
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
