//! What the last good survey found: enough to notice that claims vanished since, without keeping any name.

use jiff::Timestamp;

/// What the last survey found that no guard refused, or whose refusal a human approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// When that survey was.
    pub at: Timestamp,
    /// The run that made it.
    pub run: String,
    /// How many files a live claim covered or nearly named.
    pub live_files: u64,
    /// Their names, and those of files still there, or hidden, of which that was true at an earlier good survey.
    pub live: Fingerprints,
    /// How many live claims had no file.
    pub missing: u64,
}

/// A set of names as 64-bit fingerprints: eight bytes a name, and the names themselves cannot be read from it.
///
/// Two names may share a fingerprint (with a million names, one chance in thirty million), so a name may seem to be
/// in the set although it is not; one that is in the set is always found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Vec<u64>);

impl Fingerprints {
    /// The fingerprints of these names, in any order and with repeats.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut prints: Vec<u64> = names.into_iter().map(fingerprint).collect();
        prints.sort_unstable();
        prints.dedup();
        Self(prints)
    }

    /// Whether this name is (or seems to be) among them.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0.binary_search(&fingerprint(name)).is_ok()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Eight bytes each, little-endian, in ascending order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|print| print.to_le_bytes()).collect()
    }

    /// What [`Fingerprints::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (eights, rest) = bytes.as_chunks::<8>();
        let prints: Vec<u64> = eights.iter().map(|eight| u64::from_le_bytes(*eight)).collect();
        (rest.is_empty() && prints.is_sorted_by(|a, b| a < b)).then_some(Self(prints))
    }
}

fn fingerprint(name: &[u8]) -> u64 {
    let hash = blake3::hash(name);
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_went_in_is_found_and_others_are_not() {
        let names: Vec<String> = (0..5_000).map(|n| format!("{n}.m4a")).collect();
        let set = Fingerprints::of(names.iter().rev().chain(&names).map(String::as_bytes));
        assert_eq!(set.len(), 5_000, "repeats count once");
        assert!(names.iter().all(|name| set.contains(name.as_bytes())));
        assert!(!set.contains(b"5000.m4a") && !set.contains(b""));
        assert!(Fingerprints::of([]).is_empty());
    }

    #[test]
    fn bytes_come_back_as_they_went_out_and_damage_is_noticed() {
        let set = Fingerprints::of([&b"a"[..], b"b", b"\xff"]);
        let bytes = set.to_bytes();
        assert_eq!(Fingerprints::from_bytes(&bytes), Some(set));
        assert_eq!(Fingerprints::from_bytes(b""), Some(Fingerprints::default()));
        assert_eq!(Fingerprints::from_bytes(&bytes[..bytes.len() - 1]), None, "cut");
        assert_eq!(Fingerprints::from_bytes(&[&bytes[8..], &bytes[..8]].concat()), None, "out of order");
        assert_eq!(Fingerprints::from_bytes(&[&bytes[..8], &bytes[..8]].concat()), None, "twice");
    }

    #[test]
    fn the_form_on_disk_never_changes() {
        let hash = blake3::hash(b"a.m4a");
        assert_eq!(Fingerprints::of([&b"a.m4a"[..]]).to_bytes(), hash.as_bytes()[..8]);
    }
}
