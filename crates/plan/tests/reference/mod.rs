//! What a plan should be, worked out the slow way: every file is held against every row, with plain loops
//! and no index. Written from the design's words, so that it can disagree with the core.

use std::collections::BTreeSet;

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use upsweep_plan::key::{Escaped, Key, KeyError};
use upsweep_plan::listing::FileTime;
use upsweep_plan::matching::{Tally, UnaddressableClaim};
use upsweep_plan::reconcile::{Kept, Look};

use crate::worlds::{Kind, Row, StandingKind, World};

/// What a row says, by its rule.
pub(crate) struct Said {
    pub(crate) name: Name,
    pub(crate) owner: String,
    pub(crate) failed: bool,
    /// Since when, if it failed and says so.
    pub(crate) since: Option<Timestamp>,
}

pub(crate) enum Name {
    None,
    Plain(Vec<u8>),
    NoKey(Vec<u8>, KeyError),
    Gap { before: Vec<u8>, only_ext: bool, after: Vec<u8> },
}

/// Reads a row the way its rule says.
pub(crate) fn said(world: &World, row: &Row) -> Said {
    let rule = &world.rules[row.rule % world.rules.len()];
    let filled = |cell: &Option<Vec<u8>>| cell.clone().filter(|c| !c.is_empty());
    let (id, file, url) = (filled(&row.id), filled(&row.file), filled(&row.url));
    let gap =
        |before: &[u8], only_ext, after: &[u8]| Name::Gap { before: before.into(), only_ext, after: after.into() };
    let whole = |value: Option<Vec<u8>>| value.map_or(Name::None, |v| plain(v, world.recursive));
    let name = match rule.kind {
        Kind::File => whole(file),
        Kind::IdExt => match (id, file.map(|f| ext(&last_of_path(&f)).to_vec()).filter(|e| !e.is_empty())) {
            (Some(id), Some(ext)) => plain([id, ext].concat(), world.recursive),
            (Some(id), None) => gap(&id, true, b""),
            (None, Some(ext)) => gap(b"", false, &ext),
            (None, None) => Name::None,
        },
        Kind::IdAny => id.map_or(Name::None, |id| gap(&[&id, &b"."[..]].concat(), false, b"")),
        Kind::UrlBase => whole(url.map(|u| last_of_path(&u))),
    };
    let failed = match rule.standing {
        StandingKind::Live => false,
        StandingKind::Failed => true,
        StandingKind::ByStatus => row.status.as_deref() == Some("failed"),
    };
    let owner = row.id.clone().unwrap_or_default();
    Said {
        name,
        owner: String::from_utf8_lossy(&owner).into_owned(),
        failed,
        since: row.created.means.filter(|_| failed),
    }
}

fn plain(value: Vec<u8>, recursive: bool) -> Name {
    let parts: Vec<&[u8]> = value.split(|b| *b == b'/').collect();
    let why = if value.is_empty() {
        return Name::None;
    } else if value.contains(&0) {
        KeyError::Nul
    } else if value[0] == b'/' {
        KeyError::Absolute
    } else if let Some(odd) = parts.iter().find(|p| matches!(**p, b"" | b"." | b"..")) {
        if odd.is_empty() { KeyError::EmptyComponent } else { KeyError::Dots }
    } else if parts.len() > 1 && !recursive {
        KeyError::BelowTopLevel
    } else {
        return Name::Plain(value);
    };
    Name::NoKey(value, why)
}

fn last_of_path(value: &[u8]) -> Vec<u8> {
    let text = |bytes: &[u8]| bytes.to_vec();
    if value.starts_with(b"https://") {
        let path: Vec<u8> = value.iter().copied().take_while(|b| *b != b'?' && *b != b'#').collect();
        return unescaped(&text(path.rsplit(|b| *b == b'/').next().unwrap()));
    }
    let path = if value.ends_with(b"/") { &value[..value.len() - 1] } else { value };
    text(path.rsplit(|b| *b == b'/' || *b == b'\\').next().unwrap())
}

fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|d| bytes[at] == b'%' && d.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(hex) => {
                out.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Case, Unicode form, percent-encoding and slashes made alike.
pub(crate) fn alike(name: &[u8]) -> Vec<u8> {
    let bytes = (0..4).fold(name.to_vec(), |bytes, _| unescaped(&bytes));
    let text: String = String::from_utf8_lossy(&bytes).nfkc().collect();
    let text: String = text.to_lowercase().to_uppercase().to_lowercase().replace('\u{3c2}', "\u{3c3}").nfkc().collect();
    let text = text.replace('\\', "/");
    let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    parts.join("/").into_bytes()
}

fn cut(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    let name = parts.pop().unwrap().to_vec();
    (parts.join(&b'/'), name)
}

fn stem(name: &[u8]) -> &[u8] {
    &name[..name.len() - ext(name).len()]
}

/// The extension with its dot; neither a leading nor a trailing dot makes one.
fn ext(name: &[u8]) -> &[u8] {
    let dots: Vec<usize> = (0..name.len()).filter(|at| name[*at] == b'.').collect();
    match dots.last() {
        Some(&at) if at != 0 && at != name.len() - 1 => &name[at..],
        _ => b"",
    }
}

/// How a file belongs to a claimed name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tie {
    /// It is that file, or an exact variant of it.
    Own,
    /// It is such a file still being written.
    Part,
    /// The claim names a variant, and this is its original, or another variant.
    Kin,
}

