//! Who claims what: claims are streamed past the files of a listing and leave their marks on them.
//!
//! The same code serves the survey (all files), the recheck (the planned removals) and the watch over the
//! quarantine (the hidden files). Marks only ever add up, so the order of claims cannot matter.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::baseline::Fingerprints;
use crate::claim::{Claim, Target};
use crate::fold::{fold, hides_a_path};
use crate::glob::{Glob, Piece};
use crate::group_index::{GroupIndex, Scope, slot};
use crate::held::Held;
use crate::hold::HoldTarget;
use crate::key::{Escaped, Key, KeyError};
use crate::listing::{EXAMPLES_MAX, Names, Sealed, keep_smallest};
use crate::marks::{EndedMark, Marks};
use crate::pattern_index::PatternIndex;
use crate::relink::{Likeness, Relink, Skeletons};
use crate::standing::{Ends, Standing, Worth};
use crate::variant::{Relation, Variants};

/// How many missing files a report names.
pub const MISSING_NAMED_MAX: usize = 1_000;

/// What the claims amounted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Claims by standing.
    pub live: u64,
    /// Claims of failed sessions.
    pub failed: u64,
    /// Claims with a time of expiry.
    pub expiring: u64,
    /// Rows that name no file.
    pub nameless: u64,
    /// Rows whose names are no keys.
    pub unaddressable: u64,
    /// The first of those, in order.
    pub unaddressable_examples: Vec<UnaddressableClaim>,
    /// Live claims on exact names without a file.
    pub missing: u64,
    /// Those among them whose file was there at the last good survey.
    pub missing_expected: u64,
    /// The first missing names, in byte order.
    pub missing_examples: Vec<Key>,
    /// Failed or expiring rows without a readable time: their files are kept.
    pub ended_without_time: u64,
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
    whole: Option<Whole<'a>>,
    live: Vec<bool>,
    near: Vec<bool>,
    held: Held<'a>,
    near_ended: HashSet<u32>,
    named_after_owner: Vec<bool>,
    ended: HashMap<u32, EndedMark>,
    attached: HashMap<u32, Ends>,
    relinks: HashMap<u32, Relink>,
    tally: Tally,
    counted: Option<Tally>,
}

/// What can be told only where the names are all that there are: which claims lack their file.
struct Whole<'a> {
    /// Made when the first claim lacks its file.
    skeletons: Option<Skeletons>,
    /// Names that had a live claim and a file at the last good survey.
    expected: Option<&'a Fingerprints>,
}

/// The outcome of matching.
#[derive(Debug)]
pub struct Matched {
    live: Vec<bool>,
    near: Vec<bool>,
    held: HashSet<u32>,
    near_ended: HashSet<u32>,
    ended: HashMap<u32, EndedMark>,
    attached: HashMap<u32, Ends>,
    relinks: HashMap<u32, Relink>,
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
            held: self.held.contains(&slot),
            near: self.near[index],
            near_ended: self.near_ended.contains(&slot),
            ended: self.ended.get(&slot).cloned(),
            attached: self.attached.get(&slot).copied(),
            relinkable: self.relinks.contains_key(&slot),
        }
    }

    /// The missing file that the file at `index` looks like.
    #[must_use]
    pub fn relink(&self, index: usize) -> Option<&Relink> {
        self.relinks.get(&slot(index))
    }

    /// Whether a live claim covers the file at `index`, or nearly names it: where a column holds addresses, that is
    /// what every one of its rows does.
    #[must_use]
    pub fn is_live(&self, index: usize) -> bool {
        self.live[index] || self.near[index]
    }

    /// How many of the first `len` files are live in this sense.
    #[must_use]
    pub fn live_files(&self, len: usize) -> u64 {
        (0..len).filter(|&index| self.is_live(index)).count() as u64
    }

    /// How many of the first `len` files are explained by a claim of any standing.
    #[must_use]
    pub fn explained_files(&self, len: usize) -> u64 {
        (0..len).filter(|&index| self.marks(index).is_explained()).count() as u64
    }
}

