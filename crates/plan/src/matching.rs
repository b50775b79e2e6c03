//! Who claims what: claims are streamed past the files of a listing and leave their marks on them.
//!
//! The same code serves the survey (all files), the recheck (the planned removals) and the watch over the
//! quarantine (the hidden files). Marks only ever add up, so the order of claims cannot matter.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::claim::{Claim, Standing, Target};
use crate::fold::{fold, hides_a_path};
use crate::glob::{Glob, Piece};
use crate::group_index::{GroupIndex, Scope, slot};
use crate::key::{Escaped, Key, KeyError};
use crate::listing::{EXAMPLES_MAX, Names, Sealed, keep_smallest};
use crate::pattern_index::PatternIndex;
use crate::variant::{Relation, Variants};

/// How many missing files a report names.
pub const MISSING_NAMED_MAX: usize = 1_000;

/// What all claims together say about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// A live claim covers the file itself, its original, a variant's group, or a pattern that matches one of those.
    pub live: bool,
    /// A live claim's name, or one that is no key, is nearly this file's: it stays, whoever else failed.
    pub near: bool,
    /// A failed claim's name is nearly this file's, or that of a variant of it: it is nobody's orphan.
    pub near_failed: bool,
    /// Failed claims that name exactly this file or its original.
    pub failed: Option<FailedMark>,
    /// The latest failure among the claims that may mean this file without naming it: those nearly named like
    /// it, and those whose file this one is a part of, still being written.
    pub attached: Option<Since>,
}

impl Marks {
    /// Whether any claim explains why the file is there.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        let Self { live, near, near_failed, failed, attached } = self;
        *live || *near || *near_failed || failed.is_some() || attached.is_some()
    }
}

/// Since when a failed session's file may be counted old; an unknown time is later than any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Since {
    /// The row says when.
    At(Timestamp),
    /// The row does not say.
    Unknown,
}

impl From<Option<Timestamp>> for Since {
    fn from(since: Option<Timestamp>) -> Self {
        since.map_or(Self::Unknown, Self::At)
    }
}

/// The failed claims on one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedMark {
    /// The latest of their times.
    pub since: Since,
    /// The rows they came from.
    pub owners: BTreeSet<String>,
}

/// What the claims amounted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Claims by standing.
    pub live: u64,
    /// Claims of failed sessions.
    pub failed: u64,
    /// Rows that name no file.
    pub nameless: u64,
    /// Rows whose names are no keys.
    pub unaddressable: u64,
    /// The first of those, in order.
    pub unaddressable_examples: Vec<UnaddressableClaim>,
    /// Live claims on exact names without a file.
    pub missing: u64,
    /// The first of their names, in byte order.
    pub missing_examples: Vec<Key>,
    /// Failed rows without a readable time: their files are kept.
    pub failed_without_time: u64,
    /// Files whose stem is the identifier of a row that claims another, missing name: a sign that files are
    /// named after that column.
    pub files_named_after_owner: u64,
}

/// A claim whose name is no key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnaddressableClaim {
    /// The name as the row spells it, escaped for display.
    pub value: String,
    /// The row.
    pub owner: String,
    /// Why it is no key.
    pub why: KeyError,
}

/// Claims being matched against names.
pub struct Matcher<'a> {
    names: &'a Names,
    variants: &'a Variants,
    groups: GroupIndex,
    patterns: PatternIndex<'a>,
    file_names: PatternIndex<'a>,
    live: Vec<bool>,
    near: Vec<bool>,
    near_failed: HashSet<u32>,
    named_after_owner: Vec<bool>,
    failed: HashMap<u32, FailedMark>,
    attached: HashMap<u32, Since>,
    tally: Tally,
    counted: Option<Tally>,
}

/// The outcome of matching.
#[derive(Debug)]
pub struct Matched {
    live: Vec<bool>,
    near: Vec<bool>,
    near_failed: HashSet<u32>,
    failed: HashMap<u32, FailedMark>,
    attached: HashMap<u32, Since>,
    /// What the claims amounted to.
    pub tally: Tally,
}

impl Matched {
    /// What the claims say about the file at `index` of the names they were matched against.
    #[must_use]
    pub fn marks(&self, index: usize) -> Marks {
        let slot = slot(index);
        Marks {
            live: self.live[index],
            near: self.near[index],
            near_failed: self.near_failed.contains(&slot),
            failed: self.failed.get(&slot).cloned(),
            attached: self.attached.get(&slot).copied(),
        }
    }

    /// How many of the first `len` files are explained by a claim of any standing.
    #[must_use]
    pub fn explained_files(&self, len: usize) -> u64 {
        (0..len).filter(|&index| self.marks(index).is_explained()).count() as u64
    }
}

impl<'a> Matcher<'a> {
    /// Prepares to match claims against `names`.
    #[must_use]
    pub fn new(names: &'a Names, variants: &'a Variants) -> Self {
        let groups = GroupIndex::new(names, variants, Scope::Path);
        let blank = || vec![false; names.len()];
        Self {
            names,
            variants,
            groups,
            patterns: PatternIndex::new(names, variants, Scope::Path),
            file_names: PatternIndex::new(names, variants, Scope::FileName),
            live: blank(),
            near: blank(),
            near_failed: HashSet::new(),
            named_after_owner: blank(),
            failed: HashMap::new(),
            attached: HashMap::new(),
            tally: Tally::default(),
            counted: None,
        }
    }

