//! Holds: what a person wants kept, whatever the rows say.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::{Escaped, Key, deserialize_bytes, serialize_bytes};

/// One hold that was set and not released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its number, never used twice in one ledger.
    pub id: u64,
    /// What it keeps.
    pub target: HoldTarget,
    /// Who set it, and where.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The moment it ends by itself; `None` until somebody releases it.
    pub until: Option<Timestamp>,
}

impl Hold {
    /// Whether it holds at `now`. One whose beginning lies in the future holds already: clocks may be wrong.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What a hold keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldTarget {
    /// One file.
    Key(Key),
    /// Every file whose name begins so.
    Prefix(Prefix),
    /// Every file of one session, or of the row of another rule that bears this id.
    Owner(String),
}

impl fmt::Display for HoldTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "file {key}"),
            Self::Prefix(prefix) => write!(f, "files that begin with {prefix}"),
            Self::Owner(owner) => write!(f, "files of session {}", Escaped(owner.as_bytes())),
        }
    }
}

/// The beginning of names, byte for byte: `2026/` as well as `anna-`. In JSON it has the form of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Box<[u8]>);

/// Why some bytes begin no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// No bytes at all: every name begins so.
    #[error("it is empty, so it would hold every file; name what the files have in common")]
    Empty,
    /// Names are relative to the upload directory.
    #[error("it begins with '/', but names are relative to the upload directory")]
    Absolute,
    /// A NUL byte, which no file name can hold.
    #[error("it contains a NUL byte")]
    Nul,
    /// A component that no name has, so nothing would be held.
    #[error("it contains '.', '..' or nothing as a path component, which no name has")]
    NoComponent,
}

impl Prefix {
    /// Checks `bytes` and makes them a prefix: one that no name can have would silently hold nothing.
    ///
    /// # Errors
    /// [`PrefixError`] names the first rule that the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<Self, PrefixError> {
        if bytes.is_empty() {
            return Err(PrefixError::Empty);
        }
        if bytes[0] == b'/' {
            return Err(PrefixError::Absolute);
        }
        if bytes.contains(&0) {
            return Err(PrefixError::Nul);
        }
        let (complete, _begun) = crate::key::split_dir(bytes);
        let complete = complete.strip_suffix(b"/").unwrap_or(complete);
        if !complete.is_empty() && Key::parse(complete).is_err() {
            return Err(PrefixError::NoComponent);
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(f)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({self})")
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let bytes = deserialize_bytes(deserializer)?;
        Self::parse(&bytes).map_err(|why| D::Error::custom(format!("'{}' is no prefix: {why}", Escaped(&bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(bytes: &[u8]) -> HoldTarget {
        HoldTarget::Prefix(Prefix::parse(bytes).unwrap())
    }

    #[test]
    fn a_target_survives_json_and_reads_well() {
        let key = |bytes: &[u8]| HoldTarget::Key(Key::parse(bytes).unwrap());
        for (target, json, shown) in [
            (key(b"a.m4a"), r#"{"key":"a.m4a"}"#, "file a.m4a"),
            (key(b"\xff"), r#"{"key":{"hex":"ff"}}"#, r"file \xff"),
            (prefix(b"2026/"), r#"{"prefix":"2026/"}"#, "files that begin with 2026/"),
            (prefix(b"a\xff"), r#"{"prefix":{"hex":"61ff"}}"#, r"files that begin with a\xff"),
            (HoldTarget::Owner("4711\u{1b}".into()), r#"{"owner":"4711\u001b"}"#, r"files of session 4711\u{1b}"),
        ] {
            assert_eq!(serde_json::to_string(&target).unwrap(), json);
            assert_eq!(serde_json::from_str::<HoldTarget>(json).unwrap(), target);
            assert_eq!(target.to_string(), shown);
        }
        assert!(serde_json::from_str::<HoldTarget>(r#"{"prefix":""}"#).is_err());
        assert!(serde_json::from_str::<HoldTarget>(r#"{"key":"../x"}"#).is_err());
    }

    #[test]
    fn a_prefix_that_no_name_can_have_is_refused() {
        for bytes in [&b"a"[..], b"a/", b"a/b", b"a/.", b".", b"..x", b"\xff/"] {
            Prefix::parse(bytes).unwrap_or_else(|why| panic!("{}: {why}", Escaped(bytes)));
        }
        for (bytes, why) in [
            (&b""[..], PrefixError::Empty),
            (b"/a", PrefixError::Absolute),
            (b"a\0", PrefixError::Nul),
            (b"a//b", PrefixError::NoComponent),
            (b"./a", PrefixError::NoComponent),
            (b"a/../b", PrefixError::NoComponent),
        ] {
            assert_eq!(Prefix::parse(bytes), Err(why), "{}", Escaped(bytes));
        }
    }

    #[test]
    fn a_hold_ends_at_its_end_and_not_before() {
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let hold = Hold {
            id: 1,
            target: prefix(b"a"),
            by: "anna".into(),
            why: "a complaint".into(),
            since: at(100),
            until: Some(at(200)),
        };
        assert!(hold.is_active(at(50)) && hold.is_active(at(199)));
        assert!(!hold.is_active(at(200)));
        assert!(Hold { until: None, ..hold }.is_active(at(i64::from(u32::MAX))));
    }
}
