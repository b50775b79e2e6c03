//! A story told to the end: commands on one site, and what came of each.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::normal::Normal;
use crate::support::{BINARY, Said, Site, as_nobody};

/// Commands on one site, in order, and what they said.
pub(crate) struct Tale {
    pub(crate) site: Site,
    name: &'static str,
    normal: Normal,
    told: String,
    days: i64,
    is_nobody: bool,
    wrong: Vec<String>,
}

impl Tale {
    /// A story whose transcript is `<name>.txt`, with a terminal as wide as any reader's and no colours.
    pub(crate) fn new(name: &'static str, mut site: Site) -> Self {
        site.set("COLUMNS", "100").set("TZ", "UTC");
        let normal = Normal::new(site.dir.path(), BINARY, Timestamp::now());
        Self { site, name, normal, told: String::new(), days: 0, is_nobody: false, wrong: vec![] }
    }

    /// The clock is so many days further before the next command; only a clock that is wrong goes back.
    pub(crate) fn after_days(&mut self, days: i64) -> &mut Self {
        self.days += days;
        self.told += &format!("({} days {})\n\n", days.abs(), if days < 0 { "back" } else { "later" });
        self
    }

    /// From now on the program runs as a user without privileges, by the real clock.
    pub(crate) fn as_nobody(&mut self) -> &mut Self {
        self.is_nobody = true;
        self
    }

    /// What happens beside the program.
    pub(crate) fn meanwhile(&mut self, what: &str, happens: impl FnOnce(&Site)) -> &mut Self {
        happens(&self.site);
        self.told += &format!("({what})\n\n");
        self
    }

    /// Runs a command and writes down everything it says.
    pub(crate) fn upsweep(&mut self, args: &[&str]) -> &mut Self {
        self.said(args);
        self
    }

    /// The same, for who needs its answer.
    pub(crate) fn said(&mut self, args: &[&str]) -> Said {
        let said = self.call(args);
        let Said { code, out, err } = &said;
        self.told += &format!("$ upsweep {}\n{out}", args.join(" "));
        for line in err.lines() {
            self.told += &format!("stderr: {line}\n");
        }
        self.told += &format!("exit {code}\n\n");
        said
    }

    /// Runs a command that writes JSON, and keeps that in `<name>.json`.
    pub(crate) fn json(&mut self, name: &str, args: &[&str], code: i32) -> &mut Self {
        let said = self.call(args).expect(code);
        assert!(said.err.is_empty() || code != 0, "{}", said.err);
        said.json();
        self.keep(&format!("{name}.json"), &said.out);
        self
    }

    /// Keeps a text as it is, normalised, in a file of its own.
    pub(crate) fn keep(&mut self, file: &str, text: &str) {
        let text = self.normal.of(text);
        self.wrong.extend(compare(file, &text));
    }

    /// The end: compares all of it with what is expected.
    pub(crate) fn end(&mut self) {
        let told = std::mem::take(&mut self.told);
        self.keep(&format!("{}.txt", self.name), &told);
        assert!(
            self.wrong.is_empty(),
            "{}\nIf that is meant: UPSWEEP_UPDATE_GOLDEN=1, and review the diff.",
            self.wrong.join("\n")
        );
    }

    /// By a shifted clock, which does not wait either.
    fn call(&self, args: &[&str]) -> Said {
        if self.is_nobody { as_nobody(&self.site, args) } else { self.site.upsweep_after_days(self.days, args) }
    }
}

/// Where the expected texts lie. Ages of files in stories end on a quarter of an hour, far from where rounding turns.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// What is different in `<file>`, or writes it anew if so asked.
pub(crate) fn compare(file: &str, found: &str) -> Option<String> {
    let path = folder().join(file);
    if std::env::var_os("UPSWEEP_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has a folder")).unwrap();
        std::fs::write(&path, found).unwrap();
        return None;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    (expected != found).then(|| format!("{file} differs:\n{}", difference(&expected, found)))
}

/// The lines from the first different one to the last, of both.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let gone = old[same..old.len() - tail].iter().map(|line| format!("- {line}\n"));
    let came = new[same..new.len() - tail].iter().map(|line| format!("+ {line}\n"));
    format!("  from line {}\n{}{}", same + 1, gone.collect::<String>(), came.collect::<String>())
}

#[test]
fn a_difference_is_told_by_its_lines() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), "  from line 2\n- b\n+ x\n");
}

#[test]
#[should_panic(expected = "Nothing to remove among 1 file")]
fn a_tale_that_differs_fails() {
    // There is no such expected text, so it must not be written either.
    if std::env::var_os("UPSWEEP_UPDATE_GOLDEN").is_some() {
        panic!("Nothing to remove among 1 file");
    }
    let site = Site::sqlite();
    site.live("a.m4a");
    Tale::new("never/written", site).upsweep(&["plan"]).end();
}
