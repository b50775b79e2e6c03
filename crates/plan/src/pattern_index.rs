//! Which files a pattern reaches, found without comparing it with all of them.

use std::collections::HashMap;
use std::ops::Range;

use crate::claim::Standing;
use crate::fold::fold;
use crate::glob::Glob;
use crate::group_index::slot;
use crate::key::split_dir;
use crate::listing::Names;
use crate::variant::Variants;

/// A pattern with more candidates than this waits until the end, so that any number of rows with the same one
/// are looked at once.
const CANDIDATES_AT_ONCE_MAX: usize = 64;

/// Finds the files that patterns reach.
pub(crate) struct PatternIndex<'a> {
    names: &'a Names,
    variants: &'a Variants,
    /// The folded path of every group of every file, in order; made when the first pattern comes.
    sorted: Option<Vec<(Box<[u8]>, u32)>>,
    waiting: HashMap<Glob, Standing>,
}

impl<'a> PatternIndex<'a> {
    pub(crate) fn new(names: &'a Names, variants: &'a Variants) -> Self {
        Self { names, variants, sorted: None, waiting: HashMap::new() }
    }

    /// The files that claims on the pattern's names reach, unless they are many: then the pattern waits for
    /// [`PatternIndex::finish`].
    pub(crate) fn offer(&mut self, glob: &Glob, standing: Standing) -> Vec<u32> {
        let in_progress = self.variants.in_progress.iter();
        let becomes: Vec<Glob> = in_progress.flat_map(|suffix| glob.before(suffix.as_bytes())).collect();
        let mut reached = Vec::new();
        for glob in [glob].into_iter().chain(&becomes) {
            let candidates = self.candidates(glob);
            if candidates.iter().map(Range::len).sum::<usize>() <= CANDIDATES_AT_ONCE_MAX {
                reached.extend(self.reached(glob, candidates));
            } else {
                let strongest = self.waiting.entry(glob.clone()).or_insert(standing);
                *strongest = strongest.or(standing);
            }
        }
        reached
    }

    /// The files that the waiting patterns reach.
    pub(crate) fn finish(&mut self) -> Vec<(Standing, Vec<u32>)> {
        let waiting = std::mem::take(&mut self.waiting);
        let reached = |(glob, standing): (Glob, Standing)| {
            let candidates = self.candidates(&glob);
            (standing, self.reached(&glob, candidates))
        };
        waiting.into_iter().map(reached).collect()
    }

    fn reached(&self, glob: &Glob, candidates: Vec<Range<usize>>) -> Vec<u32> {
        let found = candidates.into_iter().flat_map(|range| &self.sorted.as_deref().unwrap_or_default()[range]);
        found
            .map(|(_, index)| *index)
            .filter(|index| self.variants.is_reached(glob, &fold(self.names.get(*index as usize))))
            .collect()
    }

    /// Where the groups lie that a name of the pattern may have: related names share a group.
    fn candidates(&mut self, glob: &Glob) -> Vec<Range<usize>> {
        let (names, variants) = (self.names, self.variants);
        let sorted = self.sorted.get_or_insert_with(|| sorted_groups(names, variants));
        let lower_bound = |path: &[u8]| sorted.partition_point(|(group, _)| &**group < path);
        let mut found = Vec::new();
        for start in group_starts(glob.prefix(), variants) {
            let first = lower_bound(&start);
            let within = sorted[first..].partition_point(|(group, _)| group.starts_with(&start));
            found.push(first..first + within);
            // A group is shorter than the pattern's beginning where that reaches into what follows a stem.
            for end in (1..start.len()).filter(|end| may_follow_stem(start[*end], variants)) {
                let first = lower_bound(&start[..end]);
                let within = sorted[first..].partition_point(|(group, _)| **group == start[..end]);
                found.push(first..first + within);
            }
        }
        found
    }
}

fn sorted_groups(names: &Names, variants: &Variants) -> Vec<(Box<[u8]>, u32)> {
    let mut sorted: Vec<(Box<[u8]>, u32)> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let folded = fold(name);
        sorted.extend(variants.groups(&folded).map(|group| ([group.dir, group.stem].concat().into(), slot(index))));
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
