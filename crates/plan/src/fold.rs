//! Folding names together that a person, a file system or a web framework might treat as one.
//!
//! Folding only ever *protects*: two names with the same fold are nearly the same, so a claim on one
//! keeps the other. Nothing is condemned because of a fold.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use unicode_normalization::UnicodeNormalization;

use crate::key::Key;

/// How often a percent-encoded name is decoded before we take what is left literally.
const DECODE_ROUNDS_MAX: usize = 4;

/// Folds case, Unicode form (NFKC), percent-encoding, backslashes, repeated and outer slashes, and the white space
/// around each component.
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

/// Whether a key reads as another path once it is folded: with more slashes than its bytes have, or as no key at
/// all. Such a name may point anywhere, as names that are no keys do.
#[must_use]
pub fn hides_a_path(key: &[u8]) -> bool {
    // Characters that fold to slashes or dots begin at U+2000, whose first byte is 0xE2. Blanks, which may fold away
    // and leave nothing or dots between two slashes, are in ASCII or begin with 0xC2 or 0xE1.
    if key.iter().all(|b| matches!(b, b'!'..=0xe0) && !matches!(b, b'%' | b'\\' | 0xc2)) {
        return false;
    }
    let path = read(key).replace('\\', "/");
    let path = path.split('/').map(str::trim).collect::<Vec<_>>().join("/");
    let slashes = |path: &[u8]| path.iter().filter(|b| **b == b'/').count();
    slashes(path.as_bytes()) > slashes(key) || Key::parse(path.as_bytes()).is_err()
}

fn fold_slowly(name: &[u8]) -> Vec<u8> {
    let read = read(name);
    let mut folded = String::with_capacity(read.len());
    for component in read.split(['/', '\\']).map(str::trim).filter(|c| !c.is_empty() && *c != ".") {
        if !folded.is_empty() {
            folded.push('/');
        }
        folded.push_str(component);
    }
    folded.into_bytes()
}

/// Without percent-encoding, and with one case and Unicode form; slashes stay as they are.
fn read(name: &[u8]) -> String {
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
    upper.flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
