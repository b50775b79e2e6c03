//! What people keep, whatever the rows say: set, shown, released.

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;
use support::{Site, said};

/// A bound site with an orphan that is hidden.
fn site() -> Site {
    let site = Site::sqlite();
    for n in 0..5 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.file("orphan.m4a", 48.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    site
}

fn held(site: &Site) -> Vec<Value> {
    let said = site.upsweep(&["hold", "list", "--json"]).expect(0);
    said.json().as_array().unwrap().clone()
}

#[test]
fn holds_are_set_shown_and_released() {
    let site = site();
    site.upsweep(&["hold", "list"]).expect(0).has("Nothing is held.");
    let said = site.upsweep(&[
        "hold",
        "add",
        "a.m4a",
        "b.m4a",
        "--prefix",
        "2026/",
        "--session",
        "4711",
        "--reason",
        " a complaint ",
    ]);
    let said = said.expect(0);
    said.has("Hold 1 keeps file a.m4a until it is released.");
    said.has("Hold 3 keeps files that begin with 2026/ until it is released.");
    said.has("hold release 1-4 --reason");
    let holds = held(&site);
    let targets: Vec<String> = holds.iter().map(|hold| hold["target"].to_string()).collect();
    assert_eq!(targets, [r#"{"key":"a.m4a"}"#, r#"{"key":"b.m4a"}"#, r#"{"prefix":"2026/"}"#, r#"{"owner":"4711"}"#]);
    let uid = format!("uid {}", rustix::process::geteuid().as_raw());
    for hold in &holds {
        assert_eq!((hold["why"].as_str(), &hold["until"]), (Some("a complaint"), &Value::Null));
        let by = hold["by"].as_str().unwrap();
        assert!(by.contains(&uid) && by.contains("process "), "{by}");
    }
    let said = site.upsweep(&["hold", "list"]).expect(0);
    for word in ["file b.m4a", "files of session 4711", "a complaint", "released"] {
        said.has(word);
    }
    site.upsweep(&["hold", "release", "1", "3", "--reason", "settled"]).expect(0).has("Released hold 3");
    let said = site.upsweep(&["hold", "release", "1", "2", "99", "--reason", "settled"]).expect(3);
    said.has("not released: hold 1 was released before");
    said.has("not released: there is no hold 99");
    said.has("Released hold 2: file b.m4a.");
    assert_eq!(held(&site).len(), 1);
    let added = site.upsweep(&["hold", "add", "c.m4a", "--reason", "x", "--json"]).expect(0).json();
    assert_eq!((&added[0]["id"], held(&site).len()), (&Value::from(5), 2), "a number is never given twice");
}

#[test]
fn many_holds_are_released_by_the_words_that_set_them() {
    let site = site();
    for n in 0..8 {
        site.file(format!("orphan-{n}.m4a"), 48.0);
    }
    site.upsweep(&["run"]).expect(0).has("Hid 8 files");
    site.upsweep(&["hold", "add", "mine.m4a", "--reason", "x"]).expect(0).has("hold release 1 --reason");
    let said = site.upsweep(&["restore", "--all"]).expect(0);
    said.has("hold release 2-10 --reason");
    let release =
        |ids: &[&str], code| site.upsweep(&[&["hold", "release", "--reason", "seen"], ids].concat()).expect(code);
    // Of a range only what is held counts; a number that is named alone must be there.
    release(&["3", "3", "2-4"], 0);
    release(&["2-10"], 0);
    let left = held(&site);
    assert_eq!((left.len(), &left[0]["id"]), (1, &Value::from(1)));
    release(&["2-10"], 0).has("nothing was released");
    release(&["2"], 3).has("was released before");
    release(&["1", "--all"], 64);
    release(&["5-3"], 64).has("must not be smaller");
    release(&["--all"], 0).has("Released hold 1: file mine.m4a.");
    release(&["--all"], 0).has("nothing was released");
}

#[test]
fn a_user_is_told_by_the_system_and_not_by_the_environment() {
    let mut site = site();
    site.set("USER", "mallory").set("LOGNAME", "mallory");
    site.upsweep(&["hold", "add", "a.m4a", "--reason", "x"]).expect(0);
    let by = held(&site)[0]["by"].to_string();
    assert!(!by.contains("mallory"), "{by}");
}

#[test]
fn a_hold_that_makes_no_sense_is_refused() {
    let site = site();
    let refused = |args: &[&str], why: &str| site.upsweep(&[&["hold", "add"], args].concat()).expect(64).has(why);
    refused(&["--reason", "x"], "required");
    refused(&["a.m4a"], "--reason");
    refused(&["a.m4a", "--reason", "  "], "--reason must say why");
    refused(&["../a.m4a", "--reason", "x"], "no name of a file below the upload directory");
    refused(&["--prefix", "", "--reason", "x"], "would hold every file");
    refused(&["--prefix", "/srv", "--reason", "x"], "relative to the upload directory");
    refused(&["--session", "", "--reason", "x"], "needs the session's id");
    refused(&["a.m4a", "--reason", "x", "--until", "2020-01-01"], "is over since");
    refused(&["a.m4a", "--reason", "x", "--until", "soon"], "write it as 30d");
    site.upsweep(&["hold", "release", "--reason", "x"]).expect(64);
    site.upsweep(&["hold", "release", "1"]).expect(64);
    assert!(held(&site).is_empty());
}

#[test]
fn a_store_that_is_not_bound_says_what_to_do_first() {
    let site = Site::sqlite();
    let said = site.upsweep(&["hold", "add", "a.m4a", "--reason", "x"]).expect(1);
    said.has("is not bound yet");
    said.has("upsweep run");
    site.upsweep(&["hold", "list"]).expect(0).has("Nothing is held.");
    site.upsweep(&["audit", "verify"]).expect(1).has("is not bound yet");
    assert!(!site.has(".upsweep"), "asking leaves nothing behind");
}

#[test]
fn a_name_that_is_no_text_can_be_held() {
    let site = site();
    let mut command = site.command(&["hold", "add", "--reason", "x"]);
    command.arg(OsStr::from_bytes(b"a\xff.m4a")).arg("--prefix").arg(OsStr::from_bytes(b"\xfe"));
    said(command).expect(0).has(r"Hold 1 keeps file a\xff.m4a");
    assert_eq!(held(&site)[1]["target"].to_string(), r#"{"prefix":{"hex":"fe"}}"#);
}

#[test]
fn words_cannot_play_tricks_on_the_terminal() {
    let site = site();
    site.upsweep(&["hold", "add", "a\u{1b}[2J", "--reason", "x\u{1b}[2Jy", "--session", "\u{202e}"]).expect(0);
    let said = site.upsweep(&["hold", "list"]).expect(0);
    assert!(!said.out.contains(['\u{1b}', '\u{202e}']), "{}", said.out);
    said.has(r"x\u{1b}[2Jy");
}

#[test]
fn a_restore_by_hand_sets_a_hold_and_says_how_to_release_it() {
    let site = site();
    let said = site.upsweep(&["restore", "orphan.m4a"]).expect(0);
    said.has("Brought back 1 file");
    said.has("A hold was set on 1 file");
    said.has("hold release 1 --reason");
    let [hold] = &held(&site)[..] else { panic!("one hold") };
    assert_eq!(hold["target"].to_string(), r#"{"key":"orphan.m4a"}"#);
    assert_eq!(hold["why"], "brought back by hand");
    let report = site.upsweep(&["restore", "--all", "--json"]).expect(0).json();
    assert_eq!(report["holds"], Value::Array(vec![]), "nothing was hidden any more");
    // It stays, and the run says why; once released it is judged by the rows again.
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Nothing was hidden.");
    said.has("Left in place: 1 file, held; see: ");
    site.upsweep(&["hold", "release", "1", "--reason", "settled"]).expect(0);
    let said = site.upsweep(&["run"]).expect(0);
    said.has("Hid 1 file");
    assert!(!said.out.contains("Left in place"), "{}", said.out);
}

#[cfg(feature = "test-clock")]
#[test]
fn a_hold_ends_by_itself() {
    let site = site();
    site.upsweep(&["hold", "add", "a.m4a", "--reason", "x", "--until", "30d"])
        .expect(0)
        .has("keeps file a.m4a until 2");
    assert_eq!(site.upsweep_after_days(29, &["hold", "list", "--json"]).json().as_array().unwrap().len(), 1);
    site.upsweep_after_days(31, &["hold", "list"]).expect(0).has("Nothing is held.");
}
