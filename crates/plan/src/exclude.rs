//! Configured exclusions: names that are none of our business.

use serde::{Deserialize, Serialize};

use crate::fold::fold;
use crate::glob::{Glob, Piece};

/// A pattern for files and folders that are never judged: `*` stands for anything within one component. Without a
/// slash it means a name at any depth, with one a path from the top; what lies in an excluded folder is excluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exclusion {
    text: String,
    glob: Glob,
    is_path: bool,
}

/// An exclusion that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the exclusion '{0}' must be a name or a path below the top, as in backup-*, old/2019 or *.log")]
pub struct ExclusionError(String);

impl TryFrom<String> for Exclusion {
    type Error = ExclusionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let path = text.trim_end_matches('/');
        let is_odd = |component: &str| matches!(component, "" | "." | ".." | "**");
        if path.split('/').any(is_odd) || path.contains('\0') {
            return Err(ExclusionError(text));
        }
        let mut pieces = Vec::new();
        for (nth, literal) in path.split('*').enumerate() {
            if nth > 0 {
                pieces.push(Piece::Any);
            }
            pieces.push(Piece::Literal(literal.as_bytes().to_vec()));
        }
        Ok(Self { glob: Glob::new(pieces), is_path: path.contains('/'), text })
    }
}

impl From<Exclusion> for String {
    fn from(exclusion: Exclusion) -> Self {
        exclusion.text
    }
}

impl Exclusion {
    /// Whether the key, or a folder it lies in, is excluded.
    #[must_use]
    pub fn covers(&self, key: &[u8]) -> bool {
        let folded = fold(key);
        let mut start = 0;
        let ends = folded.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at).chain([folded.len()]);
        for end in ends {
            let seen = if self.is_path { &folded[..end] } else { &folded[start..end] };
            if self.glob.matches(seen) {
                return true;
            }
            start = end + 1;
        }
        false
    }
}

/// Whether one of the exclusions covers the key.
#[must_use]
pub fn is_excluded(exclusions: &[Exclusion], key: &[u8]) -> bool {
    exclusions.iter().any(|exclusion| exclusion.covers(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, key: &str) -> bool {
        Exclusion::try_from(pattern.to_owned()).unwrap().covers(key.as_bytes())
    }

    #[test]
    fn a_name_counts_at_any_depth_and_a_path_from_the_top() {
        for (pattern, covered) in [
            ("*.log", &["a.log", "d/a.LOG", "x.log/a.m4a"][..]),
            ("lost+found", &["lost+found", "lost+found/a", "d/lost+found/a"]),
            ("backup-*", &["backup-1/d/a.m4a", "backup-.m4a"]),
            ("old/2019", &["old/2019/a.m4a", "old/2019"]),
            ("old/*/raw", &["old/2019/raw/a.m4a"]),
            ("old/", &["old/a.m4a", "d/old/a.m4a"]),
        ] {
            for key in covered {
                assert!(covers(pattern, key), "{pattern} {key}");
            }
        }
        for (pattern, key) in [
            ("*.log", "a.login"),
            ("old/2019", "d/old/2019/a.m4a"),
            ("old/2019", "old/20190/a.m4a"),
            ("old/*", "older/a.m4a"),
            ("backup-*", "my-backup-1.m4a"),
            ("d*g", "d/g"),
        ] {
            assert!(!covers(pattern, key), "{pattern} {key}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        for text in ["", "/", "/etc", "../x", "a//b", "**", "a/**/b", "."] {
            assert!(Exclusion::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
