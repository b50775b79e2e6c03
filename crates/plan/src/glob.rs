//! Patterns with gaps: what a claim says about a file whose name it knows only in part.
//!
//! Patterns only ever protect, so they are matched on folded names (see [`crate::fold`]).

use crate::fold::fold;
use crate::key::Escaped;

/// One piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Exactly these bytes.
    Literal(Vec<u8>),
    /// Any bytes but `/`, possibly none: a `*` in a template, or a part the row left out.
    Any,
    /// Nothing, or a dot and any bytes but `/`: an extension the row left out.
    AnyExt,
}

/// A pattern over folded names: a literal prefix, then pieces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    pieces: Vec<Piece>,
}

impl std::fmt::Display for Glob {
    /// Folded and escaped, with `*` for gaps.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spelled: Vec<u8> = self.pieces.iter().flat_map(Piece::spelled).copied().collect();
        Escaped(&spelled).fmt(f)
    }
}

impl Glob {
    /// Makes a pattern of `pieces`; neighbours of a kind become one, and every literal is folded.
    #[must_use]
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces.into_iter().filter(|piece| *piece != Piece::Literal(vec![])) {
            match (merged.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(more)) => before.extend(more),
                (Some(Piece::Any), Piece::Any) => {}
                (_, piece) => merged.push(piece),
            }
        }
        let last = merged.len().saturating_sub(1);
        for (at, piece) in merged.iter_mut().enumerate() {
            if let Piece::Literal(bytes) = piece {
                *bytes = fold_part(bytes, at == 0, at == last);
            }
        }
        merged.retain(|piece| *piece != Piece::Literal(vec![]));
        Self { pieces: merged }
    }

    /// What every matching name begins with, folded; empty when the pattern starts with a gap.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        match self.pieces.first() {
            Some(Piece::Literal(bytes)) => bytes,
            _ => b"",
        }
    }

    /// The one name it matches, folded, if it has no gap.
    #[must_use]
    pub fn literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Patterns for what files may be named, in whatever folder: its last component, and where NUL bytes divide it
    /// that of each part.
    #[must_use]
    pub fn file_names(&self) -> Vec<Self> {
        let is_named = |component: &Vec<Piece>| !component.is_empty() && *component != [Piece::Literal(b".".to_vec())];
        let last = |part: Vec<Piece>| split_pieces(&part, b'/').into_iter().rfind(is_named);
        let parts = split_pieces(&self.pieces, 0);
        let paths: Vec<_> = parts.iter().filter_map(|part| path_of_url(part)).collect();
        parts.into_iter().chain(paths).filter_map(last).map(Self::new).collect()
    }

    /// Whether the folded name matches from beginning to end.
    #[must_use]
    pub fn matches(&self, folded: &[u8]) -> bool {
        matches_pieces(&self.pieces, folded, Tail::Nothing)
    }

    /// Whether some name matches that is `stem` (folded) and an extension.
    #[must_use]
    pub fn matches_with_ext(&self, stem: &[u8]) -> bool {
        matches_pieces(&self.pieces, &[stem, b"."].concat(), Tail::OfExt)
    }

    /// What stands before `end` in the names that match and end with it: a pattern for each way to end so.
    pub fn before<'g>(&'g self, end: &[u8]) -> impl Iterator<Item = Self> + use<'g> {
        let cut = pieces_before(&self.pieces, &end.to_ascii_lowercase());
        cut.into_iter().map(Self::new).filter(move |glob| glob != self)
    }
}

/// The pieces between the bytes `at`.
fn split_pieces(pieces: &[Piece], at: u8) -> Vec<Vec<Piece>> {
    let mut done = Vec::new();
    let mut part = Vec::new();
    for piece in pieces {
        let Piece::Literal(bytes) = piece else {
            part.push(piece.clone());
            continue;
        };
        for (nth, bytes) in bytes.split(|b| *b == at).enumerate() {
            if nth > 0 {
                done.push(std::mem::take(&mut part));
            }
            if !bytes.is_empty() {
                part.push(Piece::Literal(bytes.to_vec()));
            }
        }
    }
    done.push(part);
    done
}