    /// Takes one claim into account.
    pub fn offer(&mut self, claim: Claim) {
        let Claim { target, owner, standing } = claim;
        match standing {
            Standing::Live => self.tally.live += 1,
            Standing::Failed { since } => {
                self.tally.failed += 1;
                self.tally.failed_without_time += u64::from(since.is_none());
            }
        }
        match target {
            Target::Nameless => self.tally.nameless += 1,
            Target::Exact(key) => {
                self.offer_exact(&key, &owner, standing);
                if hides_a_path(key.as_bytes()) {
                    self.offer_file_names(&Glob::new([Piece::Literal(key.as_bytes().to_vec())]), standing);
                }
            }
            Target::Pattern { name, hides_a_path } => {
                let reached = self.patterns.offer(&name, standing);
                self.mark_pattern(reached, standing);
                if hides_a_path {
                    self.offer_file_names(&name, standing);
                }
            }
            Target::Unaddressable { value, why, name } => {
                self.offer_unaddressable(&value, why, owner);
                // Nobody knows what it means, so its row's standing does not count.
                self.offer_file_names(&name, Standing::Live);
            }
        }
    }

    /// From here on claims leave marks, but are not counted: databases are read a second time.
    pub fn count_no_more(&mut self) {
        self.counted.get_or_insert_with(|| self.tally.clone());
    }

    /// Ends the matching. Call it only when every claim of every database was offered.
    #[must_use]
    pub fn seal(mut self) -> Sealed<Matched> {
        for (standing, reached) in self.patterns.finish() {
            self.mark_pattern(reached, standing);
        }
        for (standing, reached) in self.file_names.finish() {
            reached.into_iter().for_each(|index| self.mark_near(index, standing));
        }
        let Self { live, near, near_failed, failed, attached, tally, counted, named_after_owner, .. } = self;
        let mut tally = counted.unwrap_or(tally);
        tally.files_named_after_owner = named_after_owner.iter().filter(|named| **named).count() as u64;
        Sealed::new(Matched { live, near, near_failed, failed, attached, tally })
    }

    fn offer_exact(&mut self, key: &Key, owner: &str, standing: Standing) {
        let claimed = key.as_bytes();
        let folded = fold(claimed);
        let mut found = false;
        for index in self.groups.relatives(claimed, &folded, self.variants) {
            let name = self.names.get(index as usize);
            let exact = self.variants.relation(claimed, name);
            let near = || self.variants.relation_of_folded(&folded, &fold(name));
            found |= exact == Some(Relation::Same);
            match (exact, standing) {
                (Some(_), Standing::Live) => self.live[index as usize] = true,
                (Some(Relation::Same | Relation::Variant), Standing::Failed { since }) => {
                    self.mark_failed(index, since.into(), owner);
                }
                (Some(Relation::InProgress), Standing::Failed { since }) => self.attach(index, since.into()),
                (Some(Relation::Sibling), Standing::Failed { .. }) => self.mark_near(index, standing),
                (None, _) if near().is_some() => self.mark_near(index, standing),
                (None, _) => {}
            }
        }
        if !found && standing == Standing::Live {
            self.tally.missing += 1;
            keep_smallest(&mut self.tally.missing_examples, key.clone(), MISSING_NAMED_MAX);
            self.look_for_owner(owner);
        }
    }

    fn mark_near(&mut self, index: u32, standing: Standing) {
        match standing {
            Standing::Live => self.near[index as usize] = true,
            Standing::Failed { since } => {
                self.near_failed.insert(index);
                self.attach(index, since.into());
            }
        }
    }

    fn attach(&mut self, index: u32, since: Since) {
        let mark = self.attached.entry(index).or_insert(since);
        *mark = (*mark).max(since);
    }

    fn mark_failed(&mut self, index: u32, since: Since, owner: &str) {
        let mark = match self.failed.entry(index) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(FailedMark { since, owners: BTreeSet::new() }),
        };
        mark.since = mark.since.max(since);
        mark.owners.insert(owner.to_owned());
    }

    /// A claim without its file: is there a file named after the row instead?
    fn look_for_owner(&mut self, owner: &str) {
        if owner.is_empty() {
            return;
        }
        let folded = fold(owner.as_bytes());
        for index in self.groups.members(&folded) {
            let name = fold(self.names.get(index as usize));
            let named = self.variants.groups(&name).any(|group| group.dir.is_empty() && group.stem == &*folded);
            self.named_after_owner[index as usize] |= named;
        }
    }

    /// Patterns never condemn, so what a failed one reaches is merely not an orphan.
    fn mark_pattern(&mut self, reached: Vec<u32>, standing: Standing) {
        for index in reached {
            match standing {
                Standing::Live => self.live[index as usize] = true,
                Standing::Failed { .. } => self.mark_near(index, standing),
            }
        }
    }

    fn offer_unaddressable(&mut self, value: &[u8], why: KeyError, owner: String) {
        self.tally.unaddressable += 1;
        let example = UnaddressableClaim { value: shortened(value), owner, why };
        keep_smallest(&mut self.tally.unaddressable_examples, example, EXAMPLES_MAX);
    }

    /// Protects what is named like the last component of a path that may lie anywhere.
    fn offer_file_names(&mut self, path: &Glob, standing: Standing) {
        for name in path.file_names() {
            for index in self.file_names.offer(&name, standing) {
                self.mark_near(index, standing);
            }
        }
    }
}

/// A name for a report: escaped, and no longer than a line.
fn shortened(value: &[u8]) -> String {
    const SHOWN_MAX: usize = 200;
    match value.get(..SHOWN_MAX) {
        Some(head) => format!("{}… ({} bytes)", Escaped(head), value.len()),
        None => Escaped(value).to_string(),
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
