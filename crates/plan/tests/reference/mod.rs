//! What a plan should be, worked out the slow way: every file is held against every row, with plain loops
//! and no index. Written from the design's words, so that it can disagree with the core.

mod reading;
mod ties;

use std::collections::BTreeSet;

use jiff::Timestamp;
use upsweep_plan::key::{Escaped, Key};
use upsweep_plan::listing::FileTime;
use upsweep_plan::matching::{Tally, UnaddressableClaim};
use upsweep_plan::reconcile::{Kept, Look};

pub(crate) use self::reading::{Name, Said, said};
use self::ties::{Gap, cut, finished, means_another_path, stem, stems_within};
pub(crate) use self::ties::{Tie, alike, group, tie};
use crate::worlds::World;

/// What all rows say about one file.
#[derive(Default, Debug)]
pub(crate) struct Heard {
    pub(crate) live: bool,
    /// A live row, or one whose name is no key, names it nearly.
    pub(crate) near: bool,
    /// A failed row names it nearly, or a variant of it.
    pub(crate) near_failed: bool,
    /// Failed rows that name it or its original exactly.
    pub(crate) failed: Vec<(Option<Timestamp>, String)>,
    /// Since when the other failed rows that have to do with it failed.
    pub(crate) others: Vec<Option<Timestamp>>,
}

impl Heard {
    fn nearly(&mut self, failed: bool, since: Option<Timestamp>) {
        if failed {
            self.near_failed = true;
            self.others.push(since);
        } else {
            self.near = true;
        }
    }
}

pub(crate) fn heard(world: &World, file: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for Said { name, owner, failed, since } in world.rows.iter().map(|row| said(world, row)) {
        // A name that is understood as another path may point anywhere.
        let elsewhere = match &name {
            Name::Plain(name) if means_another_path(name) => Some(Gap::from(&**name)),
            Name::Gap(gap) if gap.means_another_path() => Some(gap.clone()),
            _ => None,
        };
        if elsewhere.is_some_and(|path| path.is_named_like(world, file)) {
            heard.nearly(failed, since);
        }
        match name {
            Name::None => {}
            Name::NoKey(_, _, gap) => heard.near |= gap.is_named_like(world, file),
            Name::Gap(gap) if !gap.reaches(world, file) => {}
            Name::Gap(_) if failed => heard.nearly(failed, since),
            Name::Gap(_) => heard.live = true,
            Name::Plain(name) => match (tie(world, &name, file), failed) {
                (Some(_), false) => heard.live = true,
                (Some(Tie::Own), true) => heard.failed.push((since, owner)),
                (Some(Tie::Part), true) => heard.others.push(since),
                (None, _) if tie(world, &alike(&name), &alike(file)).is_none() => {}
                (None | Some(Tie::Kin), _) => heard.nearly(failed, since),
            },
        }
    }
    heard
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Claimed,
    Near,
    FailedRecently,
    Young,
    Unreadable,
    Vanished,
    FailedSession(Timestamp, Vec<String>),
    Orphan(Timestamp),
}

/// Whether a moment is more than the retention ago.
pub(crate) fn is_over(then: Option<i128>, retention_secs: u64, now: Timestamp) -> bool {
    then.is_some_and(|then| then + i128::from(retention_secs) * 1_000_000_000 < now.as_nanosecond())
}

pub(crate) fn nanos(time: FileTime) -> Option<i128> {
    let range = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    let total = i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
    (time.nanos < 1_000_000_000 && range.contains(&total)).then_some(total)
}

