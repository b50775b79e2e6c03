//! `upsweep explain`: complete for every verdict there is.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use support::Site;

const CONFIG: &str = r#"
recursive = true
exclude = "*.log, old"

[[claims]]
name = "sessions"
table = "sessions"
key = "{audio_filename}"
owner = "id"
status = "status"
since = "created_at"

[[claims]]
name = "exports"
table = "exports"
key = "{file}"
owner = "id"
expires = "expires_at"
"#;

/// A site with a file for every verdict.
fn site() -> Site {
    let mut site = Site::sqlite();
    fs::write(site.dir.path().join("upsweep.toml"), CONFIG).unwrap();
    site.set("UPSWEEP_GUARD_FLOOR", "200");
    site.database.exec("CREATE TABLE exports (id TEXT, file TEXT, expires_at TEXT)");
    site.database.exec("INSERT INTO exports VALUES ('e1', 'over.zip', '2020-01-01 00:00:00')");
    site.database.exec("INSERT INTO exports VALUES ('e2', 'still.zip', '2099-01-01 00:00:00')");
    for n in 0..30 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.live("talk.m4a");
    site.file("talk_processed.mp3", 720.0);
    site.session("s-near", "processed", Some("Near.M4A"), 30);
    site.session("s-new", "failed", Some("failed-new.m4a"), 2);
    site.session("s-old", "failed", Some("failed-old.m4a"), 30);
    site.session("s-lost", "processed", Some("first talk.m4a"), 30);
    site.session("s-gone", "processed", Some("gone.m4a"), 30);
    for (name, hours) in [
        ("near.m4a", 720.0),
        ("failed-new.m4a", 720.0),
        ("failed-old.m4a", 720.0),
        ("over.zip", 720.0),
        ("still.zip", 720.0),
        ("first-talk.wav", 720.0),
        ("young.m4a", 1.0),
        ("orphan.m4a", 720.0),
        ("held.m4a", 720.0),
        ("noted.m4a", 720.0),
        ("noted.log", 720.0),
        ("old/a.m4a", 720.0),
        (".hidden.m4a", 720.0),
    ] {
        site.file(name, hours);
    }
    site
}

struct Told {
    json: Value,
    text: String,
}

fn explain(site: &Site, args: &[&str]) -> Told {
    let text = site.upsweep(&[&["explain"], args].concat()).expect(0).out;
    let json = site.upsweep(&[&["explain", "--json"], args].concat()).expect(0).json();
    Told { json, text }
}

