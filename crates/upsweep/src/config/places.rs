//! Where Upsweep's own things are kept: the notes about stores, and the ledger.

use std::path::PathBuf;

use anyhow::bail;

use super::layers::Values;

/// Where notes about bound stores are kept, outside them.
pub(super) fn state_dir(values: &Values) -> Option<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    values
        .optional("state_dir")
        .map(PathBuf::from)
        .or_else(|| env("STATE_DIRECTORY"))
        .or_else(|| env("XDG_STATE_HOME").map(|dir| dir.join("upsweep")))
        .or_else(|| env("HOME").map(|home| home.join(".local/state/upsweep")))
}

/// The ledger's file, if it is not to be the one in the store: `sqlite:///an/absolute/path`, `sqlite:a/relative/one`,
/// or a path alone.
pub(super) fn ledger(values: &Values) -> anyhow::Result<Option<PathBuf>> {
    let Some(text) = values.optional("ledger_url") else { return Ok(None) };
    match path_of(&text) {
        Ok(path) => Ok(Some(path)),
        Err(problem) => bail!("ledger_url = '{text}' {problem} ({})", values.origin("ledger_url")),
    }
}

fn path_of(text: &str) -> Result<PathBuf, &'static str> {
    const ADVICE: &str = "must name an SQLite file, as in sqlite:///var/lib/upsweep/ledger.db";
    let path = match text.split_once(':') {
        Some(("sqlite", rest)) => match rest.strip_prefix("//") {
            Some(absolute) if absolute.starts_with('/') => format!("/{}", absolute.trim_start_matches('/')),
            // A host, or one slash too few: it is not guessed which.
            Some(_) => return Err("must have three slashes before an absolute path, and none before a relative one"),
            None => rest.to_owned(),
        },
        Some((scheme, rest)) if rest.starts_with("//") || scheme.is_empty() => return Err(ADVICE),
        _ => text.to_owned(),
    };
    let is_memory = path.is_empty() || path.contains(":memory:");
    if is_memory || path.ends_with('/') || path.contains('?') { Err(ADVICE) } else { Ok(path.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_a_url_or_a_path_of_a_file() {
        for (text, path) in [
            ("sqlite:///var/lib/ledger.db", "/var/lib/ledger.db"),
            ("sqlite:////var/lib/ledger.db", "/var/lib/ledger.db"),
            ("sqlite:./state/ledger.db", "./state/ledger.db"),
            ("sqlite:/abs/ledger.db", "/abs/ledger.db"),
            ("state/ledger.db", "state/ledger.db"),
            ("/var/lib/a:b/ledger.db", "/var/lib/a:b/ledger.db"),
        ] {
            assert_eq!(path_of(text), Ok(PathBuf::from(path)), "{text}");
        }
        for text in [
            "sqlite://var/lib/ledger.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:///",
            "sqlite:///a.db?mode=ro",
            "postgresql://user:secret@host/db",
            "file:///a.db",
            "folder/",
        ] {
            assert!(path_of(text).is_err(), "{text}");
        }
    }
}
