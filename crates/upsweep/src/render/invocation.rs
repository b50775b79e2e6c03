//! How to call this very program again, for the next commands in a message.

use std::path::Path;

use crate::secrets;

/// The program and the global options it was called with.
pub(crate) struct Invocation {
    words: Vec<String>,
}

/// Global options that decide which store, database and rules are meant; each takes a value.
const KEPT: [&str; 4] = ["--config", "--database-url", "--upload-dir", "--set"];

impl Invocation {
    /// As this process was called.
    pub(crate) fn of_process() -> Self {
        Self::of(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()))
    }

    fn of(mut args: impl Iterator<Item = String>) -> Self {
        let mut words = vec![args.next().unwrap_or_else(|| "upsweep".to_owned())];
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if KEPT.contains(&name) => (name.to_owned(), Some(value.to_owned())),
                _ if KEPT.contains(&arg.as_str()) => (arg, args.next()),
                _ => continue,
            };
            words.extend([name, value.unwrap_or_default()]);
        }
        Self { words }
    }

    /// The program alone, for what needs neither store nor configuration.
    pub(crate) fn bare() -> Self {
        Self::of(std::env::args_os().take(1).map(|arg| arg.to_string_lossy().into_owned()))
    }

    /// The same program with nothing but this configuration file.
    pub(crate) fn with_config(mut self, config: &Path) -> Self {
        self.words.truncate(1);
        self.words.extend(["--config".to_owned(), config.display().to_string()]);
        self
    }

    /// The command line for `command`, which may be typed into a shell as it is; only a password must be put in again.
    pub(crate) fn line(&self, command: &str) -> String {
        let words: Vec<String> = self.words.iter().map(|word| quoted(&secrets::masked(word))).collect();
        format!("{} {command}", words.join(" "))
    }
}

/// A word as a shell takes it for one.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_the_store_is_said_again() {
        let args =
            ["upsweep", "plan", "--config=a b.toml", "--json", "--set", "quarantine_days=3", "--upload-dir", "it's"];
        let again = Invocation::of(args.into_iter().map(str::to_owned)).line("run");
        assert_eq!(again, r"upsweep --config 'a b.toml' --set quarantine_days=3 --upload-dir 'it'\''s' run");
    }
}
