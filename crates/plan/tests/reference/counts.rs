//! What the rows amount to: which files are missing, what looks like them, and the numbers of a report.

use std::collections::BTreeSet;

use upsweep_plan::key::{Escaped, Key};
use upsweep_plan::matching::{Tally, UnaddressableClaim};

use super::ties::{alike, cut, stem, stems};
use super::{End, Name, Said, said};
use crate::worlds::World;

/// Everything the store holds: hidden and excluded files are there, too.
pub(crate) fn all_names(world: &World) -> Vec<&[u8]> {
    world.files.iter().map(|file| &*file.name).chain(world.hidden.iter().map(Vec::as_slice)).collect()
}

/// Live rows whose file is not there: the name, and the row.
pub(crate) fn missing(world: &World) -> Vec<(Vec<u8>, String)> {
    let mut missing = Vec::new();
    for Said { name, owner, end } in world.rows.iter().map(|row| said(world, row)) {
        match name {
            Name::Plain(name) if end.is_none() && !all_names(world).contains(&&*name) => missing.push((name, owner)),
            _ => {}
        }
    }
    missing
}

/// Whether a file looks like one that is missing: the same letters and digits, in whatever folder and with
/// whatever extension, or the name of the row.
pub(crate) fn relinkable(world: &World, missing: &[(Vec<u8>, String)], file: &[u8]) -> bool {
    let said = |name: &[u8]| letters(stem(&cut(&alike(name)).1));
    missing.iter().any(|(name, owner)| {
        let same = !said(name).is_empty() && said(name) == said(file);
        same || (!owner.is_empty() && is_named(world, file, owner))
    })
}

/// A name without its marks and blanks, but where they part two numbers.
fn letters(stem: &[u8]) -> Vec<u8> {
    let is_mark = |b: &u8| b.is_ascii() && !b.is_ascii_alphanumeric();
    let mut words = stem.split(is_mark).filter(|word| !word.is_empty());
    let mut text = words.next().unwrap_or_default().to_vec();
    for word in words {
        if text.last().unwrap().is_ascii_digit() && word[0].is_ascii_digit() {
            text.push(b' ');
        }
        text.extend(word);
    }
    text
}

pub(crate) fn tally(world: &World) -> Tally {
    let mut tally = Tally::default();
    let mut odd = BTreeSet::new();
    for Said { name, owner, end } in world.rows.iter().map(|row| said(world, row)) {
        *(match end {
            None => &mut tally.live,
            Some(End::Failed(_)) => &mut tally.failed,
            Some(End::Expires(_)) => &mut tally.expiring,
        }) += 1;
        tally.ended_without_time += u64::from(matches!(end, Some(End::Failed(None) | End::Expires(None))));
        match name {
            Name::None => tally.nameless += 1,
            Name::Gap(_) | Name::Plain(_) => {}
            Name::NoKey(value, why, _) => {
                tally.unaddressable += 1;
                odd.insert(UnaddressableClaim { value: Escaped(&value).to_string(), owner, why });
            }
        }
    }
    let missing = missing(world);
    tally.missing = missing.len() as u64;
    tally.missing_expected = missing.iter().filter(|(name, _)| world.expected.contains(name)).count() as u64;
    let named: BTreeSet<Key> = missing.iter().map(|(name, _)| Key::parse(name).unwrap()).collect();
    tally.missing_examples = named.into_iter().take(1_000).collect();
    tally.unaddressable_examples = odd.into_iter().take(20).collect();
    let after = |file: &&&[u8]| missing.iter().any(|(_, owner)| !owner.is_empty() && is_named(world, file, owner));
    tally.files_named_after_owner = all_names(world).iter().filter(after).count() as u64;
    tally
}

/// Whether a file at the top is named after a row, or is a variant or a part of one that is.
fn is_named(world: &World, file: &[u8], owner: &str) -> bool {
    let (dir, name) = cut(&alike(file));
    let owner = alike(owner.as_bytes());
    dir.is_empty() && stems(world, &name).contains(&owner)
}
