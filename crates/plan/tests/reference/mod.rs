//! What a plan should be, worked out the slow way: every file is held against every row, with plain loops
//! and no index. Written from the design's words, so that it can disagree with the core.

mod counts;
mod protected;
mod reading;
mod ties;

use std::collections::BTreeSet;

use jiff::Timestamp;
use upsweep_plan::listing::FileTime;
use upsweep_plan::policy::AgeFrom;
use upsweep_plan::reconcile::{Kept, Look};

pub(crate) use self::counts::{all_names, missing, relinkable, tally};
pub(crate) use self::protected::{HeldNames, excluded};
pub(crate) use self::reading::{End, Name, Said, said};
use self::ties::{Gap, means_another_path};
pub(crate) use self::ties::{Tie, alike, group, tie};
use crate::worlds::World;

/// What rows say about one file.
#[derive(Default, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) live: bool,
    /// A live row, or one whose name is no key, names it nearly.
    pub(crate) near: bool,
    /// An ended row names it nearly, or a variant of it.
    pub(crate) near_ended: bool,
    /// Ended rows that name it or its original exactly.
    pub(crate) ended: Vec<(End, String)>,
    /// How the other ended rows end that have to do with it.
    pub(crate) others: Vec<End>,
}

impl Heard {
    fn nearly(&mut self, end: Option<End>) {
        if let Some(end) = end {
            self.near_ended = true;
            self.others.push(end);
        } else {
            self.near = true;
        }
    }

    /// Whether any row has to do with the file.
    pub(crate) fn anything(&self) -> bool {
        *self != Self::default()
    }

    /// Every end that must have come before the file may go.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End> {
        self.ended.iter().map(|(end, _)| *end).chain(self.others.iter().copied())
    }

    fn add_row(&mut self, world: &World, Said { name, owner, end }: Said, file: &[u8]) {
        // A name that is understood as another path may point anywhere.
        let elsewhere = match &name {
            Name::Plain(name) if means_another_path(name) => Some(Gap::from(&**name)),
            Name::Gap(gap) if gap.means_another_path() => Some(gap.clone()),
            _ => None,
        };
        if elsewhere.is_some_and(|path| path.is_named_like(world, file)) {
            self.nearly(end);
        }
        match name {
            Name::None => {}
            Name::NoKey(_, _, gap) => self.near |= gap.is_named_like(world, file),
            Name::Gap(gap) if !gap.reaches(world, file) => {}
            Name::Gap(_) if end.is_some() => self.nearly(end),
            Name::Gap(_) => self.live = true,
            Name::Plain(name) => match (tie(world, &name, file), end) {
                (Some(_), None) => self.live = true,
                (Some(Tie::Own), Some(end)) => self.ended.push((end, owner)),
                (Some(Tie::Part), Some(end)) => self.others.push(end),
                (None, _) if tie(world, &alike(&name), &alike(file)).is_none() => {}
                (None | Some(Tie::Kin), _) => self.nearly(end),
            },
        }
    }
}

/// What all rows say about one file.
pub(crate) fn heard(world: &World, file: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for row in &world.rows {
        heard.add_row(world, said(world, row), file);
    }
    heard
}