impl Told {
    fn verdict(&self) -> String {
        let verdict = &self.json["verdict"];
        let more = [&verdict["why"], &verdict["reason"]["kind"]].into_iter().find_map(Value::as_str);
        [verdict["verdict"].as_str(), more].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn is(&self, verdict: &str, words: &[&str]) -> String {
        assert_eq!(self.verdict(), verdict, "{}", self.text);
        for words in words {
            assert!(self.text.contains(words), "no '{words}' in\n{}", self.text);
        }
        verdict.to_owned()
    }
}

#[test]
fn every_verdict_is_explained() {
    let site = site();
    // The first run binds the store; then something is held, hidden, and in conflict.
    site.upsweep(&["run", "--only", "failed"]).expect(0).has("Hid 1 file");
    site.upsweep(&["hold", "add", "held.m4a", "--reason", "a complaint"]).expect(0);
    let mut seen = BTreeSet::new();
    let mut see = |args: &[&str], verdict: &str, words: &[&str]| {
        seen.insert(explain(&site, args).is(verdict, words));
    };
    see(
        &["talk.m4a"],
        "keep claimed",
        &[
            "rule 'sessions': 36 rows, 1 concerns it",
            "row of talk.m4a (live) names it: talk.m4a",
            "rule 'exports': 2 rows, none concerns it",
            "belongs together with talk_processed.mp3 (claimed)",
            "hold add talk.m4a",
        ],
    );
    see(&["talk_processed.mp3"], "keep claimed", &["names what it was made of: talk.m4a"]);
    see(&["near.m4a"], "keep nearly_claimed", &["row s-near (live) names it nearly: Near.M4A", "correct the row"]);
    see(&["held.m4a"], "keep held", &["a complaint", "hold release 1 --reason"]);
    see(&["young.m4a"], "keep too_young", &["counted from mtime", "old enough after"]);
    see(&["failed-new.m4a"], "keep failed_recently", &["row s-new (failed 20", "more than 7 days ago"]);
    see(&["still.zip"], "keep not_expired", &["row e2 (expires 2099-01-01", "must have expired"]);
    see(
        &["first-talk.wav"],
        "keep relinkable",
        &[
            "mv -n -- first-talk.wav 'first talk.m4a'",
            "UPDATE sessions SET audio_filename = 'first-talk.wav' WHERE id = 's-lost'",
        ],
    );
    see(&["noted.m4a"], "keep ignored", &["take the pattern out of exclude"]);
    see(&["orphan.m4a", "--only", "expired"], "keep outside_selection", &["another selection"]);
    see(&["orphan.m4a"], "remove orphan", &["it may go: nobody claims it", "the next run hides it"]);
    see(&["over.zip"], "remove expired", &["every row that claims it expired", "row e1 (expires 2020-01-01"]);
    see(
        &["failed-old.m4a"],
        "hidden",
        &["it may be freed after", "restore failed-old.m4a", "planned it as failed session"],
    );
    see(&["gone.m4a"], "missing", &["a live row claims it, and there is no such file", "row s-gone (live)"]);
    see(&["first talk.m4a"], "missing", &["mv -n -- first-talk.wav 'first talk.m4a'"]);
    see(&["noted.log"], "not_judged excluded", &["excluded by '*.log'"]);
    see(&["old/a.m4a"], "not_judged excluded", &["excluded by 'old'"]);
    see(&[".hidden.m4a"], "not_judged dotfile", &["begins with a dot"]);
    see(&["nothing.m4a"], "nothing", &["no regular file of that name"]);
    see(&["over.zip", "--set", "recursive=false"], "remove expired", &[]);

    site.database.exec("DELETE FROM sessions WHERE id = 's-old'");
    site.session("s-old-2", "processed", Some("failed-old.m4a"), 1);
    let again = explain(&site, &["failed-old.m4a"]);
    seen.insert(again.is("hidden", &["a row claims it again", "the next run brings it back"]));
    site.file("failed-old.m4a", 1.0);
    site.upsweep(&["restore", "failed-old.m4a"]).expect(3);
    fs::remove_file(site.uploads.join("failed-old.m4a")).unwrap();
    seen.insert(explain(&site, &["failed-old.m4a"]).is("conflict", &["another file took its place"]));
    seen.insert(
        explain(&site, &["old2/a.m4a", "--set", "recursive=false"])
            .is("not_judged below_top_level", &["recursive = true"]),
    );

    let all: BTreeSet<String> = [
        "keep claimed",
        "keep held",
        "keep nearly_claimed",
        "keep too_young",
        "keep failed_recently",
        "keep not_expired",
        "keep relinkable",
        "keep ignored",
        "keep outside_selection",
        "remove orphan",
        "remove expired",
        "hidden",
        "conflict",
        "missing",
        "not_judged excluded",
        "not_judged dotfile",
        "not_judged below_top_level",
        "nothing",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(seen, all);
}

#[test]
fn a_failed_session_s_file_and_what_cannot_be_looked_at_are_explained() {
    let site = site();
    let told = explain(&site, &["failed-old.m4a"]);
    told.is("remove failed_session", &["every session that claims it failed", "row s-old (failed 20"]);
    // Before the first run nothing was ever written, and explaining writes nothing either.
    assert!(!site.has(".upsweep"));
}

#[test]
fn an_incomplete_survey_explains_itself() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let site = site();
    site.file("private/a.m4a", 720.0);
    let said = support::as_nobody_beside(&site, &["explain", "orphan.m4a"], "private");
    fs::set_permissions(site.uploads.join("private"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let said =
        if said.code == 0 { support::as_nobody_beside(&site, &["explain", "orphan.m4a"], "private") } else { said };
    let said = said.expect(3);
    said.has("nobody knows: the survey did not complete");
    said.has("private");
}

#[test]
fn a_file_that_cannot_be_looked_at_is_explained() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let site = site();
    site.file("sealed/a.m4a", 720.0);
    // The names in it can be read, and nothing more.
    fs::set_permissions(site.uploads.join("sealed"), std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
    let said = support::as_nobody(&site, &["explain", "sealed/a.m4a"]).expect(0);
    said.has("it stays: it could not be looked at");
    said.has("mend what keeps it from being looked at");
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let site = Site::sqlite();
    site.upsweep(&["explain", "../x"]).expect(64).has("is no name of a file below the upload directory");
}
