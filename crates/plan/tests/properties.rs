//! What must hold for every plan, whatever is in the store and whatever the rows say.
//!
//! The number of cases is `PROPTEST_CASES`, or 2,000.

mod reference;
mod worlds;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::Config;
use reference::{Fate, Name, Tie};
use upsweep_plan::key::Key;
use upsweep_plan::listing::Names;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::{HiddenVerdict, Look, Removal, judge_hidden, still_allowed};
use upsweep_plan::verdict::{Keep, Reason};
use worlds::{World, ripe_worlds, worlds};

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

/// The same store and rules a little later: some rows changed, some came, some went.
fn later_rows() -> impl Strategy<Value = (World, World)> {
    (prop_oneof![worlds(), ripe_worlds()], worlds(), any::<u32>()).prop_map(|(before, other, which)| {
        let chosen = |at: usize| which >> (at % 32) & 1 == 1;
        let pick = |(at, row): (usize, &worlds::Row)| chosen(at).then(|| row.clone());
        let stayed = before.rows.iter().enumerate().filter_map(pick);
        let came = other.rows.iter().enumerate().filter(|(at, _)| chosen(at + 8)).map(|(_, row)| row.clone());
        let rows = stayed.chain(came).collect();
        (before.clone(), World { rows, ..before })
    })
}

fn recheck(removals: &[Removal], now: &World) -> Vec<Option<Keep>> {
    let names: Names = removals.iter().map(|r| &r.key).collect();
    still_allowed(removals, &now.matched(&names), &now.policy(), now.now)
}

