//! Folders that a plan would leave empty.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::Escaped;
use crate::listing::{EXAMPLES_MAX, Names};
use crate::reconcile::Removal;

/// A folder whose every file would go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vanishing {
    /// Its files, those in folders below included.
    pub files: u64,
    /// Its name, escaped for display.
    pub folder: String,
}

/// The folders below the top whose every one of the first `visible` files would go and that hold more than
/// `floor`, the largest first, at most [`EXAMPLES_MAX`]; a folder within another one that is named is left out.
#[must_use]
pub fn vanishing(names: &Names, visible: usize, removals: &[Removal], floor: u64) -> Vec<Vanishing> {
    let mut folders: BTreeMap<&[u8], (u64, u64)> = BTreeMap::new();
    for removal in removals {
        above(removal.key.as_bytes()).for_each(|folder| folders.entry(folder).or_default().0 += 1);
    }
    folders.retain(|_, (removals, _)| *removals > floor);
    if folders.is_empty() {
        return vec![];
    }
    for index in 0..visible {
        for folder in above(names.get(index)) {
            if let Some((_, files)) = folders.get_mut(folder) {
                *files += 1;
            }
        }
    }
    folders.retain(|_, (removals, files)| removals >= files);
    let outer = |folder: &&[u8]| !above(folder).any(|above| folders.contains_key(above));
    let mut found: Vec<Vanishing> = folders
        .iter()
        .filter(|(folder, _)| outer(folder))
        .map(|(folder, (_, files))| Vanishing { files: *files, folder: Escaped(folder).to_string() })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(EXAMPLES_MAX);
    found
}

/// The folders a name lies in, the outermost first.
fn above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::listing::{FileFacts, FileTime};
    use crate::policy::AgeFrom;
    use crate::verdict::Reason;

    fn removal(key: &str) -> Removal {
        let time = FileTime { secs: 0, nanos: 0 };
        let since = jiff::Timestamp::UNIX_EPOCH;
        Removal {
            key: Key::parse(key.as_bytes()).unwrap(),
            reason: Reason::Orphan { since, age_from: AgeFrom::Mtime, claimed_until: None },
            age_secs: 0,
            facts: FileFacts { dev: 1, ino: 1, size_bytes: 1, mtime: time, ctime: time, btime: None, links: 1 },
        }
    }

    fn named(files: &[&str], hidden: &[&str], removals: &[&str], floor: u64) -> Vec<(String, u64)> {
        let mut names = Names::default();
        for file in files.iter().chain(hidden) {
            names.push(file.as_bytes());
        }
        let removals: Vec<Removal> = removals.iter().map(|key| removal(key)).collect();
        let found = vanishing(&names, files.len(), &removals, floor);
        found.into_iter().map(|v| (v.folder, v.files)).collect()
    }

    #[test]
    fn only_folders_that_lose_every_file_are_named_and_only_the_outermost() {
        let files = ["a/1", "a/2", "a/b/3", "c/1", "c/2", "top"];
        let all = ["a/1", "a/2", "a/b/3", "c/1", "c/2", "top"];
        assert_eq!(named(&files, &[], &all, 1), [("a".to_owned(), 3), ("c".to_owned(), 2)]);
        assert_eq!(named(&files, &[], &all, 2), [("a".to_owned(), 3)]);
        assert_eq!(named(&files, &[], &["a/1", "a/2", "c/1"], 0), []);
        assert_eq!(named(&files, &[], &["a/b/3", "c/1"], 0), [("a/b".to_owned(), 1)]);
        assert_eq!(named(&files, &["c/3"], &["c/1", "c/2"], 1), [("c".to_owned(), 2)], "what is hidden is not there");
        assert_eq!(named(&files, &[], &["top"], 0), [], "the top is G003's");
    }
}
