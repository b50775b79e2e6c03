//! How much a plan takes: what it is limited to, and which folders it would leave empty.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use upsweep_plan::folders::vanishing;
use upsweep_plan::key::{Escaped, Key};
use upsweep_plan::listing::{FileFacts, FileTime, Names};
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::reconcile::Removal;
use upsweep_plan::selection::Selection;
use upsweep_plan::verdict::Reason;

use crate::worlds::{ripe_worlds, selections, worlds};
use crate::{config, reference};

/// Whether a selection takes this file, whatever becomes of its group.
fn is_taken(selection: &Selection, removal: &Removal) -> bool {
    let named = |prefix: &String| removal.key.as_bytes().starts_with(prefix.as_bytes());
    let inside = |time: Option<i128>, from: Option<Timestamp>, before: Option<Timestamp>| {
        let from = from.is_none_or(|from| time.is_some_and(|time| time >= from.as_nanosecond()));
        from && before.is_none_or(|before| time.is_some_and(|time| time < before.as_nanosecond()))
    };
    let (kind, of_row) = match &removal.reason {
        Reason::Orphan { .. } => ("orphan", None),
        Reason::FailedSession { since, .. } => ("failed_session", Some(since.as_nanosecond())),
        Reason::Expired { at, .. } => ("expired", Some(at.as_nanosecond())),
    };
    let modified = reference::nanos(removal.facts.mtime);
    let own = of_row.or(modified);
    (selection.only.is_empty() || selection.only.iter().any(|only| only == kind))
        && (selection.prefixes.is_empty() || selection.prefixes.iter().any(named))
        && inside(modified, selection.modified_after, selection.modified_before)
        && inside(of_row, selection.created_after, selection.created_before)
        && inside(own, selection.dated_after, selection.dated_before)
}

/// Files that may go, with sizes and times of their own.
fn removals(names: &[&str]) -> Vec<Removal> {
    let time = FileTime { secs: 0, nanos: 0 };
    let facts = FileFacts { dev: 1, ino: 1, size_bytes: 1, mtime: time, ctime: time, btime: None, links: 1 };
    let reason = Reason::Orphan { since: Timestamp::UNIX_EPOCH, age_from: AgeFrom::Mtime, claimed_until: None };
    let removal = |name: &&str| {
        let key = Key::parse(name.as_bytes()).unwrap();
        Removal { key, reason: reason.clone(), age_secs: 0, facts }
    };
    names.iter().map(removal).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_selection_parts_what_may_go_and_splits_no_group(
        world in prop_oneof![1 => worlds(), 3 => ripe_worlds()],
        selection in selections(),
    ) {
        let (all, policy) = (world.survey().outcome.removals, world.policy());
        let (taken, left) = selection.part(all.clone(), &policy);
        let mut both = [taken.clone(), left.clone()].concat();
        both.sort_by(|a, b| a.key.cmp(&b.key));
        prop_assert_eq!(&both, &all, "nothing is lost, doubled or altered");
        prop_assert!(taken.is_sorted_by(|a, b| a.key < b.key) && left.is_sorted_by(|a, b| a.key < b.key));
        prop_assert!(selection.limit.is_none_or(|limit| taken.len() as u64 <= limit));
        let group = |removal: &Removal| reference::group(&world, removal.key.as_bytes());
        let mut groups: BTreeMap<_, Vec<&Removal>> = BTreeMap::new();
        all.iter().for_each(|removal| groups.entry(group(removal)).or_default().push(removal));
        let is_eligible = |group: &[&Removal]| {
            let bytes: u64 = group.iter().map(|removal| removal.facts.size_bytes).sum();
            selection.min_size_bytes.is_none_or(|min| min <= bytes)
                && group.iter().all(|removal| is_taken(&selection, removal))
        };
        let oldest = |group: &[&Removal]| group.iter().map(|r| r.reason.counted_from()).min().unwrap();
        for group in groups.values() {
            let chosen = group.iter().filter(|removal| taken.contains(removal)).count();
            prop_assert!(chosen == 0 || chosen == group.len(), "a group is taken whole or not at all");
            if chosen > 0 {
                prop_assert!(is_eligible(group), "{group:?} is not selected");
            } else if is_eligible(group) {
                // There was no room for it behind those that are older.
                let older = groups.values().filter(|other| {
                    taken.contains(other[0]) && (oldest(other), &other[0].key) < (oldest(group), &group[0].key)
                });
                let before: usize = older.map(Vec::len).sum();
                let limit = selection.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
                prop_assert!(before + group.len() > limit, "{group:?} was left out");
            }
        }
        prop_assert_eq!(Selection::default().part(all.clone(), &policy), (all, vec![]));
    }

    #[test]
    fn folders_that_would_vanish_are_those_that_plain_loops_find(
        names in prop::collection::btree_set(select(vec![
            "a/1", "a/2", "a/b/1", "a/b/2", "a/b/c/1", "ab/1", "a!/1", "c/d/e/1", "c/d/e/2", "c/d/1", "A/1", "top", "b",
        ]), 0..13),
        goes in any::<u16>(),
        keeps in any::<u16>(),
        hidden in select(vec![vec![], vec!["a/3", "c/d/2"], vec!["ab/1"]]),
        floor in 0..4_u64,
    ) {
        let names: Vec<&str> = names.into_iter().collect();
        // Often all of a folder goes, so that there is something to find.
        let gone = |at: usize| (goes >> at & 1 == 1) || (keeps >> at & 3 != 0);
        let gone: Vec<&str> = names.iter().enumerate().filter(|(at, _)| gone(*at)).map(|(_, name)| *name).collect();
        let mut listed = Names::default();
        for name in names.iter().chain(&hidden) {
            listed.push(name.as_bytes());
        }
        let found = vanishing(&listed, names.len(), &removals(&gone), floor);

        let below = |folder: &str, list: &[&str]| {
            list.iter().filter(|name| name.starts_with(&format!("{folder}/"))).count() as u64
        };
        let folders: BTreeSet<&str> =
            names.iter().flat_map(|name| name.match_indices('/').map(|(at, _)| &name[..at])).collect();
        let vanishes = |folder: &str| {
            let files = below(folder, &names);
            files > floor && below(folder, &gone) == files
        };
        let is_inner = |folder: &str| folder.match_indices('/').any(|(at, _)| vanishes(&folder[..at]));
        let expected: BTreeSet<(u64, String)> = folders
            .into_iter()
            .filter(|folder| vanishes(folder) && !is_inner(folder))
            .map(|folder| (below(folder, &names), Escaped(folder.as_bytes()).to_string()))
            .collect();
        prop_assert!(found.is_sorted_by(|a, b| a.files >= b.files), "the largest first");
        prop_assert_eq!(found.into_iter().map(|v| (v.files, v.folder)).collect::<BTreeSet<_>>(), expected);
    }
}
