//! Which files the holds cover, each with its group.

use std::collections::HashSet;

use crate::fold::fold;
use crate::group_index::GroupIndex;
use crate::hold::HoldTarget;
use crate::listing::Names;
use crate::variant::Variants;

/// What is held among some names.
pub(crate) struct Held<'a> {
    names: &'a Names,
    variants: &'a Variants,
    /// Identifiers of rows, folded: a person may spell them in another way than the database.
    owners: HashSet<Vec<u8>>,
    files: HashSet<u32>,
}

impl<'a> Held<'a> {
    pub(crate) fn new(names: &'a Names, variants: &'a Variants) -> Self {
        Self { names, variants, owners: HashSet::new(), files: HashSet::new() }
    }

    pub(crate) fn hold(&mut self, groups: &GroupIndex, target: &HoldTarget) {
        let names = self.names;
        match target {
            HoldTarget::Owner(owner) => drop(self.owners.insert(fold(owner.as_bytes()).into_owned())),
            HoldTarget::Key(key) => self.hold_group(groups, key.as_bytes()),
            HoldTarget::Prefix(prefix) => {
                let prefix = prefix.as_bytes();
                let folded = fold_prefix(prefix);
                let begins = |name: &&[u8]| name.starts_with(prefix) || fold(name).starts_with(&folded);
                names.iter().filter(begins).for_each(|name| self.hold_group(groups, name));
            }
        }
    }

    /// Whether the row of this identifier is held.
    pub(crate) fn covers_row(&self, owner: &str) -> bool {
        !self.owners.is_empty() && self.owners.contains(&*fold(owner.as_bytes()))
    }

    /// Holds whatever may belong to a name, and what is kept or removed together with that.
    pub(crate) fn hold_group(&mut self, groups: &GroupIndex, name: &[u8]) {
        for index in groups.relatives(name, &fold(name), self.variants) {
            let main = self.main_group(index);
            let together = groups.members(&main).into_iter().filter(|other| self.main_group(*other) == main);
            let together: Vec<u32> = together.collect();
            self.files.insert(index);
            self.files.extend(together);
        }
    }

    fn main_group(&self, index: u32) -> Vec<u8> {
        let folded = fold(self.names.get(index as usize));
        let group = self.variants.main_group(&folded);
        [group.dir, group.stem].concat()
    }

    pub(crate) fn into_files(self) -> HashSet<u32> {
        self.files
    }
}

/// How the folded names begin whose names begin with `prefix`; the end of a prefix is no slash too many.
fn fold_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut folded = fold(&[prefix, b"x"].concat()).into_owned();
    folded.pop();
    folded
}
