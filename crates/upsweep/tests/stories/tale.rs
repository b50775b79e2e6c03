//! What every story has: a site with a past, a refusal read as a person reads it, and the commands it names.

use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Said, Site, said};

/// After so many days a quarantine of a week is over.
pub(crate) const DUE: i64 = 8;

/// With so many sessions and their files, `s-0.m4a` and so on; a first run found everything well.
pub(crate) fn with_past(site: Site, live: u32) -> Site {
    let site = with_sessions(site, live);
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
    site
}

/// With so many sessions and their files, and no run yet.
pub(crate) fn with_sessions(site: Site, live: u32) -> Site {
    insert(&site, 0..live);
    orphans(&site, "s-", live);
    site
}

/// Inserts the rows of these sessions, as a restored dump does.
pub(crate) fn insert(site: &Site, numbers: std::ops::Range<u32>) {
    let row = |n| format!("('row {n}', 'processed', 's-{n}.m4a', '2026-01-01 00:00:00')");
    let rows: Vec<String> = numbers.map(row).collect();
    site.database.exec(&format!("INSERT INTO sessions VALUES {}", rows.join(", ")));
}

/// Writes so many files of three days' age.
pub(crate) fn orphans(site: &Site, prefix: &str, count: u32) {
    for n in 0..count {
        site.file(format!("{prefix}{n}.m4a"), 72.0);
    }
}

/// The same with five files hidden by that run, `old-0.m4a` to `old-4.m4a`, which nobody ever claimed.
pub(crate) fn with_hidden(site: Site, live: u32) -> Site {
    let site = with_sessions(site, live);
    orphans(&site, "old-", 5);
    site.upsweep(&["run"]).expect(0).has("Hid 5 files");
    assert_eq!(site.hidden(), 5);
    site
}

