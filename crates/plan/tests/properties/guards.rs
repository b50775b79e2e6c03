//! Guards: what they refuse, held against the design's words, and that worse is never more welcome.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use upsweep_plan::folders::Vanishing;
use upsweep_plan::guard::{Before, Binding, ClockReading, Code, Phase, Situation, judge, may_be_baseline};
use upsweep_plan::plan::DatabaseIdentity;
use upsweep_plan::policy::Limits;

use crate::config;

/// A situation that owns what it is about.
#[derive(Clone, Debug)]
struct Case {
    phase: Phase,
    strict: bool,
    is_bound: bool,
    has_marker: bool,
    honours_preconditions: bool,
    /// Whether the databases are others than the bound ones, and whether one is a replica.
    foreign: bool,
    replica: bool,
    incomplete: bool,
    /// How far another clock is ahead, and how far the ledger's last entry, in seconds.
    clock_ahead: i64,
    entry_ahead: Option<i64>,
    before: Option<(u64, u64)>,
    files: u64,
    explained: u64,
    live: u64,
    missing: u64,
    missing_expected: u64,
    relinkable: u64,
    claimed_before: u64,
    vanishing: bool,
    removals: u64,
    bytes: u64,
    hidden_recently: u64,
    limits: Limits,
}

impl Case {
    /// The objections, given who may overrule which to become the baseline.
    fn with<T>(&self, ask: impl FnOnce(&Situation<'_>, &Limits) -> T) -> T {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let later = |secs: i64| now + SignedDuration::from_secs(secs);
        let database =
            |name: &str| DatabaseIdentity { engine: "postgresql".into(), server: "1".into(), database: name.into() };
        let (ours, other) = (vec![database("a"), database("b")], vec![database("b"), database("a")]);
        let foreign = vec![database("b"), database("c")];
        let note = || "note".to_owned();
        let binding = match (self.is_bound, self.has_marker) {
            (false, _) => Binding::Unbound,
            (true, true) => Binding::Bound,
            (true, false) => Binding::MarkerMissing { noted: "s".into(), note: note() },
        };
        let clock =
            ClockReading { of: "the database".into(), said: later(self.clock_ahead), asked: now, answered: now };
        let folder = Vanishing { files: self.removals, folder: "d".into() };
        let situation = Situation {
            phase: self.phase,
            strict: self.strict,
            store: "/srv/audio",
            binding: &binding,
            honours_preconditions: self.honours_preconditions,
            bound_databases: if self.is_bound { &ours } else { &[] },
            databases: if self.foreign { &foreign } else { &other },
            replicas: if self.replica { &other[..1] } else { &[] },
            incomplete: if self.incomplete { &["d: permission denied".to_owned()] } else { &[] },
            clocks: &[clock],
            now,
            last_entry: self.entry_ahead.map(later),
            before: self.before.map(|(live, missing)| Before { at: now, live, missing }),
            files: self.files,
            explained_files: self.explained,
            live_files: self.live,
            missing: self.missing,
            missing_expected: self.missing_expected,
            relinkable: self.relinkable,
            claimed_before: self.claimed_before,
            files_named_after_owner: 0,
            vanishing: if self.vanishing { std::slice::from_ref(&folder) } else { &[] },
            removals: self.removals,
            removal_bytes: self.bytes,
            hidden_recently: self.hidden_recently,
        };
        ask(&situation, &self.limits)
    }

    fn codes(&self) -> BTreeSet<Code> {
        self.with(|situation, limits| judge(situation, limits).into_iter().map(|refusal| refusal.code).collect())
    }

    /// What the design says, in its own words.
    fn by_design(&self) -> BTreeSet<Code> {
        let Limits { floor_files: floor, max_share, max_files, max_bytes } = self.limits;
        let hiding = self.phase == Phase::Hide;
        let may_be_undone = hiding && !self.strict;
        let permitted = |files: u64| may_be_undone && self.hidden_recently + files <= floor;
        let complete = !self.incomplete;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let share = self.removals as f64 > max_share * self.files as f64;
        let most = max_files.is_some_and(|max| self.removals > max) || max_bytes.is_some_and(|max| self.bytes > max);
        let something = self.removals > 0;
        // A live claim expects a file if it had one.
        let expecting = self.live + self.missing_expected;
        let shrank = self
            .before
            .is_some_and(|(live, _)| expecting * 2 < live && live - expecting > if may_be_undone { floor } else { 0 });
        let doubled =
            self.before.is_some_and(|(_, missing)| self.missing > missing * 2 && self.missing - missing > floor);
        let claimed = match (hiding, self.before) {
            (true, Some((live, _))) => live,
            _ => self.live + self.claimed_before,
        };
        let refuses = |code| match code {
            Code::G001 => {
                complete
                    && self.explained * 20 < self.files
                    && (something || self.relinkable > 0)
                    && !permitted(self.removals + self.relinkable)
            }
            Code::G002 => self.is_bound && !self.has_marker,
            Code::G003 => hiding && ((share && something && !permitted(self.removals)) || most),
            Code::G004 => (self.is_bound && self.foreign && complete) || self.replica,
            Code::G005 => complete && something && !permitted(self.removals) && (shrank || doubled),
            Code::G006 => hiding && self.vanishing && !permitted(self.removals),
            Code::G007 => self.clock_ahead.abs() > 300 || self.entry_ahead.is_some_and(|ahead| ahead > 300),
            Code::G008 => !complete,
            Code::G009 => something && !self.honours_preconditions,
            Code::G010 => {
                let beyond = claimed > 0 && self.claimed_before * 20 > claimed;
                complete && self.claimed_before > 0 && beyond && !permitted(self.claimed_before)
            }
        };
        // On another disk nothing else that was seen means anything.
        if refuses(Code::G002) {
            return BTreeSet::from([Code::G002]);
        }
        Code::ALL.into_iter().filter(|code| refuses(*code)).collect()
    }

    /// The same, where whatever can be worse is worse by this much.
    fn worse(&self, which: u16, by: u64) -> Self {
        let mut case = self.clone();
        let is = |bit: u16| which >> bit & 1 == 1;
        let more = |bit: u16, number: &mut u64| *number += if is(bit) { by } else { 0 };
        let less = |bit: u16, number: &mut u64| *number = number.saturating_sub(if is(bit) { by } else { 0 });
        more(0, &mut case.removals);
        more(1, &mut case.bytes);
        more(2, &mut case.hidden_recently);
        more(3, &mut case.missing);
        more(4, &mut case.relinkable);
        more(5, &mut case.claimed_before);
        less(6, &mut case.explained);
        less(7, &mut case.live);
        less(8, &mut case.missing_expected);
        less(9, &mut case.limits.floor_files);
        if is(10) {
            case.limits.max_share /= 2.0;
            case.limits.max_files = Some(case.limits.max_files.unwrap_or(by).saturating_sub(1));
            case.limits.max_bytes = Some(case.limits.max_bytes.unwrap_or(by).saturating_sub(1));
        }
        case.strict |= is(11);
        case.vanishing |= is(12);
        case.honours_preconditions &= !is(13);
        case.replica |= is(14);
        case.clock_ahead = if is(15) { case.clock_ahead * 2 } else { case.clock_ahead };
        case
    }
}

fn few() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..30_u64, 1 => select(vec![0, 1, 5, 19, 20, 21, 40, 100, 400])]
}

