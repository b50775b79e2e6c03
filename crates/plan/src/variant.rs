//! Files that belong together: an original, what was made of it, and what is still being written.

use serde::{Deserialize, Serialize};

use crate::glob::Glob;
use crate::key::{split_dir, split_ext};

/// A pattern over the stem of a file's name, such as `{stem}_processed.mp3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VariantPattern {
    prefix: String,
    suffix: String,
}

/// A variant pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the variant pattern '{0}' must be a file name of plain ASCII with {{stem}} in it once and something around it, as in {{stem}}_processed.mp3"
)]
pub struct VariantPatternError(String);

impl TryFrom<String> for VariantPattern {
    type Error = VariantPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once("{stem}") {
            Some((prefix, suffix))
                if !(prefix.is_empty() && suffix.is_empty()) && [prefix, suffix].iter().all(|p| is_plain_affix(p)) =>
            {
                Ok(Self { prefix: prefix.to_owned(), suffix: suffix.to_owned() })
            }
            _ => Err(VariantPatternError(text)),
        }
    }
}

/// Affixes of plain ASCII fold to themselves but for case, so one comparison serves both spellings.
fn is_plain_affix(text: &str) -> bool {
    text.bytes().all(|b| (b.is_ascii_graphic() || b == b' ') && !matches!(b, b'{' | b'}' | b'/' | b'\\' | b'%'))
}

impl From<VariantPattern> for String {
    fn from(VariantPattern { prefix, suffix }: VariantPattern) -> Self {
        format!("{prefix}{{stem}}{suffix}")
    }
}

impl VariantPattern {
    /// What stands before the stem.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        self.prefix.as_bytes()
    }

    /// What stands behind the stem.
    #[must_use]
    pub fn suffix(&self) -> &[u8] {
        self.suffix.as_bytes()
    }

    /// The stem of a file name made by this pattern.
    fn stem_of<'n>(&self, name: &'n [u8], case: Case) -> Option<&'n [u8]> {
        let (prefix, suffix) = (self.prefix(), self.suffix());
        let inner = name.len().checked_sub(prefix.len() + suffix.len()).filter(|len| *len > 0)?;
        let (head, tail) = name.split_at(prefix.len());
        let (stem, end) = tail.split_at(inner);
        (case.same(head, prefix) && case.same(end, suffix)).then_some(stem)
    }
}

/// The patterns that tie files together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variants {
    /// Derived files, by pattern over the original's stem.
    pub patterns: Vec<VariantPattern>,
    /// Suffixes of files still being written: `x.m4a.part` belongs to `x.m4a`.
    pub in_progress: Vec<String>,
}

impl Default for Variants {
    fn default() -> Self {
        let classic = VariantPattern { prefix: String::new(), suffix: "_processed.mp3".to_owned() };
        Self { patterns: vec![classic], in_progress: vec![".tmp".to_owned(), ".part".to_owned()] }
    }
}

/// How a file relates to the name a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is that file.
    Same,
    /// It is a variant of that file.
    Variant,
    /// It is that file, or a variant of it, still being written.
    InProgress,
    /// The claim names a variant or a file still being written, and this is what that may have been made of, what
    /// it may be called by now, or another variant of either.
    Sibling,
}

/// Whether letters of different case are the same.
#[derive(Clone, Copy)]
enum Case {
    Exact,
    /// For names that were folded: patterns are not, so they are compared without regard to case.
    Ignored,
}

impl Case {
    fn same(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Self::Exact => a == b,
            Self::Ignored => a.eq_ignore_ascii_case(b),
        }
    }
}

impl Variants {
    /// How `file` relates to `claimed`, both spelled as the store and the database spell them.
    #[must_use]
    pub fn relation(&self, claimed: &[u8], file: &[u8]) -> Option<Relation> {
        self.relation_in(Case::Exact, claimed, file)
    }

    /// The same for two folded names.
    #[must_use]
    pub fn relation_of_folded(&self, claimed: &[u8], file: &[u8]) -> Option<Relation> {
        self.relation_in(Case::Ignored, claimed, file)
    }

    fn relation_in(&self, case: Case, claimed: &[u8], file: &[u8]) -> Option<Relation> {
        if claimed == file {
            return Some(Relation::Same);
        }
        let (file_dir, file_name) = split_dir(file);
        let (claimed_dir, claimed_name) = split_dir(claimed);
        if file_dir != claimed_dir {
            return None;
        }
        let by_name = self.relation_of_names(case, claimed_name, file_name);
        // An upload is renamed before its row is: a claim on a name in progress may mean what that becomes.
        let becomes = self.finished(case, claimed_name);
        if becomes.len() == claimed_name.len() || self.finished(case, file_name) == claimed_name {
            return by_name;
        }
        by_name.or_else(|| self.relation_of_names(case, becomes, file_name)).map(|_| Relation::Sibling)
    }

