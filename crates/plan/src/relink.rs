//! Orphans that look like a missing file: somebody renamed one side, and the other was left behind.
//!
//! Such a file is kept, and a report says how to mend it. Nothing is ever renamed or rewritten here.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use crate::fold::fold;
use crate::group_index::slot;
use crate::key::{Key, split_dir, split_ext};
use crate::listing::Names;

/// Why a file looks like one that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same name in another folder.
    OtherFolder,
    /// The same name with another extension.
    OtherExtension,
    /// The same letters and digits; only marks and blanks differ.
    SameLetters,
    /// It is named after the row that claims the missing file.
    NamedAfterRow,
}

impl Likeness {
    /// The words for reports: the file …
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::OtherFolder => "has its name, in another folder",
            Self::OtherExtension => "has its name with another extension",
            Self::SameLetters => "differs from it in marks and blanks only",
            Self::NamedAfterRow => "is named after the row that claims it",
        }
    }
}

/// A missing file that a file looks like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Relink {
    /// In which way.
    pub likeness: Likeness,
    /// The missing name.
    pub claimed: Key,
    /// The row that claims it; empty when its rule names no owner column.
    pub owner: String,
    /// The rule, as an index into the policy's.
    pub rule: usize,
}

/// Finds the files whose letters and digits are those of a missing name.
pub(crate) struct Skeletons {
    hasher: RandomState,
    first: HashMap<u64, u32>,
    next: Vec<u32>,
}

const END: u32 = u32::MAX;

impl Skeletons {
    pub(crate) fn new(names: &Names) -> Self {
        let mut index = Self {
            hasher: RandomState::new(),
            first: HashMap::with_capacity(names.len()),
            next: Vec::with_capacity(names.len()),
        };
        for (at, name) in names.iter().enumerate() {
            let before = match skeleton(&fold(name)) {
                bones if bones.is_empty() => END,
                bones => index.first.insert(index.hasher.hash_one(&*bones), slot(at)).unwrap_or(END),
            };
            index.next.push(before);
        }
        index
    }

    /// The files that look like the missing name, and in which way.
    pub(crate) fn like(&self, names: &Names, claimed: &[u8]) -> Vec<(u32, Likeness)> {
        let claimed = fold(claimed);
        let bones = skeleton(&claimed);
        let mut at = self.first.get(&self.hasher.hash_one(&*bones)).copied().unwrap_or(END);
        let mut found = Vec::new();
        while let Some(next) = self.next.get(at as usize) {
            let file = fold(names.get(at as usize));
            // Hashes of different names may be the same.
            if !bones.is_empty() && skeleton(&file) == bones {
                found.push((at, likeness(&claimed, &file)));
            }
            at = *next;
        }
        found
    }
}

fn likeness(claimed: &[u8], file: &[u8]) -> Likeness {
    let (claimed, file) = (split_dir(claimed).1, split_dir(file).1);
    if claimed == file {
        Likeness::OtherFolder
    } else if split_ext(claimed).0 == split_ext(file).0 {
        Likeness::OtherExtension
    } else {
        Likeness::SameLetters
    }
}

/// The letters and digits of a folded name's stem. A mark between two digits stays, so that `1-12` is not `11-2`.
fn skeleton(folded: &[u8]) -> Vec<u8> {
    let stem = split_ext(split_dir(folded).1).0;
    let mut bones: Vec<u8> = Vec::with_capacity(stem.len());
    let mut skipped = false;
    for &byte in stem {
        if !byte.is_ascii_alphanumeric() && byte.is_ascii() {
            skipped = true;
            continue;
        }
        if skipped && byte.is_ascii_digit() && bones.last().is_some_and(u8::is_ascii_digit) {
            bones.push(b'-');
        }
        skipped = false;
        bones.push(byte);
    }
    bones
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(files: &[&str], claimed: &str) -> Vec<(usize, Likeness)> {
        let mut names = Names::default();
        for file in files {
            names.push(file.as_bytes());
        }
        let mut found: Vec<(usize, Likeness)> = Skeletons::new(&names)
            .like(&names, claimed.as_bytes())
            .into_iter()
            .map(|(at, l)| (at as usize, l))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn files_that_look_like_a_missing_one_are_found() {
        let files = ["old/first talk.m4a", "first_talk.M4A", "first-talk.wav", "first talk.wav", "first talks.m4a"];
        assert_eq!(
            like(&files, "first talk.m4a"),
            [
                (0, Likeness::OtherFolder),
                (1, Likeness::SameLetters),
                (2, Likeness::SameLetters),
                (3, Likeness::OtherExtension)
            ]
        );
    }

    #[test]
    fn numbers_stay_apart() {
        assert_eq!(like(&["11-2.m4a", "112.m4a", "1_12.m4a"], "1-12.m4a"), [(2, Likeness::SameLetters)]);
        assert_eq!(like(&["session 101.m4a", "session 102.m4a"], "session-102.m4a"), [(1, Likeness::SameLetters)]);
        assert_eq!(like(&["-.m4a", "+.m4a"], "_.m4a"), []);
    }
}
