//! Asking once more: about what was planned, and about what is hidden.

use proptest::prelude::*;
use upsweep_plan::listing::{FileTime, Names};
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::recheck::{HiddenVerdict, judge_hidden, still_allowed};
use upsweep_plan::reconcile::{Look, Removal};
use upsweep_plan::verdict::Keep;

use crate::config;
use crate::reference::{self, Fate};
use crate::worlds::{Row, World, holds, ripe_worlds, worlds};

/// What becomes of a hidden file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Becomes {
    Back(Keep),
    /// It stays hidden, and is not freed.
    Stays,
    Goes,
}

pub(crate) fn becomes(verdict: HiddenVerdict) -> Becomes {
    match verdict {
        HiddenVerdict::Restore(keep) => Becomes::Back(keep),
        HiddenVerdict::Stay(_) => Becomes::Stays,
        HiddenVerdict::StillRemove => Becomes::Goes,
    }
}

/// The same store and rules a little later: some rows changed, some came, some went, and people hold files.
fn later_rows() -> impl Strategy<Value = (World, World)> {
    let worlds = (prop_oneof![worlds(), ripe_worlds()], worlds(), any::<u32>(), holds());
    worlds.prop_map(|(before, other, which, more)| {
        // Hidden files have no part in this.
        let before = World { hidden: vec![], ..before };
        let chosen = |at: usize| which >> (at % 32) & 1 == 1;
        let pick = |(at, row): (usize, &Row)| chosen(at).then(|| row.clone());
        let stayed = before.rows.iter().enumerate().filter_map(pick);
        let came = other.rows.iter().enumerate().filter(|(at, _)| chosen(at + 8)).map(|(_, row)| row.clone());
        let rows = stayed.chain(came).collect();
        let holds = [before.holds.clone(), more].concat();
        (before.clone(), World { rows, holds, ..before })
    })
}

fn recheck(removals: &[Removal], now: &World) -> Vec<Option<Keep>> {
    let names: Names = removals.iter().map(|r| &r.key).collect();
    still_allowed(removals, &now.matched(&names), &now.policy(), now.now)
}

/// The world with nothing but the files of a plan.
fn only_of(world: &World, removals: &[Removal]) -> World {
    world.only(|key| removals.iter().any(|removal| removal.key == *key))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_recheck_allows_everything_while_nothing_changes(
        world in prop_oneof![worlds(), ripe_worlds()],
        hours in 0..2_000_i64,
    ) {
        let removals = world.survey().outcome.removals;
        let later = World { now: world.now + jiff::SignedDuration::from_hours(hours), ..world };
        prop_assert_eq!(recheck(&removals, &later), vec![None; removals.len()]);
    }

    #[test]
    fn a_recheck_allows_only_what_a_fresh_plan_would_remove((before, after) in later_rows()) {
        let removals = before.survey().outcome.removals;
        // Which claims lack their file cannot be told from a few names.
        let fresh = only_of(&after, &removals).survey_of_some().outcome.removals;
        for (removal, kept) in removals.iter().zip(recheck(&removals, &after)) {
            let again = fresh.iter().find(|f| f.key == removal.key);
            let same_reason = again.is_some_and(|f| f.reason.kind() == removal.reason.kind());
            prop_assert!(kept.is_some() || same_reason, "{} may go although {again:?}", &removal.key);
            // When a file was first seen is not asked again, so then a recheck may keep more.
            let keeps_more = before.age_from == AgeFrom::FirstSeen;
            prop_assert!(kept.is_none() || !same_reason || keeps_more, "{}: {kept:?}, {again:?}", &removal.key);
        }
    }

    #[test]
    fn a_hidden_file_comes_back_exactly_when_its_claims_keep_it((before, after) in later_rows()) {
        let removals = before.survey().outcome.removals;
        let names: Names = removals.iter().map(|r| &r.key).collect();
        let judged = judge_hidden(&after.matched(&names), names.len(), &after.policy(), after.now);
        // Ages of files do not count any more: all of them are as old as can be.
        let mut old = World { orphan_secs: 0, ..only_of(&after, &removals) };
        for file in &mut old.files {
            let Look::File(facts, _) = &mut file.look else { panic!("only files are condemned") };
            facts.mtime = FileTime { secs: 0, nanos: 0 };
        }
        let fates = reference::fates(&old);
        for (removal, verdict) in removals.iter().zip(judged) {
            let at = old.files.iter().position(|f| f.name == removal.key.as_bytes()).unwrap();
            let expected = match fates[at] {
                Fate::Claimed => Becomes::Back(Keep::Claimed),
                Fate::Held => Becomes::Stays,
                Fate::Near => Becomes::Back(Keep::NearlyClaimed),
                Fate::FailedRecently => Becomes::Back(Keep::FailedRecently),
                Fate::NotExpired => Becomes::Back(Keep::NotExpired),
                _ => Becomes::Goes,
            };
            prop_assert_eq!(becomes(verdict), expected, "{}", removal.key);
        }
        let nothing_changed = judge_hidden(&before.matched(&names), names.len(), &before.policy(), before.now);
        prop_assert!(nothing_changed.into_iter().all(|verdict| becomes(verdict) == Becomes::Goes));
    }
}