fn limits() -> impl Strategy<Value = Limits> {
    let share = select(vec![0.5, 0.5, 0.25, 0.0, 1.0]);
    let most = || option::weighted(0.2, few());
    (select(vec![0, 1, 5, 20, 20, 40]), share, most(), most()).prop_map(
        |(floor_files, max_share, max_files, max_bytes)| Limits { floor_files, max_share, max_files, max_bytes },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let rare = || prop::bool::weighted(0.1);
    let how = (any::<bool>(), any::<bool>(), any::<bool>(), rare(), rare(), rare(), rare(), rare());
    let clock = select(vec![0, 0, 0, 299, 300, 301, -300, -301]);
    let entry = option::weighted(0.5, select(vec![0, -10_000, -10_000, 300, 301]));
    let before = option::weighted(0.7, (few(), few()));
    let seen = (few(), few(), few(), few(), few());
    let doubt = (prop_oneof![1 => Just(0), 1 => few()], few(), rare(), few());
    let ends = (few(), few(), limits());
    (how, (clock, entry, before), seen, doubt, ends).prop_map(
        |(how, (clock_ahead, entry_ahead, before), seen, doubt, ends)| {
            let (purge, strict, is_bound, no_marker, no_preconditions, foreign, replica, incomplete) = how;
            let (files, explained, live, missing, missing_expected) = seen;
            let (relinkable, claimed_before, vanishing, removals) = doubt;
            let (bytes, hidden_recently, limits) = ends;
            Case {
                phase: if purge { Phase::Purge } else { Phase::Hide },
                strict,
                is_bound,
                has_marker: !no_marker,
                honours_preconditions: !no_preconditions,
                foreign,
                replica,
                incomplete,
                clock_ahead,
                entry_ahead,
                before,
                files: files.max(removals),
                explained: explained / 4,
                live,
                missing,
                missing_expected: missing_expected.min(missing),
                relinkable,
                claimed_before: claimed_before.min(removals),
                vanishing,
                removals,
                bytes,
                hidden_recently: hidden_recently / 2,
                limits,
            }
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn guards_refuse_what_the_design_says(case in cases()) {
        prop_assert_eq!(case.codes(), case.by_design());
        let sorted = case.with(judge).is_sorted_by(|a, b| a.code < b.code);
        prop_assert!(sorted, "in order of their codes");
    }

    #[test]
    fn what_is_worse_is_refused_at_least_as_much(case in cases(), which in any::<u16>(), by in 1..30_u64) {
        let worse = case.worse(which, by);
        let worse = Case { files: case.files.max(worse.removals), ..worse };
        // More files are no worse in themselves: they are there in both.
        let case = Case { files: worse.files, ..case };
        prop_assert!(case.codes().is_subset(&worse.codes()), "{:?} {:?}: {worse:?}", case.codes(), worse.codes());
    }

    #[test]
    fn neither_freeing_nor_deleting_at_once_has_a_floor(case in cases(), floor in few(), recently in few(), purge in any::<bool>()) {
        // Beyond the floor missing files are an alarm in any case: that is no permission to free.
        let case = Case { missing: 0, missing_expected: 0, ..case };
        let (phase, strict) = if purge { (Phase::Purge, case.strict) } else { (Phase::Hide, true) };
        let case = Case { phase, strict, ..case };
        let limits = Limits { floor_files: floor, ..case.limits };
        let other = Case { limits, hidden_recently: recently, ..case.clone() };
        prop_assert_eq!(case.codes(), other.codes());
    }

    #[test]
    fn a_small_amount_that_can_be_undone_needs_no_approval(case in cases()) {
        let amount = case.hidden_recently + case.removals + case.relinkable;
        let floor_files = case.limits.floor_files.max(amount);
        let limits = Limits { floor_files, max_files: None, max_bytes: None, ..case.limits };
        let case = Case { phase: Phase::Hide, strict: false, limits, ..case };
        let floored = [Code::G001, Code::G003, Code::G005, Code::G006, Code::G010];
        prop_assert!(case.codes().is_disjoint(&floored.into_iter().collect()));
    }

    #[test]
    fn a_survey_in_doubt_becomes_no_baseline(case in cases(), allowed in subsequence(Code::ALL.to_vec(), 0..10)) {
        let strictly = Case { strict: true, removals: case.removals.max(1), ..case.clone() };
        let doubt: BTreeSet<Code> =
            strictly.by_design().into_iter().filter(|code| matches!(code, Code::G001 | Code::G005)).collect();
        let elsewhere = strictly.by_design().contains(&Code::G002);
        let may = |allowed: &[Code]| case.with(|situation, limits| may_be_baseline(situation, limits, allowed));
        prop_assert_eq!(may(&allowed), !elsewhere && doubt.iter().all(|code| allowed.contains(code)));
        prop_assert_eq!(may(&[]), !elsewhere && doubt.is_empty());
        if may(&[]) {
            let hides_nothing_unseen = case.codes().is_disjoint(&[Code::G001, Code::G005].into_iter().collect());
            prop_assert!(hides_nothing_unseen, "what is refused is no baseline");
        }
    }
}