/// What may stand behind the end of a text that is matched.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    Nothing,
    /// The rest of an extension, whatever it is.
    OfExt,
}

/// Folds a part of a name. The outer slashes of a name do not count, but those at its gaps do: they are fenced in.
fn fold_part(part: &[u8], is_first: bool, is_last: bool) -> Vec<u8> {
    const FENCE: &[u8] = b"\x01";
    let fence = |is_outer: bool| if is_outer { &b""[..] } else { FENCE };
    let (left, right) = (fence(is_first), fence(is_last));
    let folded = fold(&[left, part, right].concat()).into_owned();
    let inner = folded.strip_prefix(left).and_then(|f| f.strip_suffix(right));
    inner.map_or_else(|| part.to_vec(), <[u8]>::to_vec)
}

/// What stands before a query or a fragment, if there is one: a URL's path ends there.
fn path_of_url(pieces: &[Piece]) -> Option<Vec<Piece>> {
    for (at, piece) in pieces.iter().enumerate() {
        if let Piece::Literal(bytes) = piece
            && let Some(end) = bytes.iter().position(|b| matches!(b, b'?' | b'#'))
        {
            let cut = Piece::Literal(bytes[..end].to_vec());
            return Some(pieces[..at].iter().cloned().chain([cut]).collect());
        }
    }
    None
}

fn matches_pieces(pieces: &[Piece], name: &[u8], tail: Tail) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return name.is_empty();
    };
    match first {
        Piece::Literal(bytes) => match name.strip_prefix(bytes.as_slice()) {
            Some(name) => matches_pieces(rest, name, tail),
            None => {
                let more = bytes.strip_prefix(name).filter(|_| tail == Tail::OfExt);
                more.is_some_and(|more| is_within_ext(more) && rest.iter().all(Piece::fits_into_ext))
            }
        },
        Piece::Any => within_component(name).any(|at| matches_pieces(rest, &name[at..], tail)),
        Piece::AnyExt => {
            let mut ends = within_component(name).filter(|at| *at == 0 || name[0] == b'.');
            ends.any(|at| matches_pieces(rest, &name[at..], tail))
        }
    }
}

impl Piece {
    /// As a report shows it.
    pub(crate) fn spelled(&self) -> &[u8] {
        match self {
            Self::Literal(bytes) => bytes,
            Self::Any | Self::AnyExt => b"*",
        }
    }

    fn fits_into_ext(&self) -> bool {
        match self {
            Self::Literal(bytes) => is_within_ext(bytes),
            Self::Any | Self::AnyExt => true,
        }
    }
}

fn is_within_ext(bytes: &[u8]) -> bool {
    !bytes.iter().any(|b| matches!(b, b'.' | b'/'))
}

fn pieces_before(pieces: &[Piece], end: &[u8]) -> Vec<Vec<Piece>> {
    let Some((last, before)) = pieces.split_last().filter(|_| !end.is_empty()) else {
        return if end.is_empty() { vec![pieces.to_vec()] } else { vec![] };
    };
    match last {
        Piece::Literal(bytes) => match (bytes.strip_suffix(end), end.strip_suffix(bytes.as_slice())) {
            (Some(head), _) => vec![[before, &[Piece::Literal(head.to_vec())]].concat()],
            (None, Some(end)) => pieces_before(before, end),
            (None, None) => vec![],
        },
        // The gap may hold all of the end, or any part of it.
        Piece::Any | Piece::AnyExt => {
            let held = (1..=end.len()).filter(|at| *last == Piece::Any || matches!(end.get(*at), None | Some(b'.')));
            let shorter = held.flat_map(|at| pieces_before(before, &end[..at]));
            [pieces.to_vec()].into_iter().chain(shorter).collect()
        }
    }
}

/// Every position up to and including the end of the name's first component.
fn within_component(name: &[u8]) -> std::ops::RangeInclusive<usize> {
    0..=name.iter().position(|&b| b == b'/').unwrap_or(name.len())
}

#[cfg(test)]
#[path = "glob_tests.rs"]
mod tests;
