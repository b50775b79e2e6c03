//! Patterns with gaps: what a claim says about a file whose name it knows only in part.
//!
//! Patterns only ever protect, so they are matched on folded names (see [`crate::fold`]).

use crate::fold::fold;

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

impl Glob {
    /// Makes a pattern of `pieces`; neighbouring literals become one, and every literal is folded.
    #[must_use]
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (merged.last_mut(), piece) {
                (Some(Piece::Literal(before)), Piece::Literal(more)) => before.extend(more),
                (_, piece) => merged.push(piece),
            }
        }
        for piece in &mut merged {
            if let Piece::Literal(bytes) = piece {
                *bytes = fold_part(bytes);
            }
        }
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

    /// Whether the folded name matches from beginning to end.
    #[must_use]
    pub fn matches(&self, folded: &[u8]) -> bool {
        matches_pieces(&self.pieces, folded)
    }

    /// The pattern for `prefix` + stem + `suffix`, where the stem is this pattern without its extension.
    #[must_use]
    pub fn variant(&self, prefix: &[u8], suffix: &[u8]) -> Self {
        let mut pieces = self.pieces.clone();
        match pieces.last_mut() {
            Some(Piece::AnyExt) => drop(pieces.pop()),
            Some(Piece::Literal(bytes)) => {
                if let Some(dot) = bytes.iter().rposition(|&b| b == b'.') {
                    bytes.truncate(dot);
                }
            }
            // `id.*`: the gap is the extension, and the dot before it belongs to it.
            Some(Piece::Any) => {
                let before = pieces.len().checked_sub(2);
                if let Some(Piece::Literal(bytes)) = before.map(|at| &mut pieces[at])
                    && bytes.ends_with(b".")
                {
                    bytes.pop();
                    pieces.pop();
                }
            }
            None => {}
        }
        let dir_len = crate::key::split_dir(self.prefix()).0.len();
        if let Some(Piece::Literal(bytes)) = pieces.first_mut() {
            bytes.splice(dir_len..dir_len, prefix.iter().copied());
        } else if !prefix.is_empty() {
            pieces.insert(0, Piece::Literal(prefix.to_vec()));
        }
        pieces.push(Piece::Literal(suffix.to_vec()));
        Self::new(pieces)
    }

    /// The same pattern with `suffix` behind it.
    #[must_use]
    pub fn with_suffix(&self, suffix: &[u8]) -> Self {
        Self::new(self.pieces.iter().cloned().chain([Piece::Literal(suffix.to_vec())]))
    }
}

/// Folds a part of a name; outer slashes matter inside a name, so they are fenced in.
fn fold_part(part: &[u8]) -> Vec<u8> {
    let fenced: Vec<u8> = [b"\x01", part, b"\x01"].concat();
    let folded = fold(&fenced);
    let inner = folded.strip_prefix(b"\x01").and_then(|f| f.strip_suffix(b"\x01"));
    inner.unwrap_or(part).to_vec()
}

fn matches_pieces(pieces: &[Piece], name: &[u8]) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return name.is_empty();
    };
    match first {
        Piece::Literal(bytes) => name.strip_prefix(bytes.as_slice()).is_some_and(|tail| matches_pieces(rest, tail)),
        Piece::Any => within_component(name).any(|at| matches_pieces(rest, &name[at..])),
        Piece::AnyExt => {
            matches_pieces(rest, name)
                || (name.first() == Some(&b'.') && within_component(name).any(|at| matches_pieces(rest, &name[at..])))
        }
    }
}

/// Every position up to and including the end of the name's first component.
fn within_component(name: &[u8]) -> std::ops::RangeInclusive<usize> {
    0..=name.iter().position(|&b| b == b'/').unwrap_or(name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(text: &str) -> Piece {
        Piece::Literal(text.as_bytes().to_vec())
    }

    #[test]
    fn gaps_stay_within_one_component() {
        let any = Glob::new([lit("7."), Piece::Any]);
        assert!(any.matches(b"7.m4a") && any.matches(b"7.") && any.matches(b"7.tar.gz"));
        assert!(!any.matches(b"77.m4a") && !any.matches(b"7") && !any.matches(b"7.a/b"));

        let ext = Glob::new([lit("7"), Piece::AnyExt]);
        assert!(ext.matches(b"7.m4a") && ext.matches(b"7"));
        assert!(!ext.matches(b"77.m4a") && !ext.matches(b"7x"));
    }

    #[test]
    fn variants_of_a_pattern_replace_its_extension() {
        for pieces in [vec![lit("7."), Piece::Any], vec![lit("7"), Piece::AnyExt], vec![lit("7.m4a")]] {
            let variant = Glob::new(pieces).variant(b"", b"_processed.mp3");
            assert!(variant.matches(b"7_processed.mp3"), "{variant:?}");
            assert!(!variant.matches(b"77_processed.mp3"), "{variant:?}");
        }
        let widened = Glob::new([lit("a/7"), Piece::Any, lit(".m4a")]).variant(b"thumb_", b".png");
        assert!(widened.matches(b"a/thumb_7xyz.png"));
    }

    #[test]
    fn literals_are_folded() {
        let glob = Glob::new([lit("ABC"), Piece::AnyExt]);
        assert_eq!(glob.prefix(), b"abc");
        assert!(glob.matches(&fold(b"aBC.M4A")));
    }
}
