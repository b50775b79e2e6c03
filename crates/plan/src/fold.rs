//! Folding names together that a person, a file system or a web framework might treat as one.
//!
//! Folding only ever *protects*: two names with the same fold are nearly the same, so a claim on one
//! keeps the other. Nothing is condemned because of a fold.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use unicode_normalization::UnicodeNormalization;

/// How often a percent-encoded name is decoded before we take what is left literally.
const DECODE_ROUNDS_MAX: usize = 4;

/// Folds case, Unicode form (NFKC), percent-encoding, backslashes, and repeated and outer slashes.
/// Bytes that are not UTF-8 fold to U+FFFD, which protects more rather than less.
///
/// The fold of a fold is itself for names that need no more than four rounds of percent-decoding.
#[must_use]
pub fn fold(name: &[u8]) -> Cow<'_, [u8]> {
    if is_folded(name) { Cow::Borrowed(name) } else { Cow::Owned(fold_slowly(name)) }
}

/// True for the many names of lower-case ASCII that fold to themselves.
fn is_folded(name: &[u8]) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase() && !matches!(b, b'%' | b'\\' | b'/');
    name.iter().all(|&b| plain(b))
}

fn fold_slowly(name: &[u8]) -> Vec<u8> {
    let mut decoded: Cow<'_, [u8]> = Cow::Borrowed(name);
    for _ in 0..DECODE_ROUNDS_MAX {
        if !decoded.contains(&b'%') {
            break;
        }
        let next: Vec<u8> = percent_decode(&decoded).collect();
        if next == *decoded {
            break;
        }
        decoded = Cow::Owned(next);
    }
    let text = String::from_utf8_lossy(&decoded);
    // By way of upper case, because lower case alone keeps final sigma, sharp s and dotless i apart.
    let upper = text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    let lower: String = upper.flat_map(char::to_lowercase).nfkc().collect();
    let mut folded = String::with_capacity(lower.len());
    for component in lower.split(['/', '\\']).filter(|c| !c.is_empty() && *c != ".") {
        if !folded.is_empty() {
            folded.push('/');
        }
        folded.push_str(component);
    }
    folded.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(fold(a.as_bytes()), fold(b.as_bytes()), "{a:?} and {b:?}");
    }

    #[test]
    fn near_names_fold_together() {
        same("A.M4A", "a.m4a");
        same("caf\u{e9}.mp3", "cafe\u{301}.mp3");
        same("a%20b.mp3", "a b.mp3");
        same("a%2520b.mp3", "a b.mp3");
        same("a\\b.mp3", "a//b.mp3");
        same("/a/b.mp3", "a/b.mp3");
        same("\u{ff41}.mp3", "a.mp3");
        same("./a.mp3", "a.mp3");
        same("\u{3a3}\u{3c2}.mp3", "\u{3c3}\u{3a3}.mp3");
        same("STRASSE.mp3", "stra\u{df}e.mp3");
        same("stra\u{1e9e}e.mp3", "stra\u{df}e.mp3");
    }

    #[test]
    fn different_names_stay_different() {
        assert_ne!(fold(b"a.mp3"), fold(b"b.mp3"));
        assert_ne!(fold(b"a/b.mp3"), fold(b"ab.mp3"));
        assert_ne!(fold(b"a.mp3"), fold(b"a.m4a"));
    }

    #[test]
    fn the_fast_path_agrees_with_the_slow_one() {
        for name in [&b"abc.m4a"[..], b"0f-_processed.mp3", b"x"] {
            assert!(is_folded(name));
            assert_eq!(fold_slowly(name), name);
        }
    }
}
