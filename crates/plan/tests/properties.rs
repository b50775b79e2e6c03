//! What must hold for every plan, whatever is in the store and whatever the rows say.
//!
//! The number of cases is `PROPTEST_CASES`, or 2,000.

#[path = "properties/amounts.rs"]
mod amounts;
#[path = "properties/guards.rs"]
mod guards;
#[path = "properties/protections.rs"]
mod protections;
#[path = "properties/rechecks.rs"]
mod rechecks;
mod reference;
mod worlds;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::Config;
use reference::{End, Fate, Name, Tie};
use upsweep_plan::exclude::is_excluded;
use upsweep_plan::key::Key;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::{Look, Removal};
use upsweep_plan::verdict::Reason;
use worlds::{File, World, ripe_worlds, worlds};

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Puts a list into an order that depends on nothing but the seed.
fn shuffled<T: Clone>(list: &[T], seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    let mut rest = list.to_vec();
    let mut out = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % rest.len();
        out.push(rest.swap_remove(at));
    }
    out
}

fn is_orphan(removal: &Removal) -> bool {
    matches!(removal.reason, Reason::Orphan { .. })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_files_rows_and_holds_does_not_matter(world in worlds(), seeds in any::<[u64; 5]>()) {
        let rows = world.rows.iter().map(|row| worlds::Row { rule: row.rule % world.rules.len(), ..row.clone() });
        let other = World {
            files: shuffled(&world.files, seeds[0]),
            rows: shuffled(&rows.collect::<Vec<_>>(), seeds[1]),
            holds: shuffled(&world.holds, seeds[2]),
            hidden: shuffled(&world.hidden, seeds[3]),
            ..world.clone()
        };
        let (one, two) = (world.survey(), other.survey());
        prop_assert_eq!(&one.plan.hash, &two.plan.hash);
        prop_assert_eq!(&one.plan, &two.plan);
        prop_assert_eq!((&one.tally, one.explained), (&two.tally, two.explained));
        prop_assert_eq!(&one.relinks, &two.relinks);
        prop_assert!(one.outcome.removals.is_sorted_by(|a, b| a.key < b.key));
        prop_assert_eq!(shuffled_fates(&one), shuffled_fates(&two));
        let json = serde_json::to_vec(&one.plan).unwrap();
        prop_assert_eq!(Plan::read(&json).unwrap(), one.plan.clone(), "a saved plan comes back whole");
        let mut shorter = one.plan;
        if shorter.removals.pop().is_some() {
            prop_assert_ne!(shorter.sealed().hash, two.plan.hash);
        }
    }

    #[test]
    fn a_plan_is_what_plain_loops_make_of_it(world in prop_oneof![3 => worlds(), 1 => ripe_worlds()]) {
        let survey = world.survey();
        let fates = reference::fates(&world);
        let mut expected: Vec<Removal> = Vec::new();
        for (file, fate) in world.files.iter().zip(&fates) {
            let reason = match fate.clone() {
                Fate::Orphan(since) => Reason::Orphan { since, age_from: world.age_from, claimed_until: None },
                Fate::FailedSession(since, owners) => Reason::FailedSession { since, owners },
                Fate::Expired(at, owners) => Reason::Expired { at, owners },
                _ => continue,
            };
            let Look::File(facts, _) = file.look else { panic!("only files are condemned") };
            let age_nanos = world.now.as_nanosecond() - reason.counted_from().as_nanosecond();
            let age_secs = u64::try_from(age_nanos / 1_000_000_000).unwrap();
            expected.push(Removal { key: Key::parse(&file.name).unwrap(), reason, age_secs, facts });
        }
        expected.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        prop_assert_eq!(&survey.outcome.removals, &expected);
        prop_assert_eq!(survey.outcome.kept, reference::kept(&fates));
        prop_assert_eq!(survey.outcome.vanished, fates.iter().filter(|f| **f == Fate::Vanished).count() as u64);
        prop_assert_eq!(&survey.tally, &reference::tally(&world));
        let judged: Vec<&File> =
            world.files.iter().zip(&fates).filter(|(_, fate)| **fate != Fate::Excluded).map(|(file, _)| file).collect();
        let counted = expected.len() as u64 + survey.outcome.kept.total() + survey.outcome.vanished;
        prop_assert_eq!(counted, judged.len() as u64, "every file has one verdict");
        prop_assert_eq!(survey.outcome.fates.len(), judged.len());
        let missing = reference::missing(&world);
        for file in &judged {
            let relink = survey.relinks.get(&file.name);
            prop_assert_eq!(relink.is_some(), reference::relinkable(&world, &missing, &file.name), "{:?}", file);
            let of = |r: &upsweep_plan::relink::Relink| (r.claimed.as_bytes().to_vec(), r.owner.clone());
            prop_assert!(relink.is_none_or(|relink| missing.contains(&of(relink))), "{relink:?}");
        }
        let explained = judged.iter().filter(|file| reference::heard(&world, &file.name).anything());
        prop_assert_eq!(survey.explained, explained.count() as u64);
    }

    #[test]
    fn an_exclusion_covers_what_plain_loops_find(world in worlds()) {
        for File { name, look: _ } in &world.files {
            let covered = is_excluded(&world.policy().exclude, name);
            prop_assert_eq!(covered, reference::excluded(&world, name), "{:?} {:?}", name, &world.exclude);
        }
    }

    #[test]
    fn rows_that_are_no_plain_keys_never_condemn(world in worlds()) {
        let is_plain = |row: &worlds::Row| matches!(reference::said(&world, row).name, Name::Plain(_));
        let rows = world.rows.iter().filter(|row| is_plain(row)).cloned().collect();
        let without = World { rows, ..world.clone() };
        let of_ended = |world: &World| -> BTreeSet<Key> {
            world.survey().outcome.removals.into_iter().filter(|r| !is_orphan(r)).map(|r| r.key).collect()
        };
        prop_assert!(of_ended(&world).is_subset(&of_ended(&without)));
    }

    #[test]
    fn a_failed_session_condemns_only_what_it_names_exactly(world in worlds()) {
        for removal in world.survey().outcome.removals {
            let (at, owners) = match removal.reason.clone() {
                Reason::Orphan { .. } => continue,
                Reason::FailedSession { since, owners } => (End::Failed(Some(since)), owners),
                Reason::Expired { at, owners } => (End::Expires(Some(at)), owners),
            };
            let mut named = Vec::new();
            for said in world.rows.iter().map(|row| reference::said(&world, row)) {
                if let (Name::Plain(name), Some(end)) = (&said.name, said.end)
                    && reference::tie(&world, name, removal.key.as_bytes()) == Some(Tie::Own)
                {
                    named.push((end, said.owner));
                }
            }
            prop_assert!(named.iter().any(|(end, _)| *end == at), "{}: no row says {at:?}", removal.key);
            // A failure says more than an expiry, and of each the last counts.
            let later = |end: &End| match (end, at) {
                (End::Failed(one), End::Failed(other)) | (End::Expires(one), End::Expires(other)) => *one > other,
                (End::Failed(_), End::Expires(_)) => true,
                (End::Expires(_), End::Failed(_)) => false,
            };
            prop_assert!(!named.iter().any(|(end, _)| later(end)), "{} is of another row", removal.key);
            let rows: BTreeSet<String> = named.into_iter().map(|(_, owner)| owner).collect();
            prop_assert_eq!(rows.into_iter().collect::<Vec<_>>(), owners);
        }
    }

    #[test]
    fn no_orphan_goes_while_one_of_its_group_is_young(world in worlds()) {
        let variants = world.policy().variants;
        let group = |name: &[u8]| {
            let folded = reference::alike(name);
            let group = variants.main_group(&folded);
            (group.dir.to_vec(), group.stem.to_vec())
        };
        let fates = reference::fates(&world);
        for removal in world.survey().outcome.removals.iter().filter(|r| is_orphan(r)) {
            for (file, fate) in world.files.iter().zip(&fates) {
                let keeps = matches!(fate, Fate::Young | Fate::Unreadable | Fate::Relinkable | Fate::Excluded);
                let together = group(&file.name) == group(removal.key.as_bytes());
                prop_assert!(!(keeps && together), "{} goes although {:?} is {fate:?}", removal.key, file.name);
            }
        }
        // The core's groups are the design's: an original's folder and stem.
        for file in &world.files {
            let together = |other: &&File| group(&other.name) == group(&file.name);
            let alike = |other: &&File| reference::group(&world, &other.name) == reference::group(&world, &file.name);
            let list = |which: &dyn Fn(&&File) -> bool| -> Vec<&[u8]> {
                world.files.iter().filter(which).map(|f| &*f.name).collect()
            };
            prop_assert_eq!(list(&together), list(&alike));
        }
    }
}

/// The fates by name, in the order of names.
fn shuffled_fates(survey: &worlds::Survey) -> Vec<(&[u8], upsweep_plan::reconcile::Fate)> {
    let fates = survey.outcome.fates.iter().copied();
    let mut list: Vec<_> = survey.names.iter().zip(fates).collect();
    list.sort_by_key(|(name, _)| *name);
    list
}