fn is_failed(removal: &Removal) -> bool {
    matches!(removal.reason, Reason::FailedSession { .. })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_claimed_nearly_claimed_or_young_is_never_removed(world in worlds()) {
        for Removal { key, reason, age_secs: _, facts } in world.survey().outcome.removals {
            let heard = reference::heard(&world, key.as_bytes());
            prop_assert!(!heard.live, "{key} is live");
            prop_assert!(!heard.near, "{key} is nearly claimed, or named by a row that is no key");
            let since = |s: &Option<jiff::Timestamp>| s.map(jiff::Timestamp::as_nanosecond);
            for failure in heard.failed.iter().map(|(since, _)| since).chain(&heard.others) {
                prop_assert!(reference::is_over(since(failure), world.failed_secs, world.now), "{key} failed recently");
            }
            match reason {
                Reason::Orphan { .. } => {
                    prop_assert!(heard.failed.is_empty() && !heard.near_failed, "{key} is no orphan");
                    prop_assert!(reference::is_over(reference::nanos(facts.mtime), world.orphan_secs, world.now), "{key} is young");
                }
                Reason::FailedSession { .. } => prop_assert!(!heard.failed.is_empty(), "{key} is of no failed session"),
            }
        }
    }

    #[test]
    fn the_order_of_files_and_rows_does_not_matter(world in worlds(), seeds in any::<[u64; 2]>()) {
        let other = World {
            files: shuffled(&world.files, seeds[0]),
            rows: shuffled(&world.rows, seeds[1]),
            ..world.clone()
        };
        let (one, two) = (world.survey(), other.survey());
        prop_assert_eq!(&one.plan.hash, &two.plan.hash);
        prop_assert_eq!(&one, &two);
        prop_assert!(one.outcome.removals.is_sorted_by(|a, b| a.key < b.key));
        let json = serde_json::to_vec(&one.plan).unwrap();
        prop_assert_eq!(Plan::read(&json).unwrap(), one.plan.clone(), "a saved plan comes back whole");
        let mut shorter = one.plan;
        if shorter.removals.pop().is_some() {
            prop_assert_ne!(shorter.sealed().hash, two.plan.hash);
        }
    }

    #[test]
    fn a_plan_is_what_plain_loops_make_of_it(world in worlds()) {
        let survey = world.survey();
        let fates = reference::fates(&world);
        let mut expected: Vec<Removal> = Vec::new();
        for (file, fate) in world.files.iter().zip(&fates) {
            let reason = match fate.clone() {
                Fate::Orphan(modified) => Reason::Orphan { modified },
                Fate::FailedSession(since, owners) => Reason::FailedSession { since, owners },
                _ => continue,
            };
            let Look::File(facts) = file.look else { panic!("only files are condemned") };
            let age_nanos = world.now.as_nanosecond() - reason.counted_from().as_nanosecond();
            let age_secs = u64::try_from(age_nanos / 1_000_000_000).unwrap();
            expected.push(Removal { key: Key::parse(&file.name).unwrap(), reason, age_secs, facts });
        }
        expected.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        prop_assert_eq!(&survey.outcome.removals, &expected);
        prop_assert_eq!(survey.outcome.kept, reference::kept(&fates));
        prop_assert_eq!(survey.outcome.vanished, fates.iter().filter(|f| **f == Fate::Vanished).count() as u64);
        prop_assert_eq!(&survey.tally, &reference::tally(&world));
        let judged = expected.len() as u64 + survey.outcome.kept.total() + survey.outcome.vanished;
        prop_assert_eq!(judged, world.files.len() as u64, "every file has one verdict");
        let explained = world.files.iter().filter(|file| {
            let heard = reference::heard(&world, &file.name);
            heard.live || heard.near || heard.near_failed || !heard.failed.is_empty() || !heard.others.is_empty()
        });
        prop_assert_eq!(survey.explained, explained.count() as u64);
    }

    #[test]
    fn a_recheck_allows_everything_while_nothing_changes(world in worlds(), hours in 0..2_000_i64) {
        let removals = world.survey().outcome.removals;
        let later = World { now: world.now + jiff::SignedDuration::from_hours(hours), ..world };
        prop_assert_eq!(recheck(&removals, &later), vec![None; removals.len()]);
    }

    #[test]
    fn a_recheck_allows_only_what_a_fresh_plan_would_remove((before, after) in later_rows()) {
        let removals = before.survey().outcome.removals;
        let fresh = after.only(|key| removals.iter().any(|r| r.key == *key)).survey().outcome.removals;
        for (removal, kept) in removals.iter().zip(recheck(&removals, &after)) {
            let again = fresh.iter().find(|f| f.key == removal.key);
            let same_reason = again.is_some_and(|f| is_failed(f) == is_failed(removal));
            prop_assert_eq!(kept.is_none(), same_reason, "{}: {:?}, {:?}", &removal.key, kept, again);
        }
    }

    #[test]
    fn rows_that_are_no_plain_keys_never_condemn(world in worlds()) {
        let is_plain = |row: &worlds::Row| matches!(reference::said(&world, row).name, Name::Plain(_));
        let rows = world.rows.iter().filter(|row| is_plain(row)).cloned().collect();
        let without = World { rows, ..world.clone() };
        let of_failed = |world: &World| -> BTreeSet<Key> {
            world.survey().outcome.removals.into_iter().filter(is_failed).map(|r| r.key).collect()
        };
        prop_assert!(of_failed(&world).is_subset(&of_failed(&without)));
    }

    #[test]
    fn a_failed_session_condemns_only_what_it_names_exactly(world in worlds()) {
        for removal in world.survey().outcome.removals {
            let Reason::FailedSession { since, owners } = removal.reason else { continue };
            let mut named = Vec::new();
            for said in world.rows.iter().map(|row| reference::said(&world, row)) {
                if let Name::Plain(name) = &said.name
                    && said.failed
                    && reference::tie(&world, name, removal.key.as_bytes()) == Some(Tie::Own)
                {
                    named.push(said);
                }
            }
            prop_assert!(!named.is_empty(), "{} is named by no failed row", removal.key);
            prop_assert_eq!(named.iter().map(|s| s.since).max(), Some(Some(since)));
            let rows: BTreeSet<String> = named.into_iter().map(|s| s.owner).collect();
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
        let heard = |name: &[u8]| reference::heard(&world, name);
        for removal in world.survey().outcome.removals.iter().filter(|r| !is_failed(r)) {
            for (file, fate) in world.files.iter().zip(&fates) {
                let unclaimed = !heard(&file.name).live && !heard(&file.name).near && *fate == Fate::Young;
                let together = group(&file.name) == group(removal.key.as_bytes());
                prop_assert!(!(unclaimed && together), "{} goes although {:?} is young", removal.key, file.name);
            }
        }
        // The core's groups are the design's: an original's folder and stem.
        for file in &world.files {
            let together = |other: &&worlds::File| group(&other.name) == group(&file.name);
            let alike = |other: &&worlds::File| reference::group(&world, &other.name) == reference::group(&world, &file.name);
            let list = |which: &dyn Fn(&&worlds::File) -> bool| -> Vec<&[u8]> {
                world.files.iter().filter(which).map(|f| &*f.name).collect()
            };
            prop_assert_eq!(list(&together), list(&alike));
        }
    }

    #[test]
    fn a_hidden_file_comes_back_exactly_when_its_claims_keep_it((before, after) in later_rows()) {
        let removals = before.survey().outcome.removals;
        let names: Names = removals.iter().map(|r| &r.key).collect();
        let judged = judge_hidden(&after.matched(&names), names.len(), &after.policy(), after.now);
        // Ages of files do not count any more: all of them are as old as can be.
        let old = World { orphan_secs: 0, ..after.only(|key| removals.iter().any(|r| r.key == *key)) };
        let mut files = old.files.clone();
        for file in &mut files {
            let Look::File(facts) = &mut file.look else { panic!("only files are condemned") };
            facts.mtime = upsweep_plan::listing::FileTime { secs: 0, nanos: 0 };
        }
        let fates = reference::fates(&World { files: files.clone(), ..old.clone() });
        for (removal, verdict) in removals.iter().zip(judged) {
            let at = files.iter().position(|f| f.name == removal.key.as_bytes()).unwrap();
            let expected = match fates[at] {
                Fate::Claimed => HiddenVerdict::Restore(Keep::Claimed),
                Fate::Near => HiddenVerdict::Restore(Keep::NearlyClaimed),
                Fate::FailedRecently => HiddenVerdict::Restore(Keep::FailedRecently),
                _ => HiddenVerdict::StillRemove,
            };
            prop_assert_eq!(verdict, expected, "{}", removal.key);
        }
        let nothing_changed = judge_hidden(&before.matched(&names), names.len(), &before.policy(), before.now);
        prop_assert!(nothing_changed.iter().all(|v| *v == HiddenVerdict::StillRemove));
    }
}
