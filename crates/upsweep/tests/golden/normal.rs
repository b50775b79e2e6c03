//! What differs from one run of the tests to the next, in a form that does not. Everything else is left as it is.
//!
//! Ids, times and hashes keep their width and tell which of them are the same; times tell how many hours they are from
//! the story's beginning, so that a wrong deadline is seen.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Captures, Regex};

/// A story's own: where it plays, and since when.
pub(crate) struct Normal {
    /// Texts, and what stands for them.
    places: Vec<(String, String)>,
    began: Timestamp,
}

/// The compiled form of a pattern that is written below.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is right")
}

static IDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b"));
static HASHES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b([0-9a-f]{64}|[0-9a-f]{32})\b"));
static TIMES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(\.\d+)?( UTC|Z)"));
static USERS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(\w[\w.-]* \(uid \d+\)|\buid \d+)(, logged in as (\w[\w.-]* \(uid \d+\)|uid \d+))?"));
static PROCESSES: LazyLock<Regex> = LazyLock::new(|| pattern(r"process \d+ on [\w.-]+(  +)?"));
/// The head of a column whose width is that of the users and processes below it.
static BY: LazyLock<Regex> = LazyLock::new(|| pattern(r"  by  +why\n"));
static SCRATCH: LazyLock<Regex> = LazyLock::new(|| pattern(r"scratch-\d+"));
/// What a file system says of a file beside its size and its names; in JSON alone.
static FACTS: LazyLock<Regex> = LazyLock::new(|| pattern(r#""(dev|ino|secs|nanos)": \d+"#));
static AGES: LazyLock<Regex> = LazyLock::new(|| pattern(r#""age_secs": (\d+)"#));
/// In CSV the age follows the time from which it is counted.
static CSV_AGES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d\dZ),(\d+),"));
/// Times in the program's own words, as examples.
const EXAMPLES: [&str; 2] = ["2026-12-31T12:00:00Z", "2026-11-01T08:00:00Z"];
/// What the doctor finds in the machine and its disks, with what to do next; then how many notes that makes.
static MACHINE: LazyLock<Regex> = LazyLock::new(|| {
    let names = "mounts|renames|birth times|case|room|freed bytes|ledger's disk";
    pattern(&format!(
        r#"(?m)^\w+ +({names})  .*\n( +next: .*\n)?|^  \{{\n    "name": "({names})",\n(    .*\n)+  \}},?\n"#
    ))
});
static FOUND: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) things looked at: (.*), \d+ notes?\."));

impl Normal {
    /// For what plays in `site` from `began` on, told by `program`.
    pub(crate) fn new(site: &Path, program: &str, began: Timestamp) -> Self {
        let site = site.display().to_string();
        // Tests that run as somebody without privileges have a copy of the program.
        let programs = [program.to_owned(), format!("{site}/upsweep-for-all")];
        let places = programs.map(|program| (program, "./upsweep".to_owned()));
        Self { places: places.into_iter().chain([(site, "/site".to_owned())]).collect(), began }
    }

    /// The same text as it would be anywhere and at any time.
    pub(crate) fn of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.places {
            text = text.replace(from, to);
        }
        let text = numbered(&IDS, &text, |n, id| {
            let digit = n.to_string();
            id.chars().map(|c| if c == '-' { "-" } else { &digit }).collect()
        });
        let text = numbered(&HASHES, &text, |n, hash| format!("{:.<width$}", format!("hash-{n}-"), width = hash.len()));
        let text = CSV_AGES.replace_all(&text, |found: &Captures<'_>| format!("{},{} h,", &found[1], hours(&found[2])));
        let text = TIMES.replace_all(&text, |found: &Captures<'_>| self.moment(found));
        let text = USERS.replace_all(&text, "USER");
        let text = PROCESSES.replace_all(&text, |found: &Captures<'_>| {
            format!("process PID on HOST{}", if found.get(1).is_some() { "  " } else { "" })
        });
        let text = BY.replace_all(&text, "  by                         why\n");
        let text = SCRATCH.replace_all(&text, "scratch-PID");
        let text = FACTS.replace_all(&text, r#""$1": "…""#);
        let text = AGES.replace_all(&text, |found: &Captures<'_>| format!(r#""age_secs": "{} h""#, hours(&found[1])));
        let text = MACHINE.replace_all(&text, "");
        FOUND.replace_all(&text, "$1 things looked at: $2, … notes.").into_owned()
    }

    /// `+0030 days 00 hours`, as wide as the date and the time were; a fraction of a second is dropped.
    fn moment(&self, found: &Captures<'_>) -> String {
        // What was long ago is some story's own, and not the clock's.
        if EXAMPLES.contains(&&found[0]) || found[1].starts_with("2020") {
            return found[0].to_owned();
        }
        let at: Timestamp = format!("{}T{}Z", &found[1], &found[3]).parse().expect("the program writes dates");
        let hours = (at.as_second() - self.began.as_second() + 1_800).div_euclid(3_600);
        let sign = if hours < 0 { '-' } else { '+' };
        let (days, hours) = (hours.abs() / 24, hours.abs() % 24);
        format!("{sign}{days:04} days{}{hours:02} hours{}", &found[2], &found[5])
    }
}

fn hours(secs: &str) -> u64 {
    secs.parse::<u64>().expect("the pattern finds digits") / 3_600
}

/// Every finding as `form` writes the how-manieth different one it is.
fn numbered(pattern: &Regex, text: &str, form: impl Fn(usize, &str) -> String) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let form = |found: &Captures<'_>| {
        let next = seen.len() + 1;
        let n = *seen.entry(found[0].to_owned()).or_insert(next);
        form(n, &found[0])
    };
    pattern.replace_all(text, form).into_owned()
}

mod tests {
    use super::*;

    fn normal() -> Normal {
        let began = "2026-11-10T12:00:00Z".parse().unwrap();
        Normal::new(Path::new("/tmp/.tmpAbCdEf"), "/build/upsweep", began)
    }

    #[test]
    fn what_differs_between_runs_is_made_equal() {
        let once =
            "20261110-120000-85a085 2026-11-17 12:00:01 UTC in /tmp/.tmpAbCdEf/uploads by root (uid 0), process 1 on a";
        let then = "20261110-120002-1fc0de 2026-11-17 12:00:03 UTC in /tmp/.tmpAbCdEf/uploads by anna (uid 7), logged in as uid 3, process 23 on b.example";
        assert_eq!(normal().of(once), normal().of(then));
        assert_eq!(
            normal().of(once),
            "111111-111111-111111 +0007 days 00 hours UTC in /site/uploads by USER, process PID on HOST"
                .replacen("111111", "11111111", 1)
        );
        let facts = |n: u32| format!("\"ino\": {n}\n\"age_secs\": {}", 7_200 + n);
        assert_eq!(normal().of(&facts(1)), normal().of(&facts(2)));
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        let right = "Hid 3 files, 51 B of a.m4a; G003, exit 10, after 2026-11-17 12:00:01 UTC, run 20261110-120000-85a085, \"age_secs\": 7200, 5 h";
        for (what, wrong) in [
            ("3 files", "4 files"),
            ("51 B", "52 B"),
            ("a.m4a", "b.m4a"),
            ("G003", "G005"),
            ("10,", "11,"),
            ("-17 12", "-18 12"),
            ("12:00:01", "14:00:01"),
            ("7200", "3599"),
            ("5 h", "6 h"),
            (" of", "  of"),
        ] {
            assert_ne!(normal().of(right), normal().of(&right.replacen(what, wrong, 1)), "{what}");
        }
    }

    #[test]
    fn which_ids_and_hashes_are_the_same_is_kept() {
        let (a, b) = ("20261110-120000-85a085", "20261110-120000-85a086");
        assert_eq!(normal().of(&format!("{a} {a}")), normal().of(&format!("{b} {b}")));
        assert_ne!(normal().of(&format!("{a} {a}")), normal().of(&format!("{a} {b}")));
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert_ne!(normal().of(&format!("{a} {a}")), normal().of(&format!("{a} {b}")));
    }

    #[test]
    fn of_the_doctor_only_the_machine_is_left_out() {
        let told = "good     room   38.2 GiB free\nnote     freed bytes  bytes may stay\n              next: encrypt\nPROBLEM  store  it is gone\n25 things looked at: 1 problem, 0 warnings, 3 notes.\n";
        let kept = "PROBLEM  store  it is gone\n25 things looked at: 1 problem, 0 warnings, … notes.\n";
        assert_eq!(normal().of(told), kept);
        let json =
            "[\n  {\n    \"name\": \"room\",\n    \"status\": \"good\"\n  },\n  {\n    \"name\": \"store\"\n  }\n]\n";
        assert_eq!(normal().of(json), "[\n  {\n    \"name\": \"store\"\n  }\n]\n");
    }

    #[test]
    fn columns_keep_their_width() {
        for text in ["20261110-120000-85a085", "2026-11-17 12:00:01 UTC", "2026-11-17T12:00:01Z", &"a".repeat(64)] {
            assert_eq!(normal().of(text).len(), text.len(), "{text}");
        }
    }
}
