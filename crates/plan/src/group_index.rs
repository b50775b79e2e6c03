//! Which files may be related to a name, found without comparing it with all of them.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::fold::fold;
use crate::key::split_dir;
use crate::listing::Names;
use crate::variant::Variants;

/// Indices are kept in 32 bits: four billion files in one survey are refused elsewhere.
pub(crate) fn slot(index: usize) -> u32 {
    u32::try_from(index).expect("a survey holds fewer than 2^32 names")
}

/// Which part of a folded path counts.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// All of it.
    Path,
    /// Its last component: files are found in whatever folder.
    FileName,
}

impl Scope {
    pub(crate) fn of(self, folded: &[u8]) -> &[u8] {
        match self {
            Self::Path => folded,
            Self::FileName => split_dir(folded).1,
        }
    }
}

/// Finds the files of a group without comparing names: a chained hash table over group hashes.
pub(crate) struct GroupIndex {
    hasher: RandomState,
    first: HashMap<u64, u32>,
    chain: Vec<(u32, u32)>,
}

const END: u32 = u32::MAX;

impl GroupIndex {
    pub(crate) fn new(names: &Names, variants: &Variants, scope: Scope) -> Self {
        let mut index =
            Self { hasher: RandomState::new(), first: HashMap::with_capacity(names.len()), chain: Vec::new() };
        index.chain.reserve(names.len());
        for (at, name) in names.iter().enumerate() {
            let folded = fold(name);
            let counts = scope.of(&folded);
            let spelled = if counts.len() == folded.len() { name } else { counts };
            for hash in index.hashes(spelled, counts, variants) {
                let next = index.first.insert(hash, slot(index.chain.len())).unwrap_or(END);
                index.chain.push((slot(at), next));
            }
        }
        index
    }

    /// The hashes of all groups of a name. Both spellings count: a relation between two names as spelled
    /// implies a shared group as spelled, and one between two folded names a shared folded group.
    fn hashes(&self, name: &[u8], folded: &[u8], variants: &Variants) -> Vec<u64> {
        let hash = |path: &[u8]| self.hasher.hash_one(path);
        let joined = |dir: &[u8], stem: &[u8]| [dir, stem].concat();
        let mut hashes: Vec<u64> = variants.groups(folded).map(|g| hash(&joined(g.dir, g.stem))).collect();
        if name != folded {
            hashes.extend(variants.groups(name).map(|g| hash(&fold(&joined(g.dir, g.stem)))));
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Indices of the files that share a group with a name, and perhaps of a few others.
    pub(crate) fn relatives(&self, name: &[u8], folded: &[u8], variants: &Variants) -> Vec<u32> {
        let mut found: Vec<u32> = self.relatives_of_each(name, folded, variants).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same, group by group: a file may occur more than once.
    pub(crate) fn relatives_of_each(
        &self,
        name: &[u8],
        folded: &[u8],
        variants: &Variants,
    ) -> impl Iterator<Item = u32> {
        self.hashes(name, folded, variants).into_iter().flat_map(|hash| self.chained(hash))
    }

    /// Indices of the files in the group of this folded path, and perhaps of a few others.
    pub(crate) fn members(&self, folded_group: &[u8]) -> Vec<u32> {
        self.chained(self.hasher.hash_one(folded_group)).collect()
    }

    fn chained(&self, hash: u64) -> impl Iterator<Item = u32> {
        let mut at = self.first.get(&hash).copied().unwrap_or(END);
        std::iter::from_fn(move || {
            let (index, next) = *self.chain.get(at as usize)?;
            at = next;
            Some(index)
        })
    }
}
