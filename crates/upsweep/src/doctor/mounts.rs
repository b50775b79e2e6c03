//! Which file systems there are, and what is mounted where.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Check;
use crate::wire::Parts;

/// One line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) at: PathBuf,
    pub(super) device: String,
    pub(super) kind: String,
    pub(super) options: Vec<String>,
}

pub(super) fn all() -> Vec<Mount> {
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let before: Vec<&str> = before.split(' ').collect();
    let after: Vec<&str> = after.split(' ').collect();
    let options = before.get(5)?.split(',').chain(after.get(2)?.split(',')).map(str::to_owned);
    Some(Mount {
        device: (*before.get(2)?).to_owned(),
        at: unescaped(before.get(4)?),
        kind: (*after.first()?).to_owned(),
        options: options.collect(),
    })
}

/// Blanks and the like are written as a backslash and three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if bytes[at] == b'\\' => {
                plain.push(byte);
                at += 4;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&plain))
}

/// The mount that `path`, without links in it, is on.
pub(super) fn of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    // Of several at one place the last one hides the others.
    mounts.iter().rev().filter(|mount| path.starts_with(&mount.at)).max_by_key(|mount| mount.at.components().count())
}

pub(super) fn examine(parts: &Parts<'_>, checks: &mut Vec<Check>) {
    let root = parts.local.path();
    let below: Vec<String> = all()
        .iter()
        .filter(|mount| mount.at.starts_with(root) && mount.at != root)
        .map(|mount| mount.at.display().to_string())
        .collect();
    checks.push(if below.is_empty() {
        Check::good("mounts", "no other file system is mounted below the upload directory")
    } else {
        Check::note(
            "mounts",
            format!("other file systems are mounted below it and never entered: {}", below.join(", ")),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_on_the_innermost_mount() {
        let lines = [
            "22 27 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard",
            r"23 22 8:2 / /srv/my\040uploads rw - xfs /dev/sda2 rw",
            "24 22 0:40 / /srv/far rw,relatime master:3 shared:7 - nfs4 host:/x rw,vers=4.2",
        ];
        let mounts: Vec<Mount> = lines.iter().filter_map(|line| parse(line)).collect();
        let kind = |path: &str| of(&mounts, Path::new(path)).map(|mount| mount.kind.as_str());
        assert_eq!(kind("/srv/my uploads/a"), Some("xfs"));
        assert_eq!(kind("/srv/my uploads-2"), Some("ext4"));
        assert_eq!(kind("/srv/far/x"), Some("nfs4"));
        assert!(mounts[0].options.contains(&"discard".to_owned()));
        assert_eq!(mounts[1].device, "8:2");
    }
}