/// What one row says about a file.
fn heard_of(world: &World, said: Said, file: &[u8]) -> Heard {
    let mut heard = Heard::default();
    heard.add_row(world, said, file);
    heard
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Claimed,
    Held,
    Near,
    FailedRecently,
    NotExpired,
    Relinkable,
    Young,
    Unreadable,
    /// It belongs to a file that is excluded.
    Ignored,
    /// It is excluded itself, and not judged.
    Excluded,
    Vanished,
    FailedSession(Timestamp, Vec<String>),
    Expired(Timestamp, Vec<String>),
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

/// Whether a claim's end came, and came long enough ago. One that is not known never comes.
pub(crate) fn has_ended(world: &World, end: End) -> bool {
    let (at, secs) = match end {
        End::Failed(since) => (since, world.failed_secs),
        End::Expires(at) => (at, 0),
    };
    is_over(at.map(Timestamp::as_nanosecond), secs, world.now)
}

/// What the age of a file that nobody claims counts from, in nanoseconds.
pub(crate) fn counts_from(world: &World, look: Look) -> Option<i128> {
    let Look::File(facts, first_seen) = look else { return None };
    // A file with a time that no calendar knows has no known age.
    let (mtime, ctime) = (nanos(facts.mtime)?, nanos(facts.ctime)?);
    let own = match world.age_from {
        AgeFrom::Mtime => mtime,
        AgeFrom::Changed => mtime.max(ctime),
        // It cannot have been seen before it was written; but its content may be from the future.
        AgeFrom::FirstSeen => first_seen?.as_nanosecond().max(mtime),
    };
    Some(if world.action.frees_at_once() { own.max(mtime).max(ctime) } else { own })
}

/// The fate of one file before its group is looked at.
fn alone(world: &World, name: &[u8], look: Look, held: &HeldNames, missing: &[(Vec<u8>, String)]) -> Fate {
    let heard = heard(world, name);
    if excluded(world, name) {
        return Fate::Excluded;
    } else if heard.live {
        return Fate::Claimed;
    } else if held.keep(world, name) {
        return Fate::Held;
    } else if heard.near || (heard.near_ended && heard.ended.is_empty()) {
        return Fate::Near;
    }
    let running: Vec<End> = heard.ends().filter(|end| !has_ended(world, *end)).collect();
    if running.iter().any(|end| matches!(end, End::Failed(_))) {
        return Fate::FailedRecently;
    } else if !running.is_empty() {
        return Fate::NotExpired;
    } else if heard.ended.is_empty() && relinkable(world, missing, name) {
        return Fate::Relinkable;
    }
    match look {
        Look::Gone => Fate::Vanished,
        Look::DatabaseFile => Fate::Claimed,
        Look::Failed => Fate::Unreadable,
        Look::File(..) if !heard.ended.is_empty() => {
            let owners: BTreeSet<String> = heard.ended.iter().map(|(_, owner)| owner.clone()).collect();
            let owners = owners.into_iter().collect();
            let failed = heard.ended.iter().filter_map(|(end, _)| if let End::Failed(at) = end { *at } else { None });
            let expired = heard.ended.iter().filter_map(|(end, _)| if let End::Expires(at) = end { *at } else { None });
            match failed.max() {
                Some(since) => Fate::FailedSession(since, owners),
                None => Fate::Expired(expired.max().unwrap(), owners),
            }
        }
        Look::File(..) => match counts_from(world, look) {
            from if is_over(from, world.orphan_secs, world.now) => {
                Fate::Orphan(Timestamp::from_nanosecond(from.unwrap()).unwrap())
            }
            _ => Fate::Young,
        },
    }
}

/// The fate of every file, in the order of the world's files.
pub(crate) fn fates(world: &World) -> Vec<Fate> {
    let (held, missing) = (HeldNames::of(world), missing(world));
    let alone: Vec<Fate> = world.files.iter().map(|f| alone(world, &f.name, f.look, &held, &missing)).collect();
    // What keeps those that belong together with a file.
    let others = |name: &[u8]| -> Vec<&Fate> {
        let files = world.files.iter().zip(&alone);
        files.filter(|(other, _)| group(world, &other.name) == group(world, name)).map(|(_, fate)| fate).collect()
    };
    let together = |(file, fate): (&crate::worlds::File, &Fate)| {
        let others = others(&file.name);
        let condemned = matches!(fate, Fate::FailedSession(..) | Fate::Expired(..) | Fate::Orphan(_));
        if condemned && others.contains(&&Fate::Excluded) {
            Fate::Ignored
        } else if !matches!(fate, Fate::Orphan(_)) {
            fate.clone()
        } else if others.contains(&&Fate::Relinkable) {
            Fate::Relinkable
        } else if others.iter().any(|other| matches!(other, Fate::Young | Fate::Unreadable)) {
            Fate::Young
        } else {
            fate.clone()
        }
    };
    world.files.iter().zip(&alone).map(together).collect()
}

pub(crate) fn kept(fates: &[Fate]) -> Kept {
    let count = |fate: &Fate| fates.iter().filter(|f| *f == fate).count() as u64;
    Kept {
        claimed: count(&Fate::Claimed),
        held: count(&Fate::Held),
        nearly_claimed: count(&Fate::Near),
        too_young: count(&Fate::Young),
        failed_recently: count(&Fate::FailedRecently),
        not_expired: count(&Fate::NotExpired),
        relinkable: count(&Fate::Relinkable),
        ignored: count(&Fate::Ignored),
        outside_selection: 0,
        unreadable: count(&Fate::Unreadable),
    }
}
