//! What people and the configuration keep, whatever the rows say.

use std::collections::BTreeSet;

use upsweep_plan::hold::HoldTarget;

use super::ties::{alike, cut, group, stems};
use super::{Name, all_names, heard_of, said};
use crate::worlds::World;

/// The names that are held, there or not.
pub(crate) struct HeldNames(Vec<Vec<u8>>);

impl HeldNames {
    pub(crate) fn of(world: &World) -> Self {
        let mut held: Vec<Vec<u8>> = Vec::new();
        for hold in &world.holds {
            match hold {
                HoldTarget::Key(key) => held.push(key.as_bytes().to_vec()),
                HoldTarget::Prefix(prefix) => {
                    let prefix = prefix.as_bytes();
                    let mut folded = alike(&[prefix, b"x"].concat());
                    folded.pop();
                    let begins = |name: &&[u8]| name.starts_with(prefix) || alike(name).starts_with(&folded);
                    held.extend(all_names(world).into_iter().filter(begins).map(<[u8]>::to_vec));
                }
                HoldTarget::Owner(owner) => held.extend(names_of_row(world, owner)),
            }
        }
        Self(held)
    }

    /// Whether the file may belong to a held name, or shares its group with one that does.
    pub(crate) fn keep(&self, world: &World, file: &[u8]) -> bool {
        let together = |other: &&[u8]| group(world, other) == group(world, file);
        all_names(world).into_iter().filter(together).chain([file]).any(|other| {
            let of_other = groups(world, other);
            self.0.iter().any(|held| !groups(world, held).is_disjoint(&of_other))
        })
    }
}

/// All that the rows of this identifier name, and every file that they have to do with.
fn names_of_row(world: &World, owner: &str) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for row in &world.rows {
        let of_row = || said(world, row);
        if alike(of_row().owner.as_bytes()) != alike(owner.as_bytes()) {
            continue;
        }
        if let Name::Plain(name) = of_row().name {
            names.push(name);
        }
        let reached = |file: &&[u8]| heard_of(world, of_row(), file).anything();
        names.extend(all_names(world).into_iter().filter(reached).map(<[u8]>::to_vec));
    }
    names
}

/// The originals that a name may belong to, each as its folder and stem: as it is spelled, and as it is understood.
fn groups(world: &World, name: &[u8]) -> BTreeSet<Vec<u8>> {
    let of = |name: &[u8]| {
        let (dir, name) = cut(name);
        let whole = move |stem: Vec<u8>| alike(&[&*dir, b"/", &stem].concat());
        stems(world, &name).into_iter().map(whole).collect::<Vec<_>>()
    };
    let understood = |name: &[u8]| {
        let (dir, name) = cut(&alike(name));
        let start = if dir.is_empty() { vec![] } else { [&*dir, b"/"].concat() };
        stems(world, &name).into_iter().map(move |stem| [&*start, &stem].concat()).collect::<Vec<_>>()
    };
    of(&name.to_ascii_lowercase()).into_iter().chain(understood(name)).collect()
}

/// Whether a pattern of the configuration covers the name: in whatever folder, or the path from the top, where the
/// pattern is one; and whether it covers a folder above it.
pub(crate) fn excluded(world: &World, name: &[u8]) -> bool {
    let path = alike(name);
    let components: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    world.exclude.iter().any(|pattern| {
        let pattern = alike(pattern.as_bytes());
        (1..=components.len()).any(|len| {
            let whole = components[..len].join(&b'/');
            fits(&pattern, if pattern.contains(&b'/') { &whole } else { components[len - 1] })
        })
    })
}

/// Whether a text fits a pattern in which `*` stands for anything but a slash.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => {
            let within = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
            (0..=within).any(|at| fits(rest, &text[at..]))
        }
        Some((byte, rest)) => text.first() == Some(byte) && fits(rest, &text[1..]),
    }
}
