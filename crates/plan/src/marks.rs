//! What all claims together say about one file.

use std::collections::BTreeSet;

use crate::standing::Ends;

/// What all claims together say about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// A live claim covers the file itself, its original, a variant's group, or a pattern that matches one of those.
    pub live: bool,
    /// A hold covers it, or a file of its group, or a row that names it.
    pub held: bool,
    /// A live claim's name, or one that is no key, is nearly this file's: it stays, whoever else has ended.
    pub near: bool,
    /// A failed or expiring claim's name is nearly this file's, or that of a variant of it: it is nobody's orphan.
    pub near_ended: bool,
    /// Failed and expiring claims that name exactly this file or its original.
    pub ended: Option<EndedMark>,
    /// When the claims end that may mean this file without naming it: those nearly named like it, and those whose
    /// file this one is a part of, still being written.
    pub attached: Option<Ends>,
    /// It looks like the missing file of a live claim.
    pub relinkable: bool,
}

impl Marks {
    /// Whether any claim explains why the file is there.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        let Self { live, held: _, near, near_ended, ended, attached, relinkable: _ } = self;
        *live || *near || *near_ended || ended.is_some() || attached.is_some()
    }
}

/// The failed and expiring claims on one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedMark {
    /// When the last of them ends.
    pub ends: Ends,
    /// The rows they came from.
    pub owners: BTreeSet<String>,
}