/// The fate of every file, in the order of the world's files, before groups are looked at.
fn alone(world: &World, name: &[u8], look: Look) -> Fate {
    let Heard { live, near, near_failed, failed, others } = heard(world, name);
    let over = |since: &Option<Timestamp>| is_over(since.map(Timestamp::as_nanosecond), world.failed_secs, world.now);
    let all_over = failed.iter().map(|(since, _)| since).chain(&others).all(over);
    if live {
        return Fate::Claimed;
    } else if near || (near_failed && failed.is_empty()) {
        return Fate::Near;
    } else if !all_over {
        return Fate::FailedRecently;
    }
    match look {
        Look::Gone => Fate::Vanished,
        Look::Failed => Fate::Unreadable,
        Look::File(_) if !failed.is_empty() => {
            let owners: BTreeSet<String> = failed.iter().map(|(_, owner)| owner.clone()).collect();
            Fate::FailedSession(failed.iter().filter_map(|f| f.0).max().unwrap(), owners.into_iter().collect())
        }
        Look::File(facts) => match nanos(facts.mtime) {
            then if is_over(then, world.orphan_secs, world.now) => {
                Fate::Orphan(Timestamp::from_nanosecond(then.unwrap()).unwrap())
            }
            _ => Fate::Young,
        },
    }
}

pub(crate) fn fates(world: &World) -> Vec<Fate> {
    let alone: Vec<Fate> = world.files.iter().map(|f| alone(world, &f.name, f.look)).collect();
    let ages_with_young = |name: &[u8]| {
        let is_young = |fate: &Fate| matches!(fate, Fate::Young | Fate::Unreadable);
        let mut others = world.files.iter().zip(&alone);
        others.any(|(other, fate)| is_young(fate) && group(world, &other.name) == group(world, name))
    };
    let together = |(file, fate): (&crate::worlds::File, &Fate)| match fate {
        Fate::Orphan(_) if ages_with_young(&file.name) => Fate::Young,
        fate => fate.clone(),
    };
    world.files.iter().zip(&alone).map(together).collect()
}

pub(crate) fn kept(fates: &[Fate]) -> Kept {
    let count = |fate: &Fate| fates.iter().filter(|f| *f == fate).count() as u64;
    Kept {
        claimed: count(&Fate::Claimed),
        nearly_claimed: count(&Fate::Near),
        too_young: count(&Fate::Young),
        failed_recently: count(&Fate::FailedRecently),
        unreadable: count(&Fate::Unreadable),
    }
}

pub(crate) fn tally(world: &World) -> Tally {
    let mut tally = Tally::default();
    let mut missing = BTreeSet::new();
    let mut odd = BTreeSet::new();
    let mut named_after = BTreeSet::new();
    for Said { name, owner, failed, since } in world.rows.iter().map(|row| said(world, row)) {
        *(if failed { &mut tally.failed } else { &mut tally.live }) += 1;
        tally.failed_without_time += u64::from(failed && since.is_none());
        match name {
            Name::None => tally.nameless += 1,
            Name::Gap(_) => {}
            Name::NoKey(value, why, _) => {
                tally.unaddressable += 1;
                odd.insert(UnaddressableClaim { value: Escaped(&value).to_string(), owner, why });
            }
            Name::Plain(name) if !failed && world.files.iter().all(|f| f.name != name) => {
                tally.missing += 1;
                missing.insert(Key::parse(&name).unwrap());
                let after = world.files.iter().filter(|f| !owner.is_empty() && is_named(world, &f.name, &owner));
                named_after.extend(after.map(|f| &f.name));
            }
            Name::Plain(_) => {}
        }
    }
    tally.missing_examples = missing.into_iter().take(1_000).collect();
    tally.unaddressable_examples = odd.into_iter().take(20).collect();
    tally.files_named_after_owner = named_after.len() as u64;
    tally
}

/// Whether a file at the top is named after a row, or is a variant or a part of one that is.
fn is_named(world: &World, file: &[u8], owner: &str) -> bool {
    let (dir, name) = cut(&alike(file));
    let owner = alike(owner.as_bytes());
    let stems = |name: &[u8]| [vec![stem(name).to_vec()], stems_within(world, name)].concat();
    dir.is_empty() && [&*name, finished(&name)].into_iter().flat_map(stems).any(|s| s == owner)
}
