//! What the disk below the uploads can do, and how much room it has.

use std::path::Path;

use super::Check;
use super::elsewhere::{Room, room};
use super::mounts::{self, Mount};
use crate::wire::Parts;
use crate::wire::probe::{self, Abilities, Ground};

pub(super) fn examine(parts: &Parts<'_>, checks: &mut Vec<Check>) {
    match probe::try_out(parts.local) {
        Ok(abilities) => abilities_of(&abilities, checks),
        Err(error) => checks.push(Check::problem(
            "file system",
            format!("nothing can be tried out in {}: {error}", parts.store.address()),
            "let upsweep's user write there",
        )),
    }
    if let Ok(ground) = probe::look(parts.local) {
        let Ground { free_bytes, free_files, .. } = ground;
        checks.push(room("room", Room { free_bytes, free_files }, "the quarantine and the uploads share it"));
    }
    let mounts = mounts::all();
    let mount = mounts::of(&mounts, parts.local.path());
    checks.push(discard(mount));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn who_frees_bytes_is_told_how_long_they_stay_readable() {
        let mount = |options: &[&str]| Mount {
            at: "/srv".into(),
            device: "no such device".to_owned(),
            kind: "ext4".to_owned(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
        };
        assert_eq!(discard(Some(&mount(&["rw", "discard"]))).status, Status::Good);
        let kept = discard(Some(&mount(&["rw", "nodiscard"])));
        assert_eq!(kept.status, Status::Note);
        assert!(kept.saw.contains("may stay readable"), "{kept:?}");
        assert_eq!(discard(None).status, Status::Skipped);
    }
}