    fn relation_of_names(&self, case: Case, claimed: &[u8], file: &[u8]) -> Option<Relation> {
        let finished = self.finished(case, file);
        let in_progress = finished.len() < file.len();
        let made_of = |stem: &[u8]| self.stems(case, finished).any(|s| s == stem);
        if finished == claimed {
            Some(if in_progress { Relation::InProgress } else { Relation::Same })
        } else if made_of(split_ext(claimed).0) {
            Some(if in_progress { Relation::InProgress } else { Relation::Variant })
        } else {
            let mut originals = self.stems(case, claimed);
            originals.any(|stem| split_ext(finished).0 == stem || made_of(stem)).then_some(Relation::Sibling)
        }
    }

    /// The groups a name may belong to: the stem of its name, with and without an in-progress suffix, and that
    /// of every pattern it matches. Any two names with a [`Relation`] share a group; repeats may occur.
    pub fn groups<'n>(&'n self, name: &'n [u8]) -> impl Iterator<Item = Group<'n>> {
        let (dir, whole) = split_dir(name);
        let finished = self.finished(Case::Ignored, whole);
        // A claim may name a file in progress itself, so the untouched name counts as well.
        let spellings = [finished, whole].into_iter().take(if finished.len() < whole.len() { 2 } else { 1 });
        let stems = move |n| [split_ext(n).0].into_iter().chain(self.stems(Case::Ignored, n));
        spellings.flat_map(stems).map(move |stem| Group { dir, stem })
    }

    /// The one group that keeps a file together with its original when plans are cut: the original's stem.
    #[must_use]
    pub fn main_group<'n>(&'n self, folded: &'n [u8]) -> Group<'n> {
        let (dir, name) = split_dir(folded);
        let finished = self.finished(Case::Ignored, name);
        let stem = self.stems(Case::Ignored, finished).next().unwrap_or(split_ext(finished).0);
        Group { dir, stem }
    }

    /// Whether a claim on one of the pattern's names, whichever it is, reaches the folded `file`: the same ties as
    /// those of [`Variants::relation_of_folded`], sought from the file's side.
    #[must_use]
    pub fn is_reached(&self, glob: &Glob, file: &[u8]) -> bool {
        let (dir, name) = split_dir(file);
        let finished = self.finished(Case::Ignored, name);
        let path = |parts: &[&[u8]]| [&[dir], parts].concat().concat();
        let claimed = |name: &[u8]| glob.matches(&path(&[name]));
        // A variant of it is claimed.
        let derived = |stem: &[u8]| {
            let of =
                |p: &VariantPattern| path(&[&p.prefix().to_ascii_lowercase(), stem, &p.suffix().to_ascii_lowercase()]);
            self.patterns.iter().any(|pattern| glob.matches(&of(pattern)))
        };
        // What it was made of is claimed, or another variant of that.
        let original = |stem: &[u8]| {
            let bare = split_ext(stem).1.is_empty() && claimed(stem);
            bare || glob.matches_with_ext(&path(&[stem])) || derived(stem)
        };
        claimed(name)
            || claimed(finished)
            || derived(split_ext(finished).0)
            || self.stems(Case::Ignored, finished).any(original)
    }

    /// The name without its in-progress suffix.
    fn finished<'n>(&self, case: Case, name: &'n [u8]) -> &'n [u8] {
        let cut = |suffix: &String| {
            let at = name.len().checked_sub(suffix.len()).filter(|at| *at > 0)?;
            case.same(&name[at..], suffix.as_bytes()).then(|| &name[..at])
        };
        self.in_progress.iter().filter(|s| !s.is_empty()).find_map(cut).unwrap_or(name)
    }

    fn stems<'n>(&'n self, case: Case, name: &'n [u8]) -> impl Iterator<Item = &'n [u8]> {
        self.patterns.iter().filter_map(move |pattern| pattern.stem_of(name, case))
    }
}

/// A folder and a stem: what an original and its variants have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group<'n> {
    /// The folder, with its trailing slash.
    pub dir: &'n [u8],
    /// The stem of the original.
    pub stem: &'n [u8],
}

#[cfg(test)]
#[path = "variant_tests.rs"]
mod tests;