impl<'a> Matcher<'a> {
    /// Prepares to match claims against some of a store's names.
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
            whole: None,
            live: blank(),
            near: blank(),
            held: Held::new(names, variants),
            near_ended: HashSet::new(),
            named_after_owner: blank(),
            ended: HashMap::new(),
            attached: HashMap::new(),
            relinks: HashMap::new(),
            tally: Tally::default(),
            counted: None,
        }
    }

    /// The names are all that the store holds, so that a claim without its file can be told, and the files that
    /// look like it. `expected` are the names that had both at the last good survey.
    #[must_use]
    pub fn of_whole_store(mut self, expected: Option<&'a Fingerprints>) -> Self {
        self.whole = Some(Whole { skeletons: None, expected });
        self
    }

    /// Takes a hold into account. Call it before the first claim.
    pub fn hold(&mut self, target: &HoldTarget) {
        self.held.hold(&self.groups, target);
    }

    /// From here on claims leave marks, but are not counted: databases are read a second time.
    pub fn count_no_more(&mut self) {
        self.counted.get_or_insert_with(|| self.tally.clone());
    }

    /// Takes one claim of the policy's rule number `rule` into account.
    pub fn offer(&mut self, rule: usize, claim: Claim) {
        let Claim { target, owner, standing } = claim;
        let worth = Worth::of(standing, self.held.covers_row(&owner));
        self.count(standing);
        match target {
            Target::Nameless => self.tally.nameless += 1,
            Target::Exact(key) => {
                self.offer_exact(rule, &key, &owner, standing, worth);
                if hides_a_path(key.as_bytes()) {
                    self.offer_file_names(&Glob::new([Piece::Literal(key.as_bytes().to_vec())]), worth);
                }
            }
            Target::Pattern { name, hides_a_path } => {
                let reached = self.patterns.offer(&name, worth);
                self.mark_pattern(reached, worth);
                if hides_a_path {
                    self.offer_file_names(&name, worth);
                }
            }
            Target::Unaddressable { value, why, name } => {
                self.note_unaddressable(&value, why, owner);
                // Nobody knows what it means, so its row's standing does not count.
                self.offer_file_names(&name, Worth { live: true, ..worth });
            }
        }
    }

    fn count(&mut self, standing: Standing) {
        let tally = &mut self.tally;
        match standing {
            Standing::Live => tally.live += 1,
            Standing::Failed { since: at } => {
                tally.failed += 1;
                tally.ended_without_time += u64::from(at.is_none());
            }
            Standing::Expires { at } => {
                tally.expiring += 1;
                tally.ended_without_time += u64::from(at.is_none());
            }
        }
    }

    /// Ends the matching. Call it only when every claim of every database was offered.
    #[must_use]
    pub fn seal(mut self) -> Sealed<Matched> {
        for (worth, reached) in self.patterns.finish() {
            self.mark_pattern(reached, worth);
        }
        for (worth, reached) in self.file_names.finish() {
            reached.into_iter().for_each(|index| self.mark_near(index, worth));
        }
        let Self { live, near, held, near_ended, ended, attached, relinks, tally, counted, named_after_owner, .. } =
            self;
        let mut tally = counted.unwrap_or(tally);
        tally.files_named_after_owner = named_after_owner.iter().filter(|named| **named).count() as u64;
        let held = held.into_files();
        Sealed::new(Matched { live, near, held, near_ended, ended, attached, relinks, tally })
    }

    fn offer_exact(&mut self, rule: usize, key: &Key, owner: &str, standing: Standing, worth: Worth) {
        let claimed = key.as_bytes();
        let folded = fold(claimed);
        let mut found = false;
        if worth.held {
            self.held.hold_group(&self.groups, claimed);
        }
        for index in self.groups.relatives(claimed, &folded, self.variants) {
            let name = self.names.get(index as usize);
            let exact = self.variants.relation(claimed, name);
            let near = || self.variants.relation_of_folded(&folded, &fold(name));
            found |= exact == Some(Relation::Same);
            match (exact, worth.ends) {
                (None, _) if near().is_none() => continue,
                (None, _) | (Some(Relation::Sibling), Some(_)) => self.mark_near(index, worth),
                (Some(_), None) => self.live[index as usize] = true,
                (Some(Relation::Same | Relation::Variant), Some(ends)) => self.mark_ended(index, ends, owner),
                (Some(Relation::InProgress), Some(ends)) => self.attach(index, ends),
            }
            if worth.held {
                self.held.hold_group(&self.groups, name);
            }
        }
        if !found && standing == Standing::Live {
            self.note_missing(rule, key, owner);
        }
    }

    fn mark_near(&mut self, index: u32, worth: Worth) {
        let Worth { live, held, ends } = worth;
        self.near[index as usize] |= live;
        if held {
            self.held.hold_group(&self.groups, self.names.get(index as usize));
        }
        if let Some(ends) = ends {
            self.near_ended.insert(index);
            self.attach(index, ends);
        }
    }

    fn attach(&mut self, index: u32, ends: Ends) {
        let mark = self.attached.entry(index).or_default();
        *mark = mark.and(ends);
    }

    fn mark_ended(&mut self, index: u32, ends: Ends, owner: &str) {
        let mark = match self.ended.entry(index) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(EndedMark { ends, owners: BTreeSet::new() }),
        };
        mark.ends = mark.ends.and(ends);
        mark.owners.insert(owner.to_owned());
    }

    /// Patterns never condemn, so what an ended one reaches is merely not an orphan.
    fn mark_pattern(&mut self, reached: Vec<u32>, worth: Worth) {
        for index in reached {
            self.live[index as usize] |= worth.live;
            self.mark_near(index, Worth { live: false, ..worth });
        }
    }

    /// A live claim without its file: was it there, and does another file look like it?
    fn note_missing(&mut self, rule: usize, key: &Key, owner: &str) {
        let Some(whole) = &mut self.whole else { return };
        self.tally.missing += 1;
        self.tally.missing_expected += u64::from(whole.expected.is_some_and(|e| e.contains(key.as_bytes())));
        keep_smallest(&mut self.tally.missing_examples, key.clone(), MISSING_NAMED_MAX);
        let skeletons = whole.skeletons.get_or_insert_with(|| Skeletons::new(self.names));
        let mut alike = skeletons.like(self.names, key.as_bytes());
        for index in self.named_after(owner) {
            self.named_after_owner[index as usize] = true;
            alike.push((index, Likeness::NamedAfterRow));
        }
        for (index, likeness) in alike {
            let relink = Relink { likeness, claimed: key.clone(), owner: owner.to_owned(), rule };
            match self.relinks.entry(index) {
                Entry::Vacant(entry) => drop(entry.insert(relink)),
                // Of several the least counts, so that the order of claims does not.
                Entry::Occupied(mut entry) if relink < *entry.get() => drop(entry.insert(relink)),
                Entry::Occupied(_) => {}
            }
        }
    }

    /// The files at the top that are named after the row instead.
    fn named_after(&self, owner: &str) -> Vec<u32> {
        if owner.is_empty() {
            return vec![];
        }
        let folded = fold(owner.as_bytes());
        let is_named = |index: &u32| {
            let name = fold(self.names.get(*index as usize));
            self.variants.groups(&name).any(|group| group.dir.is_empty() && group.stem == &*folded)
        };
        self.groups.members(&folded).into_iter().filter(is_named).collect()
    }

    fn note_unaddressable(&mut self, value: &[u8], why: KeyError, owner: String) {
        self.tally.unaddressable += 1;
        let example = UnaddressableClaim { value: shortened(value), owner, why };
        keep_smallest(&mut self.tally.unaddressable_examples, example, EXAMPLES_MAX);
    }

    /// Protects what is named like the last component of a path that may lie anywhere.
    fn offer_file_names(&mut self, path: &Glob, worth: Worth) {
        for name in path.file_names() {
            for index in self.file_names.offer(&name, worth) {
                self.mark_near(index, worth);
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
