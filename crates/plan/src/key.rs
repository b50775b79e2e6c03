//! Names of objects in a store, as bytes.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of one object, relative to the root of its store.
///
/// A key is one or more components joined by `/`. No component is empty, `.` or `..`, and no byte is
/// NUL, so a key can never lead outside the store it belongs to. Keys are bytes: they are compared
/// byte by byte and need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

/// Why some bytes are no [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyError {
    /// No bytes at all.
    #[error("it is empty")]
    Empty,
    /// A NUL byte, which no file name can hold.
    #[error("it contains a NUL byte")]
    Nul,
    /// A leading `/`.
    #[error("it is an absolute path")]
    Absolute,
    /// A component `.` or `..`.
    #[error("it contains '.' or '..' as a path component")]
    Dots,
    /// Two slashes in a row, or one at the end.
    #[error("it contains an empty path component")]
    EmptyComponent,
    /// More than one component where only the top level is looked at.
    #[error("it names a folder, but only the top level of the store is looked at (set recursive = true to look below)")]
    BelowTopLevel,
}

impl Key {
    /// Checks `bytes` and makes them a key.
    ///
    /// # Errors
    /// [`KeyError`] names the first rule that the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        if bytes.contains(&0) {
            return Err(KeyError::Nul);
        }
        if bytes[0] == b'/' {
            return Err(KeyError::Absolute);
        }
        for component in bytes.split(|&b| b == b'/') {
            match component {
                b"" => return Err(KeyError::EmptyComponent),
                b"." | b".." => return Err(KeyError::Dots),
                _ => {}
            }
        }
        Ok(Self(bytes.into()))
    }

    /// The key's bytes, exactly as the store spells them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        split_dir(&self.0).1
    }

    /// The folder, with its trailing `/`; empty at the top level.
    #[must_use]
    pub fn dir(&self) -> &[u8] {
        split_dir(&self.0).0
    }

    /// Whether the key has a single component.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        !self.0.contains(&b'/')
    }

    /// Whether any component starts with a dot: such objects are never touched.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0.split(|&b| b == b'/').any(|c| c.starts_with(b"."))
    }
}

/// Splits a path into its folder (with the trailing `/`, or empty) and its last component.
#[must_use]
pub fn split_dir(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&b| b == b'/') {
        Some(at) => path.split_at(at + 1),
        None => (b"", path),
    }
}

/// Splits a file name into its stem and its extension with the dot, as Python's `pathlib` does: a
/// leading dot starts no extension.
#[must_use]
pub fn split_ext(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&b| b == b'.') {
        Some(at) if at > 0 && at + 1 < name.len() => name.split_at(at),
        _ => (name, b""),
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// Shows bytes on a terminal without letting them play tricks: control characters, direction marks
/// and bytes that are not UTF-8 appear as escapes.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    c if c.is_control() || is_format_char(c) => write!(f, "\\u{{{:x}}}", c as u32)?,
                    c => f.write_char(c)?,
                }
            }
            for b in chunk.invalid() {
                write!(f, "\\x{b:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that draw nothing but change how their neighbours are drawn.
fn is_format_char(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// In JSON a key is its text, or `{"hex": "…"}` where the bytes are not UTF-8: always without loss.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeyRepr {
    Text(String),
    Bytes { hex: String },
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let bytes = deserialize_bytes(deserializer)?;
        Key::parse(&bytes).map_err(|why| D::Error::custom(format!("'{}' is no key: {why}", Escaped(&bytes))))
    }
}

/// Bytes of names as JSON, in the form of a key.
pub(crate) fn serialize_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let repr = match std::str::from_utf8(bytes) {
        Ok(text) => KeyRepr::Text(text.to_owned()),
        Err(_) => KeyRepr::Bytes { hex: bytes.iter().map(|b| format!("{b:02x}")).collect() },
    };
    repr.serialize(serializer)
}

/// The bytes that [`serialize_bytes`] wrote.
pub(crate) fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    use serde::de::Error as _;
    match KeyRepr::deserialize(deserializer)? {
        KeyRepr::Text(text) => Ok(text.into_bytes()),
        KeyRepr::Bytes { hex } => unhex(&hex).ok_or_else(|| D::Error::custom("a key's hex digits are damaged")),
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
