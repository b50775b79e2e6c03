//! Logs: no recording's name in them, whatever happens, unless somebody asks for it.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use support::{Said, Site};

/// What none of the logs may say.
const NAME: &str = "maria-muster";

fn site() -> Site {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_LOG_LEVEL", "trace").set("UPSWEEP_LOG_FORMAT", "json");
    for n in 0..10 {
        site.live(&format!("{NAME}-live-{n}.m4a"));
    }
    site
}

/// The log lines among what was said on standard error; the rest is meant for whoever runs the command.
fn lines(said: &Said) -> Vec<Value> {
    said.err.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn assert_nameless(said: &Said) {
    assert!(!lines(said).is_empty(), "no logs at all:\n{}\n{}", said.out, said.err);
    let logs = lines(said).iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    assert!(!logs.contains(NAME), "{logs}");
}

/// What the logs say became of which file.
fn told(said: &Said) -> BTreeSet<(String, String)> {
    let of = |line: &Value| Some((line["message"].as_str()?.to_owned(), line["file"].as_str()?.to_owned()));
    lines(said).iter().filter_map(of).collect()
}

fn one(what: &str, name: &str) -> BTreeSet<(String, String)> {
    BTreeSet::from([(what.to_owned(), name.to_owned())])
}

/// A run that hides a file, a restore and another run, each with its logs checked.
fn hide_and_restore(site: &Site, check: impl Fn(&Said, &str)) {
    site.file(format!("{NAME}.m4a"), 72.0);
    check(&site.upsweep(&["run"]).expect(0), "hidden");
    check(&site.upsweep(&["restore", "--all"]).expect(0), "brought back");
    // What was brought back by hand is held, and no run hides it until somebody releases it.
    site.release_holds(0);
    check(&site.upsweep(&["run"]).expect(0), "hidden");
}

#[test]
fn logs_name_no_file_unless_asked() {
    hide_and_restore(&site(), |said, _| assert_nameless(said));
}

#[test]
fn logs_name_every_file_that_moves_when_asked() {
    let mut site = site();
    site.set("UPSWEEP_LOG_FILE_NAMES", "true");
    let name = format!("{NAME}.m4a");
    hide_and_restore(&site, |said, what| assert_eq!(told(said), one(what, &name)));
    // It is still the level that decides: these are info lines.
    site.set("UPSWEEP_LOG_LEVEL", "warn");
    site.file(format!("{NAME}-2.m4a"), 72.0);
    assert!(lines(&site.upsweep(&["run"]).expect(0)).is_empty());
}

#[test]
fn no_filter_per_module_brings_names_back() {
    let mut site = site();
    site.set("UPSWEEP_LOG_LEVEL", "info,upsweep::file_names=trace");
    hide_and_restore(&site, |said, _| assert_nameless(said));
}

#[cfg(feature = "test-clock")]
#[test]
fn what_is_freed_is_named_only_when_asked() {
    for asked in [false, true] {
        let mut site = site();
        site.set("UPSWEEP_LOG_FILE_NAMES", if asked { "true" } else { "false" });
        site.file(format!("{NAME}.m4a"), 72.0);
        site.upsweep(&["run"]).expect(0);
        let said = site.upsweep_after_days(8, &["run"]).expect(0);
        said.has("Freed 1 hidden file");
        if asked {
            assert_eq!(told(&said), one("freed", &format!("{NAME}.m4a")));
        } else {
            assert_nameless(&said);
        }
    }
}

/// A file that is hidden and copied, freed, and brought back from its copy.
#[cfg(feature = "test-clock")]
#[test]
fn what_goes_to_the_archive_and_comes_back_is_named_only_when_asked() {
    let name = format!("{NAME}.m4a");
    for asked in [false, true] {
        let mut site = site();
        fs::create_dir(site.backup()).unwrap();
        let archive = site.backup().display().to_string();
        site.set("UPSWEEP_LOG_FILE_NAMES", if asked { "true" } else { "false" });
        site.set("UPSWEEP_ACTION", "archive").set("UPSWEEP_ARCHIVE_URL", &archive);
        let check = |said: Said, what: &[&str]| {
            if asked {
                assert_eq!(told(&said), what.iter().flat_map(|what| one(what, &name)).collect());
            } else {
                assert_nameless(&said);
            }
        };
        site.file(&name, 72.0);
        check(site.upsweep(&["run"]).expect(0), &["hidden", "copied"]);
        let site = site.later(8);
        check(site.upsweep(&["purge"]).expect(0), &["freed"]);
        check(site.upsweep(&["restore", &name]).expect(0), &["brought back from the archive"]);
    }
}

/// Everything that goes wrong with single files: a folder that may not be entered, one whose file may not be
/// moved, a taken place, a saved plan that does not fit any more.
#[test]
fn failures_name_no_file_either() {
    let mut site = site();
    site.set("UPSWEEP_RECURSIVE", "true");
    let folder = site.uploads.join(format!("{NAME}-folder"));
    let file = site.file(format!("{NAME}-folder/{NAME}.m4a"), 72.0);
    // Everything, changed since the plan was made.
    site.upsweep(&["plan", "--out", "plan.json"]).expect(0);
    fs::write(&file, b"changed").unwrap();
    assert_nameless(&site.upsweep(&["apply", "plan.json"]));
    fs::remove_file(&file).unwrap();
    site.file(format!("{NAME}-folder/{NAME}.m4a"), 72.0);
    // A folder that may be read, but not written to.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    assert_nameless(&support::as_nobody(&site, &["run"]));
    // One that may not even be entered.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    assert_nameless(&support::as_nobody(&site, &["run"]));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_nameless(&support::as_nobody(&site, &["run"]));
    site.file(format!("{NAME}-folder/{NAME}.m4a"), 0.1);
    let said = support::as_nobody(&site, &["restore", "--all"]);
    said.has("conflict");
    assert_nameless(&said);
}

/// An interrupted operation whose folder cannot be looked at.
#[test]
fn recovery_names_no_file_either() {
    for asked in [false, true] {
        let mut site = site();
        site.set("UPSWEEP_RECURSIVE", "true").set("UPSWEEP_LOG_FILE_NAMES", if asked { "true" } else { "false" });
        site.file(format!("{NAME}-folder/{NAME}.m4a"), 72.0);
        support::as_nobody(&site, &["run"]).expect(0);
        let ledger = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
        ledger
            .execute_batch(
                "UPDATE ops SET state = 'restoring'; INSERT INTO journal (op, event, at) SELECT id, 'intend-restore', 0 FROM ops",
            )
            .unwrap();
        drop(ledger);
        let folder = site.uploads.join(format!("{NAME}-folder"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
        let said = support::as_nobody(&site, &["recover"]);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let logs = lines(&said).iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        assert!(logs.contains("interrupted operation"), "{said:?}");
        assert_eq!(logs.contains(NAME), asked, "{logs}");
    }
}

#[test]
fn a_level_that_makes_no_sense_is_refused() {
    let mut site = site();
    for level in ["verbose", "warn,upsweep_engine", "upsweep=loud", "warn,"] {
        site.set("UPSWEEP_LOG_LEVEL", level);
        let said = site.upsweep(&["plan"]).expect(1);
        said.has("must be off, error, warn, info, debug, trace, or a list");
    }
    for level in ["WARN", "warn,upsweep_engine=debug", "off"] {
        site.set("UPSWEEP_LOG_LEVEL", level);
        site.upsweep(&["plan"]).expect(0);
    }
}
