//! Which names have to do with each other.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::worlds::World;

pub(super) fn unescaped(bytes: &[u8]) -> Vec<u8> {
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

/// Case, Unicode form, percent-encoding, slashes and the blanks around components made alike.
pub(crate) fn alike(name: &[u8]) -> Vec<u8> {
    let text = understood(name);
    let parts: Vec<&str> = text.split('/').map(str::trim).filter(|p| !p.is_empty() && *p != ".").collect();
    parts.join("/").into_bytes()
}

/// The same with every slash there is.
fn understood(name: &[u8]) -> String {
    let bytes = (0..4).fold(name.to_vec(), |bytes, _| unescaped(&bytes));
    let text: String = String::from_utf8_lossy(&bytes).nfkc().collect();
    let text: String = text.to_lowercase().to_uppercase().to_lowercase().replace('\u{3c2}', "\u{3c3}").nfkc().collect();
    text.replace('\\', "/")
}

/// Whether a key is understood as another path: one of more components, an absolute one, or one that is no key.
pub(super) fn means_another_path(key: &[u8]) -> bool {
    let path = understood(key);
    let components: Vec<&str> = path.split('/').map(str::trim).collect();
    components.len() != key.split(|b| *b == b'/').count()
        || components.iter().any(|c| matches!(*c, "" | "." | ".."))
        || path.contains('\0')
}

pub(super) fn cut(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    let name = parts.pop().unwrap().to_vec();
    (parts.join(&b'/'), name)
}

pub(super) fn stem(name: &[u8]) -> &[u8] {
    &name[..name.len() - ext(name).len()]
}

/// The extension with its dot; neither a leading nor a trailing dot makes one.
pub(super) fn ext(name: &[u8]) -> &[u8] {
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
    /// The claim names a variant, and this is its original, or another variant; or the claim names a file still
    /// being written, and this has to do with the finished one.
    Kin,
}

/// Written forwards: which names does the claim reach?
pub(crate) fn tie(world: &World, claimed: &[u8], file: &[u8]) -> Option<Tie> {
    let ((claimed_dir, claimed), (dir, file)) = (cut(claimed), cut(file));
    if claimed_dir != dir {
        return None;
    }
    if file == claimed {
        return Some(Tie::Own);
    }
    let whole = finished(&file);
    let becomes = finished(&claimed);
    if becomes != claimed {
        let loosely = |name: &[u8]| tie_of_names(world, name, &file).is_some();
        let is_part = (whole == claimed).then_some(Tie::Part);
        return is_part.or_else(|| (loosely(&claimed) || loosely(becomes)).then_some(Tie::Kin));
    }
    tie_of_names(world, &claimed, &file)
}

fn tie_of_names(world: &World, claimed: &[u8], file: &[u8]) -> Option<Tie> {
    let whole = finished(file);
    let own: Vec<Vec<u8>> = [vec![claimed.to_vec()], made_of(world, stem(claimed))].concat();
    if own.iter().any(|name| name == whole) {
        return Some(if whole == file { Tie::Own } else { Tie::Part });
    }
    let stems = stems_within(world, claimed);
    let kin = stems.iter().any(|s| stem(whole) == &**s || made_of(world, s).iter().any(|name| name == whole));
    kin.then_some(Tie::Kin)
}

/// The names of a stem's variants.
fn made_of(world: &World, stem: &[u8]) -> Vec<Vec<u8>> {
    world.affixes().iter().map(|(p, s)| [p.as_bytes(), stem, s.as_bytes()].concat()).collect()
}

/// The stems a name may have been made of, were it a variant; the first pattern first.
pub(super) fn stems_within(world: &World, name: &[u8]) -> Vec<Vec<u8>> {
    let within = |(p, s): &(&str, &str)| {
        let inner = name.strip_prefix(p.as_bytes())?.strip_suffix(s.as_bytes())?;
        (!inner.is_empty()).then(|| inner.to_vec())
    };
    world.affixes().iter().filter_map(within).collect()
}

/// The stems of all originals that a name may belong to.
pub(super) fn stems(world: &World, name: &[u8]) -> Vec<Vec<u8>> {
    let of = |name: &[u8]| [vec![stem(name).to_vec()], stems_within(world, name)].concat();
    [of(name), of(finished(name))].concat()
}

pub(super) fn finished(name: &[u8]) -> &[u8] {
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

/// A name of which a part may not be known.
#[derive(Clone)]
pub(crate) struct Gap {
    pub(crate) before: Vec<u8>,
    pub(crate) width: Width,
    pub(crate) after: Vec<u8>,
}

impl From<&[u8]> for Gap {
    fn from(whole: &[u8]) -> Self {
        Self { before: whole.to_vec(), width: Width::None, after: vec![] }
    }
}

/// What may stand in a gap.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Width {
    /// Nothing: there is no gap.
    None,
    /// Nothing, or an extension.
    Ext,
    Any,
}

impl Gap {
    /// What stands before the gap, whose end is no slash too many.
    fn before(&self) -> Vec<u8> {
        let mut before = alike(&[&*self.before, b"x"].concat());
        before.pop();
        before
    }

    /// Whether the file, in whatever folder, has to do with a name like the last component of this one, or of what
    /// stands before a NUL.
    pub(crate) fn is_named_like(&self, world: &World, file: &[u8]) -> bool {
        let own = cut(&alike(file)).1;
        let has_gap = self.width != Width::None;
        let before = if has_gap { self.before() } else { alike(&self.before) };
        let mut parts: Vec<&[u8]> = before.split(|b| *b == 0).collect();
        let open = if has_gap { parts.pop().map(<[u8]>::to_vec) } else { None };
        // A URL's path ends before its query and its fragment.
        let ends = |b: &u8| matches!(b, b'?' | b'#');
        let mut closed: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        closed.extend(parts.iter().filter_map(|part| Some(part[..part.iter().position(ends)?].to_vec())));
        let mut opened: Vec<Self> = Vec::new();
        if let Some(before) = open {
            let after = alike(&self.after);
            match (before.iter().position(ends), after.iter().position(ends)) {
                (Some(end), _) => closed.push(before[..end].to_vec()),
                (None, Some(end)) => {
                    opened.push(Self { before: cut(&before).1, after: after[..end].to_vec(), ..self.clone() });
                }
                (None, None) => {}
            }
            opened.push(Self { before: cut(&before).1, ..self.clone() });
        }
        let mut lasts = closed.iter().map(|part| cut(&alike(part)).1);
        lasts.any(|last| !last.is_empty() && tie(world, &last, &own).is_some())
            || opened.iter().any(|open| open.reaches(world, &own))
    }

    pub(crate) fn means_another_path(&self) -> bool {
        means_another_path(&[&*self.before, b"*", &self.after].concat())
    }

    /// Whether some name that fits is tied to the file: any that the file could be tied to at all is tried.
    pub(crate) fn reaches(&self, world: &World, file: &[u8]) -> bool {
        let (before, after, file) = (self.before(), alike(&[b"x", &*self.after].concat())[1..].to_vec(), alike(file));
        let fits = |name: &[u8]| {
            let Some(gap) = name.strip_prefix(&*before).and_then(|rest| rest.strip_suffix(&*after)) else {
                return false;
            };
            match self.width {
                Width::None => gap.is_empty(),
                Width::Ext => !gap.contains(&b'/') && (gap.is_empty() || gap[0] == b'.'),
                Width::Any => !gap.contains(&b'/'),
            }
        };
        let (dir, name) = cut(&file);
        let whole = finished(&name);
        let stems = [vec![stem(whole).to_vec()], stems_within(world, whole)].concat();
        let variants: Vec<Vec<u8>> = stems.iter().flat_map(|s| made_of(world, s)).collect();
        let starts = [vec![name.clone(), whole.to_vec()], stems, variants].concat();
        // Extensions: any, and those that what is known of the name asks for.
        let known = [&*before, &*after].concat();
        let within = (0..=known.len()).flat_map(|from| (from..=known.len()).map(move |to| from..to));
        let ends = within.map(|range| known[range].to_vec()).collect::<BTreeSet<_>>().into_iter();
        let ends: Vec<Vec<u8>> = ends.chain([&b""[..], b".", b".x"].map(|dot| [dot, &after].concat())).collect();
        starts.iter().flat_map(|start| ends.iter().map(move |end| [&**start, end].concat())).any(|name| {
            ["", ".x", ".tmp", ".part"].into_iter().any(|part| {
                let name = [&*name, part.as_bytes()].concat();
                let path = if dir.is_empty() { name } else { [&*dir, b"/", &name].concat() };
                fits(&path) && tie(world, &path, &file).is_some()
            })
        })
    }
}
