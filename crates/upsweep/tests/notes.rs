//! What a plan tells beside what would go: what is missing, and what would free nothing.
#![allow(clippy::disallowed_methods, reason = "a person links and removes files by hand")]

mod support;

use std::fs;

use serde_json::json;
use support::Site;

#[test]
fn a_missing_file_is_named_with_the_one_that_is_there_instead() {
    let site = Site::sqlite();
    site.live("here.m4a");
    site.session("2", "processed", Some("First Talk.m4a"), 30);
    site.session("3", "processed", Some("second talk.m4a"), 30);
    site.session("4", "processed", Some("gone.m4a"), 30);
    site.file("first%20talk.m4a", 100.0);
    site.file("second-talk.m4a", 100.0);
    let human = site.upsweep(&["plan"]).expect(0);
    human.has(
        "Missing: 3 files that live rows claim are not there: First Talk.m4a (there is first%20talk.m4a), gone.m4a, second talk.m4a (there is second-talk.m4a).",
    );
    let plan = site.upsweep(&["plan", "--json"]).expect(0).json();
    let missing = json!(["First Talk.m4a", "gone.m4a", "second talk.m4a"]);
    assert_eq!(plan["survey"]["claims"]["missing_examples"], missing);
    let near = json!([
        { "missing": "First Talk.m4a", "file": "first%20talk.m4a" },
        { "missing": "second talk.m4a", "file": "second-talk.m4a" },
    ]);
    assert_eq!(plan["near_misses"], near);
    assert_eq!(plan["removals"], json!([]), "neither is taken for an orphan");
    let mends = plan["relinks"].as_array().unwrap();
    assert_eq!(mends.len(), 1, "the first is claimed nearly, which is enough to keep it: {mends:?}");
    assert_eq!(mends[0]["rename"], "mv -n -- second-talk.m4a 'second talk.m4a'");
}

#[test]
fn a_file_with_other_names_is_told_to_free_nothing() {
    let site = Site::sqlite();
    site.live("here.m4a");
    let orphan = site.file("orphan.m4a", 100.0);
    site.file("alone.m4a", 100.0);
    assert!(!site.upsweep(&["plan"]).expect(0).out.contains("free nothing"));
    fs::hard_link(&orphan, site.dir.path().join("another-name.m4a")).unwrap();
    site.upsweep(&["plan"]).expect(0).has("Would free nothing: 1 file with other names on this disk (hard links).");
    let plan = site.upsweep(&["plan", "--json"]).expect(0).json();
    let links: Vec<_> = plan["removals"].as_array().unwrap().iter().map(|removal| &removal["facts"]["links"]).collect();
    assert_eq!(links, [&json!(1), &json!(2)]);
}
