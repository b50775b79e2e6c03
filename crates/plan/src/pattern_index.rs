//! Which files a pattern reaches, found without comparing it with all of them.

use std::collections::HashMap;

use crate::fold::fold;
use crate::glob::Glob;
use crate::group_index::{GroupIndex, Scope, slot};
use crate::key::split_dir;
use crate::listing::Names;
use crate::standing::Worth;
use crate::variant::Variants;

/// A pattern with more candidates than this waits until the end, so that any number of rows with the same one
/// are looked at once.
const CANDIDATES_AT_ONCE_MAX: usize = 64;

/// Finds the files that patterns reach, by the names that `scope` takes of them.
pub(crate) struct PatternIndex<'a> {
    names: &'a Names,
    variants: &'a Variants,
    scope: Scope,
    /// The paths of every group of every file, in order; made when the first pattern with a gap comes.
    sorted: Option<Vec<(Box<[u8]>, u32)>>,
    /// Made when the first pattern without a gap comes.
    hashed: Option<GroupIndex>,
    waiting: HashMap<Glob, Worth>,
}

impl<'a> PatternIndex<'a> {
    pub(crate) fn new(names: &'a Names, variants: &'a Variants, scope: Scope) -> Self {
        Self { names, variants, scope, sorted: None, hashed: None, waiting: HashMap::new() }
    }

    /// The files that claims on the pattern's names reach, unless they are many: then the pattern waits for
    /// [`PatternIndex::finish`].
    pub(crate) fn offer(&mut self, glob: &Glob, worth: Worth) -> Vec<u32> {
        let in_progress = self.variants.in_progress.iter();
        let becomes: Vec<Glob> = in_progress.flat_map(|suffix| glob.before(suffix.as_bytes())).collect();
        let mut reached = Vec::new();
        for glob in [glob].into_iter().chain(&becomes) {
            match self.candidates(glob, CANDIDATES_AT_ONCE_MAX) {
                Some(candidates) => reached.extend(self.reached(glob, candidates)),
                None => {
                    let together = self.waiting.entry(glob.clone()).or_default();
                    *together = together.and(worth);
                }
            }
        }
        reached
    }

    /// The files that the waiting patterns reach.
    pub(crate) fn finish(&mut self) -> Vec<(Worth, Vec<u32>)> {
        let waiting = std::mem::take(&mut self.waiting);
        let reached = |(glob, worth): (Glob, Worth)| {
            let candidates = self.candidates(&glob, usize::MAX).unwrap_or_default();
            (worth, self.reached(&glob, candidates))
        };
        waiting.into_iter().map(reached).collect()
    }

    fn reached(&self, glob: &Glob, mut candidates: Vec<u32>) -> Vec<u32> {
        let is_reached = |file: &[u8]| match glob.literal() {
            Some(name) => self.variants.relation_of_folded(name, file).is_some(),
            None => self.variants.is_reached(glob, file),
        };
        candidates.retain(|index| is_reached(self.scope.of(&fold(self.names.get(*index as usize)))));
        candidates
    }

    /// The files that share a group with a name of the pattern, as related names do, and perhaps others; `None`
    /// when they are more than `max`.
    fn candidates(&mut self, glob: &Glob, max: usize) -> Option<Vec<u32>> {
        let (names, variants, scope) = (self.names, self.variants, self.scope);
        if let Some(name) = glob.literal() {
            let index = self.hashed.get_or_insert_with(|| GroupIndex::new(names, variants, scope));
            let relatives = index.relatives_of_each(name, name, variants);
            let found: Vec<u32> = relatives.take(max.saturating_add(1)).collect();
            return (found.len() <= max).then_some(found);
        }
        let sorted = self.sorted.get_or_insert_with(|| sorted_groups(names, variants, scope));
        let within = |start: &[u8], belongs: &dyn Fn(&[u8]) -> bool| {
            let first = sorted.partition_point(|(group, _)| &**group < start);
            let len = sorted[first..].partition_point(|(group, _)| belongs(group));
            &sorted[first..first + len]
        };
        let mut found = Vec::new();
        for start in group_starts(glob.prefix(), variants) {
            found.push(within(&start, &|group| group.starts_with(&start)));
            // A group is shorter than the pattern's beginning where that reaches into what follows a stem.
            let ends = (1..start.len()).filter(|end| may_follow_stem(start[*end], variants));
            found.extend(ends.map(|end| within(&start[..end], &|group| *group == start[..end])));
        }
        let len = found.iter().map(|groups| groups.len()).sum::<usize>();
        (len <= max).then(|| found.into_iter().flatten().map(|(_, index)| *index).collect())
    }
}

fn sorted_groups(names: &Names, variants: &Variants, scope: Scope) -> Vec<(Box<[u8]>, u32)> {
    let mut sorted: Vec<(Box<[u8]>, u32)> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let folded = fold(name);
        sorted.extend(
            variants.groups(scope.of(&folded)).map(|group| ([group.dir, group.stem].concat().into(), slot(index))),
        );
    }
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

/// How the path of a group begins whose names begin with `prefix`: in the same way, or without what a variant's
/// name has before the stem.
fn group_starts(prefix: &[u8], variants: &Variants) -> Vec<Vec<u8>> {
    let (dir, name) = split_dir(prefix);
    let without = |before: Vec<u8>| match name.strip_prefix(&*before) {
        Some(stem) => Some([dir, stem].concat()),
        None => before.starts_with(name).then(|| dir.to_vec()),
    };
    let affixes = variants.patterns.iter().map(|p| p.prefix().to_ascii_lowercase());
    let mut starts = vec![prefix.to_vec()];
    starts.extend(affixes.filter(|before| !before.is_empty()).filter_map(without));
    starts.dedup();
    starts
}

fn may_follow_stem(byte: u8, variants: &Variants) -> bool {
    let endings = variants.in_progress.iter().map(String::as_bytes).chain(variants.patterns.iter().map(|p| p.suffix()));
    byte == b'.' || endings.filter_map(|ending| ending.first()).any(|first| first.eq_ignore_ascii_case(&byte))
}
