//! Key templates: how a row's columns spell the name of a file.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};

use crate::glob::Piece;
use crate::key::split_ext;

/// A parsed template such as `{audio_filename}`, `{basename(audio_url)}`, `{id}{ext(audio_filename)}`
/// or `{id}.*`.
///
/// Between braces stands a column, or a function of one: `basename` (the last path component; of a URL
/// without query and fragment and percent-decoded), `stem` (that without its extension) or `ext` (its
/// extension with the dot). Outside braces `*` stands for any text within one path component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Wildcard,
    Column { name: String, function: Function },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Whole,
    Basename,
    Stem,
    Ext,
}

/// What a template makes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// Every column the template asks for was NULL or empty: the row names nothing.
    Nameless,
    /// The bytes of one name, not yet checked to be a key.
    Exact(Vec<u8>),
    /// A name with gaps: the template has a wildcard, or some but not all of its columns were missing, or held
    /// nothing of what the template takes from them.
    Pattern(Vec<Piece>),
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An opening brace without its closing one, or the reverse.
    #[error("the template '{0}' has an unmatched brace")]
    Brace(String),
    /// A function other than `basename`, `stem` and `ext`.
    #[error("the template '{text}' uses '{name}', which is no function: use basename, stem or ext")]
    Function {
        /// The whole template.
        text: String,
        /// The name used.
        name: String,
    },
    /// No column at all: every row would claim the same file.
    #[error("the template '{0}' names no column: write one in braces, as in {{audio_filename}}")]
    NoColumn(String),
    /// A gap before the first column would match far too much.
    #[error("the template '{0}' begins with '*': begin it with a column or with text")]
    LeadingWildcard(String),
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong and shows the template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let inner = rest[open..].strip_prefix('{').ok_or_else(|| TemplateError::Brace(text.into()))?;
            let close = inner.find('}').ok_or_else(|| TemplateError::Brace(text.into()))?;
            push_literal(&mut parts, &rest[..open]);
            parts.push(parse_column(text, inner[..close].trim())?);
            rest = &inner[close + 1..];
        }
        push_literal(&mut parts, rest);
        if !parts.iter().any(|p| matches!(p, Part::Column { .. })) {
            return Err(TemplateError::NoColumn(text.into()));
        }
        if matches!(parts.first(), Some(Part::Wildcard)) {
            return Err(TemplateError::LeadingWildcard(text.into()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The columns it reads, each once, in order of appearance.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        for part in &self.parts {
            if let Part::Column { name, .. } = part
                && !columns.contains(&name.as_str())
            {
                columns.push(name.as_str());
            }
        }
        columns
    }

    /// Whether it can name one file exactly (no wildcard): only such templates may condemn.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.parts.contains(&Part::Wildcard)
    }

    /// Fills the template with a row. `cell` gives a column's bytes, or `None` for NULL.
    pub fn expand<'a>(&self, cell: impl Fn(&str) -> Option<&'a [u8]>) -> Expansion {
        let mut pieces = Vec::with_capacity(self.parts.len());
        let (mut present, mut gaps) = (0, 0);
        for part in &self.parts {
            pieces.push(match part {
                Part::Literal(text) => Piece::Literal(text.clone().into_bytes()),
                Part::Wildcard => {
                    gaps += 1;
                    Piece::Any
                }
                // A name without an extension says as little about the file's as no name at all.
                Part::Column { name, function } => {
                    match cell(name).map(|b| function.apply(b)).filter(|b| !b.is_empty()) {
                        Some(bytes) => {
                            present += 1;
                            Piece::Literal(bytes.into_owned())
                        }
                        None => {
                            gaps += 1;
                            if *function == Function::Ext { Piece::AnyExt } else { Piece::Any }
                        }
                    }
                }
            });
        }
        match (present, gaps) {
            (0, _) => Expansion::Nameless,
            (_, 0) => Expansion::Exact(pieces.iter().flat_map(literal_bytes).copied().collect()),
            _ => Expansion::Pattern(pieces),
        }
    }
}

fn literal_bytes(piece: &Piece) -> &[u8] {
    match piece {
        Piece::Literal(bytes) => bytes,
        Piece::Any | Piece::AnyExt => b"",
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    for (at, piece) in text.split('*').enumerate() {
        if at > 0 {
            parts.push(Part::Wildcard);
        }
        if !piece.is_empty() {
            parts.push(Part::Literal(piece.to_owned()));
        }
    }
}

fn parse_column(text: &str, inner: &str) -> Result<Part, TemplateError> {
    let Some((function, rest)) = inner.split_once('(') else {
        return match inner {
            "" => Err(TemplateError::NoColumn(text.into())),
            name => Ok(Part::Column { name: name.to_owned(), function: Function::Whole }),
        };
    };
    let name = rest.strip_suffix(')').map(str::trim).filter(|n| !n.is_empty());
    let name = name.ok_or_else(|| TemplateError::Brace(text.into()))?.to_owned();
    let function = match function.trim() {
        "basename" => Function::Basename,
        "stem" => Function::Stem,
        "ext" => Function::Ext,
        other => return Err(TemplateError::Function { text: text.into(), name: other.into() }),
    };
    Ok(Part::Column { name, function })
}

impl Function {
    fn apply(self, value: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Function::Whole => Cow::Borrowed(value),
            Function::Basename => basename(value),
            Function::Stem => map(basename(value), |name| split_ext(name).0),
            Function::Ext => map(basename(value), |name| split_ext(name).1),
        }
    }
}

fn map<'a>(name: Cow<'a, [u8]>, f: impl for<'b> Fn(&'b [u8]) -> &'b [u8]) -> Cow<'a, [u8]> {
    match name {
        Cow::Borrowed(bytes) => Cow::Borrowed(f(bytes)),
        Cow::Owned(bytes) => Cow::Owned(f(&bytes).to_vec()),
    }
}

/// The last component of a path with either kind of slash, or of a URL's path; slashes behind it do not count.
fn basename(value: &[u8]) -> Cow<'_, [u8]> {
    fn last(path: &[u8], is_slash: impl Fn(u8) -> bool) -> &[u8] {
        path.rsplit(|&b| is_slash(b)).find(|component| !component.is_empty()).unwrap_or_default()
    }
    let is_url = value.windows(3).take(16).any(|w| w == b"://");
    if !is_url {
        return Cow::Borrowed(last(value, |b| b == b'/' || b == b'\\'));
    }
    let path = value.split(|&b| b == b'?' || b == b'#').next().unwrap_or(value);
    Cow::Owned(percent_decode(last(path, |b| b == b'/')).collect())
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