/// When the evidence is back: what is claimed by now comes back by itself, and the others are freed.
#[track_caller]
pub(crate) fn ends_well(site: &Site, days: i64) {
    let said = site.upsweep_after_days(days, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 4 hidden files");
    assert!(site.has("old-0.m4a") && site.hidden() == 0);
}

/// A row that claims the first of the hidden files.
pub(crate) fn claim_the_first(site: &Site) {
    site.session("again", "processed", Some("old-0.m4a"), 0);
}

/// Neither a run nor a purge hides or frees anything: the purge is refused by just these guards, and the run by these
/// at least. Gives what the purge said.
#[track_caller]
pub(crate) fn frees_nothing(site: &Site, days: i64, codes: &[&str]) -> Said {
    let (files, hidden) = (site.files(), site.hidden());
    for command in ["run", "purge"] {
        let said = site.upsweep_after_days(days, &[command]).expect(10);
        let objections = refused_by(&said);
        assert!(codes.iter().all(|code| objections.contains(&(*code).to_owned())), "{objections:?}: {said:?}");
        assert!(!said.out.contains("Freed"), "{said:?}");
        assert_eq!((site.files(), site.hidden()), (files.clone(), hidden), "{said:?}");
        if command == "purge" {
            assert_eq!(objections, codes, "{said:?}");
            return said;
        }
    }
    unreachable!("the purge comes last")
}

/// Hiding is refused by just these guards, and nothing is touched.
#[track_caller]
pub(crate) fn hides_nothing(site: &Site, days: i64, codes: &[&str]) -> Said {
    let (files, hidden) = (site.files(), site.hidden());
    let said = site.upsweep_after_days(days, &["run"]).expect(10);
    said.has("Refused, and nothing was hidden.");
    assert_eq!(refused_by(&said), codes, "{said:?}");
    assert_eq!((site.files(), site.hidden()), (files, hidden), "{said:?}");
    said
}

/// The guards that objected, once each, in the order of their codes.
fn refused_by(said: &Said) -> Vec<String> {
    let both = format!("{}\n{}", said.out, said.err);
    // Where it may not even begin, an error says the same in one line.
    let code = |line: &str| match line.strip_prefix("error: ") {
        Some(error) => error.split_once(": ").map(|(code, _)| code.to_owned()).filter(|code| code.len() == 4),
        None => line.split_once(" refused:").map(|(code, _)| code.to_owned()),
    };
    let mut codes: Vec<String> = both.lines().filter_map(code).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// One guard's objection, as printed.
#[derive(Debug)]
pub(crate) struct Objection {
    pub(crate) saw: String,
    pub(crate) likely: String,
    pub(crate) next: String,
}

impl Objection {
    #[track_caller]
    pub(crate) fn of(said: &Said, code: &str) -> Self {
        if let Some(line) = said.err.strip_prefix(&format!("error: {code}: ")) {
            let (saw, rest) = line.split_once("; likely cause: ").unwrap();
            let (likely, next) = rest.split_once("; next: ").unwrap();
            return Self { saw: saw.to_owned(), likely: likely.to_owned(), next: next.trim().to_owned() };
        }
        let mut lines = said.out.lines().skip_while(|line| !line.starts_with(&format!("{code} refused:")));
        let mut part = |label: &str| {
            let line = lines.next().unwrap_or_else(|| panic!("{code} did not object: {said:?}"));
            line.split_once(label).unwrap_or_else(|| panic!("no '{label}' in {line}: {said:?}")).1.trim().to_owned()
        };
        let saw = part("refused:");
        Self { saw, likely: part("likely:"), next: part("next:") }
    }

    #[track_caller]
    pub(crate) fn says(&self, saw: &str, likely: &str, next: &str) -> &Self {
        assert!(self.saw.contains(saw), "{self:?}");
        assert!(self.likely.contains(likely), "{self:?}");
        assert!(self.next.contains(next), "{self:?}");
        self
    }

    /// Runs the command that it names, in a shell, as somebody who copies it from the screen does.
    #[track_caller]
    pub(crate) fn run_next(&self, site: &Site, days: i64) -> Said {
        let at = self.next.find(BINARY).unwrap_or_else(|| panic!("no command: {self:?}"));
        let command = self.next[at..].split(';').next().unwrap_or_default();
        in_shell(site, days, command)
    }
}

/// Runs the command that is printed for those who are sure: `If these files may really go: …`.
#[track_caller]
pub(crate) fn overrule(site: &Site, days: i64, refused: &Said) -> Said {
    let line = refused.out.lines().find_map(|line| line.strip_prefix("If these files may really go: "));
    let command = line.unwrap_or_else(|| panic!("it offers no way: {refused:?}"));
    in_shell(site, days, &command.replace('…', "it was meant so"))
}

/// The history and the audit trail tell which guards were overruled by the newest run, and why.
#[track_caller]
pub(crate) fn is_on_record(site: &Site, codes: &str) {
    site.upsweep(&["history"]).expect(0).has(&format!("({codes} overruled: it was meant so)"));
    let trail = site.upsweep(&["audit", "export"]).expect(0).out;
    let records: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let begun = records.iter().rfind(|record| record["event"] == "run-begun").unwrap();
    assert_eq!(begun["details"]["allowed_why"], "it was meant so", "{begun}");
    let ended = records.iter().rfind(|record| record["event"] == "run-ended").unwrap();
    assert_eq!(ended["details"]["overruled"].as_str().unwrap(), codes.replace(',', ""), "{ended}");
}

/// No approval helps: neither of this guard, which is no guard to approve, nor of all the others.
#[track_caller]
pub(crate) fn cannot_be_overruled(site: &Site, days: i64, command: &str, code: &str) {
    let (files, hidden) = (site.files(), site.hidden());
    let said = site.upsweep_after_days(days, &[command, "--allow", code, "--reason", "x"]).expect(64);
    said.has(&format!("{code} cannot be overruled"));
    let others = "G001,G003,G005,G006,G007,G010";
    let said = site.upsweep_after_days(days, &[command, "--allow", others, "--reason", "x"]).expect(10);
    assert_eq!(refused_by(&said), [code], "{said:?}");
    assert_eq!((site.files(), site.hidden()), (files, hidden));
}

pub(crate) fn in_shell(site: &Site, days: i64, command: &str) -> Said {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env_clear().envs(&site.env).current_dir(site.dir.path());
    shell.env("UPSWEEP_TEST_CLOCK_OFFSET", (days * 86_400).to_string());
    said(shell)
}
