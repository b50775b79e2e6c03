//! How to call this very program again, for the next commands in a message.

use std::path::Path;

use crate::secrets;

/// The program and the global options it was called with.
pub(crate) struct Invocation {
    words: Vec<String>,
    /// What it was limited to, with the options' values.
    selection: Vec<String>,
}

/// Global options that decide which store, database and rules are meant; each takes a value.
const KEPT: [&str; 4] = ["--config", "--database-url", "--upload-dir", "--set"];

/// Options that limit what one command is about; each takes a value. Without them the next command would be about more.
const SELECTION: [&str; 8] = [
    "--only",
    "--prefix",
    "--modified-after",
    "--modified-before",
    "--created-after",
    "--created-before",
    "--min-size",
    "--limit",
];

impl Invocation {
    /// As this process was called.
    pub(crate) fn of_process() -> Self {
        Self::of(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()))
    }

    fn of(mut args: impl Iterator<Item = String>) -> Self {
        let (mut words, mut selection) = (vec![args.next().unwrap_or_else(|| "upsweep".to_owned())], vec![]);
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if is_known(name) => (name.to_owned(), Some(value.to_owned())),
                _ if is_known(&arg) => (arg, args.next()),
                _ => continue,
            };
            let list = if KEPT.contains(&name.as_str()) { &mut words } else { &mut selection };
            list.extend([name, value.unwrap_or_default()]);
        }
        Self { words, selection }
    }

    /// The program alone, for what needs neither store nor configuration.
    pub(crate) fn bare() -> Self {
        Self::of(std::env::args_os().take(1).map(|arg| arg.to_string_lossy().into_owned()))
    }

    /// The same program with nothing but this configuration file.
    pub(crate) fn with_config(mut self, config: &Path) -> Self {
        self.words.truncate(1);
        self.selection.clear();
        self.words.extend(["--config".to_owned(), config.display().to_string()]);
        self
    }

    /// `command`, limited to what this process was limited to.
    pub(crate) fn selecting(&self, command: &str) -> String {
        let words = self.selection.iter().map(|word| format!(" {}", quoted(word)));
        format!("{command}{}", words.collect::<String>())
    }

    /// A text in which each command after a colon can be typed as it is.
    pub(crate) fn in_text(&self, text: &str) -> String {
        text.replace(": upsweep ", &format!(": {}", self.line("")))
    }

    /// The same for an error, where the plain name is enough unless options decided which store was meant.
    pub(crate) fn in_error(&self, text: &str) -> String {
        if self.words.len() > 1 { self.in_text(text) } else { text.to_owned() }
    }

    /// The command line for `command`, which may be typed into a shell as it is; only a password must be put in again.
    pub(crate) fn line(&self, command: &str) -> String {
        let words: Vec<String> = self.words.iter().map(|word| quoted(&secrets::masked(word))).collect();
        format!("{} {command}", words.join(" "))
    }
}

fn is_known(option: &str) -> bool {
    KEPT.contains(&option) || SELECTION.contains(&option)
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

    #[test]
    fn what_a_plan_is_limited_to_is_said_again() {
        let args = ["upsweep", "plan", "--only=failed", "--set", "action=delete", "--prefix", "a b", "--json"];
        let invocation = Invocation::of(args.into_iter().map(str::to_owned));
        assert_eq!(invocation.selecting("run"), "run --only failed --prefix 'a b'");
        assert_eq!(invocation.in_text("see: upsweep plan"), "see: upsweep --set action=delete plan");
    }
}
