//! What must never be removed, and that whatever protects never does the contrary.

use std::collections::BTreeSet;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use upsweep_plan::hold::HoldTarget;
use upsweep_plan::key::Key;
use upsweep_plan::listing::Names;
use upsweep_plan::recheck::judge_hidden;
use upsweep_plan::reconcile::Look;
use upsweep_plan::verdict::Reason;

use crate::config;
use crate::rechecks::{Becomes, becomes};
use crate::reference::{self, End, Fate, HeldNames};
use crate::worlds::{Kind, Row, Rule, StandingKind, World, holds, ripe_worlds, rows, worlds};

/// Worlds of every kind.
fn some_worlds() -> impl Strategy<Value = World> {
    prop_oneof![worlds(), ripe_worlds()]
}

fn removed(world: &World) -> BTreeSet<Key> {
    world.survey().outcome.removals.into_iter().map(|removal| removal.key).collect()
}

/// The same world with one more row, which needs its file.
fn with_live_row(world: &World, kind: Kind, row: &Row) -> World {
    let mut more = world.clone();
    more.rows.iter_mut().for_each(|row| row.rule %= world.rules.len());
    more.rows.push(Row { rule: world.rules.len(), ..row.clone() });
    more.rules.push(Rule { kind, standing: StandingKind::Live });
    more
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_claimed_nearly_claimed_or_young_is_never_removed(world in some_worlds()) {
        let missing = reference::missing(&world);
        for removal in world.survey().outcome.removals {
            let (key, name) = (&removal.key, removal.key.as_bytes());
            let heard = reference::heard(&world, name);
            prop_assert!(!heard.live, "{key} is live");
            prop_assert!(!heard.near, "{key} is nearly claimed, or named by a row that is no key");
            prop_assert!(!reference::excluded(&world, name), "{key} is excluded");
            for end in heard.ends() {
                prop_assert!(reference::has_ended(&world, end), "{key} is needed until {end:?} is over");
            }
            let of_kind = |failed: bool| heard.ended.iter().any(|(end, _)| matches!(end, End::Failed(_)) == failed);
            match removal.reason {
                Reason::Orphan { since, .. } => {
                    prop_assert!(heard.ended.is_empty() && !heard.near_ended, "{key} is no orphan");
                    prop_assert!(!reference::relinkable(&world, &missing, name), "{key} looks like a missing file");
                    let file = world.files.iter().find(|file| file.name == name).unwrap();
                    let from = reference::counts_from(&world, file.look);
                    prop_assert_eq!(from, Some(since.as_nanosecond()));
                    prop_assert!(reference::is_over(from, world.orphan_secs, world.now), "{key} is young");
                    let modified = reference::nanos(removal.facts.mtime);
                    prop_assert!(reference::is_over(modified, world.orphan_secs, world.now), "{key} was just written");
                }
                Reason::FailedSession { .. } => prop_assert!(of_kind(true), "{key} is of no failed session"),
                Reason::Expired { .. } => prop_assert!(of_kind(false), "{key} is of no row that expires"),
            }
        }
    }

    #[test]
    fn what_is_held_stays_with_its_group(world in worlds(), more in holds()) {
        let world = World { holds: [world.holds.clone(), more].concat(), ..world };
        let held = HeldNames::of(&world);
        let gone = removed(&world);
        for file in world.files.iter().filter(|file| held.keep(&world, &file.name)) {
            let together = |key: &&Key| reference::group(&world, key.as_bytes()) == reference::group(&world, &file.name);
            prop_assert_eq!(gone.iter().find(together), None, "although {:?} is held", file);
        }
    }

    #[test]
    fn a_hidden_file_that_is_held_is_neither_freed_nor_brought_back(world in some_worlds(), more in holds()) {
        let names: Vec<Key> = world.files.iter().map(|file| Key::parse(&file.name).unwrap()).collect();
        let held = World { holds: more, hidden: vec![], ..world.clone() };
        let names: Names = names.iter().collect();
        let judge = |world: &World| -> Vec<Becomes> {
            let judged = judge_hidden(&world.matched(&names), names.len(), &world.policy(), world.now);
            judged.into_iter().map(becomes).collect()
        };
        let keep = HeldNames::of(&held);
        for (file, verdict) in held.files.iter().zip(judge(&held)) {
            let live = reference::heard(&held, &file.name).live;
            if keep.keep(&held, &file.name) && !live {
                prop_assert_eq!(verdict, Becomes::Stays, "{:?}", file);
            }
            prop_assert!(!live || matches!(verdict, Becomes::Back(_)), "a live claim brings {:?} back", file);
        }
        // A hold never brings anything back, and never frees anything.
        let without = judge(&World { holds: vec![], ..held.clone() });
        for (with, without) in judge(&held).into_iter().zip(without) {
            prop_assert!(with == without || with == Becomes::Stays, "{with:?} {without:?}");
        }
    }

    #[test]
    fn one_more_hold_never_removes_more(world in some_worlds(), more in holds()) {
        let with = World { holds: [world.holds.clone(), more].concat(), ..world.clone() };
        prop_assert!(removed(&with).is_subset(&removed(&world)));
    }

    #[test]
    fn one_more_exclusion_never_removes_more((world, other) in (some_worlds(), worlds())) {
        let with = World { exclude: [world.exclude.clone(), other.exclude].concat(), ..world.clone() };
        prop_assert!(removed(&with).is_subset(&removed(&world)));
    }

    /// But for one thing: a group waits for what is young and unclaimed in it. Once that is claimed, those that
    /// this claim does not reach are judged by their own age.
    #[test]
    fn one_more_live_claim_never_removes_more(
        (world, row) in (some_worlds(), rows()),
        kind in select(vec![Kind::File, Kind::IdThen(".*"), Kind::UrlBase]),
        own in option::of(any::<prop::sample::Index>()),
    ) {
        // Often it names a file that is there.
        let own = own.filter(|_| !world.files.is_empty()).map(|which| which.get(&world.files).name.clone());
        let (kind, row) = match own {
            Some(name) => (Kind::File, Row { file: Some(name), ..row }),
            None => (kind, row),
        };
        let with = with_live_row(&world, kind, &row);
        for key in removed(&with).difference(&removed(&world)) {
            let (before, after) = (reference::fates(&world), reference::fates(&with));
            let settled = world.files.iter().zip(before.iter().zip(&after)).any(|(file, (before, after))| {
                let waits = matches!(before, Fate::Young | Fate::Unreadable | Fate::Relinkable);
                let together = reference::group(&world, &file.name) == reference::group(&world, key.as_bytes());
                together && waits && matches!(after, Fate::Claimed | Fate::Near)
            });
            prop_assert!(settled, "{key} goes because of {row:?}");
            let file = world.files.iter().find(|file| file.name == key.as_bytes()).unwrap();
            let from = reference::counts_from(&world, file.look);
            prop_assert!(reference::is_over(from, world.orphan_secs, world.now), "{key} is young");
            let heard = reference::heard(&with, &file.name);
            let claimed = heard.live || heard.near || heard.near_ended || !heard.ended.is_empty();
            prop_assert!(!claimed, "{key} is claimed");
        }
    }

    #[test]
    fn deleting_at_once_and_stricter_ages_never_remove_more(world in some_worlds(), which in 0..3_usize) {
        use upsweep_plan::{action::Action, policy::AgeFrom};
        let gone = removed(&world);
        let changed = World { age_from: AgeFrom::Changed, ..world.clone() };
        let delete = World { action: Action::ALL[which % 2 + 2], ..world.clone() };
        let by_mtime = World { age_from: AgeFrom::Mtime, ..world.clone() };
        prop_assert!(removed(&delete).is_subset(&gone));
        prop_assert!(removed(&changed).is_subset(&removed(&by_mtime)));
        prop_assert!(gone.is_subset(&removed(&by_mtime)));
        let aged = |secs: u64| World { orphan_secs: secs, ..world.clone() };
        prop_assert!(removed(&aged(604_800)).is_subset(&removed(&aged(3_600))));
        // What was never seen has no age that counts from that.
        let mut unseen = World { age_from: AgeFrom::FirstSeen, ..world.clone() };
        for file in &mut unseen.files {
            if let Look::File(_, seen) = &mut file.look {
                *seen = None;
            }
        }
        let removals = unseen.survey().outcome.removals;
        prop_assert!(removals.iter().all(|removal| !crate::is_orphan(removal)));
    }

    #[test]
    fn a_held_owner_means_every_spelling_of_it(world in some_worlds(), which in any::<prop::sample::Index>()) {
        let owner = match world.rows.as_slice() {
            [] => String::new(),
            rows => reference::said(&world, which.get(rows)).owner,
        };
        let hold = |owner: String| removed(&World { holds: vec![HoldTarget::Owner(owner)], ..world.clone() });
        prop_assert_eq!(hold(owner.to_uppercase()), hold(owner.to_lowercase()));
        prop_assert_eq!(hold(format!(" {owner} ")), hold(owner));
    }
}