/// Written forwards: which names does the claim reach?
pub(crate) fn tie(world: &World, claimed: &[u8], file: &[u8]) -> Option<Tie> {
    let ((claimed_dir, claimed), (dir, file)) = (cut(claimed), cut(file));
    if claimed_dir != dir {
        return None;
    }
    let made_of = |stem: &[u8]| -> Vec<Vec<u8>> {
        world.affixes().iter().map(|(p, s)| [p.as_bytes(), stem, s.as_bytes()].concat()).collect()
    };
    let own: Vec<Vec<u8>> = [vec![claimed.clone()], made_of(stem(&claimed))].concat();
    if file == claimed {
        return Some(Tie::Own);
    }
    let whole = finished(&file);
    if own.iter().any(|name| name == whole) {
        return Some(if whole == file { Tie::Own } else { Tie::Part });
    }
    let stems = stems_within(world, &claimed);
    let kin = stems.iter().any(|s| stem(whole) == &**s || made_of(s).iter().any(|name| name == whole));
    kin.then_some(Tie::Kin)
}

/// The stems a name may have been made of, were it a variant; the first pattern first.
fn stems_within(world: &World, name: &[u8]) -> Vec<Vec<u8>> {
    let within = |(p, s): &(&str, &str)| {
        let inner = name.strip_prefix(p.as_bytes())?.strip_suffix(s.as_bytes())?;
        (!inner.is_empty()).then(|| inner.to_vec())
    };
    world.affixes().iter().filter_map(within).collect()
}

fn finished(name: &[u8]) -> &[u8] {
    let strip = |suffix: &str| name.strip_suffix(suffix.as_bytes()).filter(|n| !n.is_empty());
    strip(".tmp").or_else(|| strip(".part")).unwrap_or(name)
}

/// The folder and the stem of the original, folded: what a file ages with.
pub(crate) fn group(world: &World, name: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (dir, name) = cut(&alike(name));
    let whole = finished(&name);
    let original = stems_within(world, whole).into_iter().next();
    (dir, original.unwrap_or_else(|| stem(whole).to_vec()))
}

/// Whether a name with a gap could be this file's, or that of a file it is a variant or a part of.
fn gap_reaches(world: &World, before: &[u8], only_ext: bool, after: &[u8], file: &[u8]) -> bool {
    let (before, after, file) = (alike(before), alike(after), alike(file));
    let fits = |name: &[u8]| {
        let Some(rest) = name.strip_prefix(&*before) else { return false };
        let Some(gap) = rest.strip_suffix(&*after) else { return false };
        !gap.contains(&b'/') && (!only_ext || gap.is_empty() || gap[0] == b'.')
    };
    let (dir, name) = cut(&file);
    let full = |name: &[u8]| if dir.is_empty() { name.to_vec() } else { [&*dir, b"/", name].concat() };
    [&*name, finished(&name)].into_iter().any(|name| {
        let base = |s: &Vec<u8>| {
            let bare = ext(s).is_empty() && fits(&full(s));
            bare || [b".x", ext(&[b"x", &*after].concat())].iter().any(|e| fits(&full(&[s, *e].concat())))
        };
        fits(&full(name)) || stems_within(world, name).iter().any(base)
    })
}

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

pub(crate) fn heard(world: &World, file: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for Said { name, owner, failed, since } in world.rows.iter().map(|row| said(world, row)) {
        match name {
            Name::None => {}
            Name::NoKey(value, _) => {
                let path = |piece: &[u8]| piece.split(|b| matches!(b, b'?' | b'#')).next().unwrap().to_vec();
                heard.near |= value
                    .split(|b| *b == 0)
                    .any(|piece| ends_like(world, piece, file) || ends_like(world, &path(piece), file));
            }
            Name::Gap { before, only_ext, after } => {
                let reaches = gap_reaches(world, &before, only_ext, &after, file);
                match (reaches, failed) {
                    (false, _) => {}
                    (true, false) => heard.live = true,
                    (true, true) => {
                        heard.near_failed = true;
                        heard.others.push(since);
                    }
                }
            }
            Name::Plain(name) if name.contains(&b'\\') && ends_like(world, &name, file) => {
                heard.near = true;
                heard.live |= !failed && tie(world, &name, file).is_some();
            }
            Name::Plain(name) => match (tie(world, &name, file), failed) {
                (Some(_), false) => heard.live = true,
                (Some(Tie::Own), true) => heard.failed.push((since, owner)),
                (Some(Tie::Part), true) => heard.others.push(since),
                (None, _) if tie(world, &alike(&name), &alike(file)).is_none() => {}
                (None, false) => heard.near = true,
                (None | Some(Tie::Kin), true) => {
                    heard.near_failed = true;
                    heard.others.push(since);
                }
            },
        }
    }
    heard
}

/// Whether the last component of a path that leads elsewhere has to do with a file, in whatever folder.
fn ends_like(world: &World, path: &[u8], file: &[u8]) -> bool {
    let last = cut(&alike(path)).1;
    !last.is_empty() && tie(world, &last, &cut(&alike(file)).1).is_some()
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
            Name::Gap { .. } => {}
            Name::NoKey(value, why) => {
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
