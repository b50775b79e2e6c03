//! G003: a plan that removes too much: too large a share, too many files, too many bytes.

use crate::support::Site;
use crate::tale::{DUE, Objection, hides_nothing, is_on_record, orphans, overrule, with_past};

#[test]
fn more_than_half_of_all_files_is_too_large_a_share() {
    let site = with_past(Site::sqlite(), 30);
    orphans(&site, "old-", 31);
    let said = hides_nothing(&site, 0, &["G003"]);
    let found = Objection::of(&said, "G003");
    found.says(
        "31 of 61 files (",
        "a claim rule that misses most rows, a restored old database, or a long time",
        "review every file with",
    );
    assert!(found.saw.contains("50.8 % of all, more than max_share = 50.0 %"), "{found:?}");
    let listed = found.run_next(&site, 0).expect(0).out;
    assert_eq!(listed.lines().filter(|line| line.starts_with("old-")).count(), 31);
    // The review finds a row that was forgotten; that is enough here.
    site.session("forgotten", "processed", Some("old-0.m4a"), 3);
    site.upsweep(&["run"]).expect(0).has("Hid 30 files");
}

/// The harmless neighbours: exactly half, and most of very little.
#[test]
fn exactly_half_and_a_handful_pass() {
    let site = with_past(Site::sqlite(), 30);
    orphans(&site, "old-", 30);
    site.upsweep(&["run"]).expect(0).has("Hid 30 files");
    let site = with_past(Site::sqlite(), 2);
    orphans(&site, "old-", 20);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
}

/// Limits in numbers have no floor, and a smaller plan gets past them.
#[test]
fn limits_in_files_and_bytes_hold_from_the_first_file_on() {
    let mut site = with_past(Site::sqlite(), 30);
    orphans(&site, "old-", 6);
    site.set("UPSWEEP_MAX_FILES", "5");
    let said = hides_nothing(&site, 0, &["G003"]);
    Objection::of(&said, "G003").says("more than max_files = 5", "a long time without a clean-up", "plan --csv");
    site.upsweep(&["run", "--limit", "5"]).expect(0).has("Hid 5 files");
    site.env.remove("UPSWEEP_MAX_FILES");
    site.set("UPSWEEP_MAX_BYTES", "17");
    let said = hides_nothing(&site, 0, &["G003"]);
    Objection::of(&said, "G003").says("(18 bytes) would be removed: more than max_bytes = 17", "", "");
    site.set("UPSWEEP_MAX_BYTES", "18");
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
}

/// Share and limits were judged at hiding: freeing asks neither again, and a row that was forgotten gets its file.
#[test]
fn an_approved_plan_is_freed_later_without_a_question() {
    let mut site = with_past(Site::sqlite(), 30);
    orphans(&site, "old-", 60);
    let said = hides_nothing(&site, 0, &["G003"]);
    overrule(&site, 0, &said).expect(0).has("Hid 60 files");
    is_on_record(&site, "G003");
    site.set("UPSWEEP_MAX_FILES", "5");
    site.session("forgotten", "processed", Some("old-0.m4a"), 3);
    let said = site.upsweep_after_days(DUE, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 59 hidden files");
}

/// While a large plan waits for somebody to look at it, what is due is freed all the same: that is another question.
#[test]
fn a_large_plan_does_not_hold_up_what_is_due() {
    let site = crate::tale::with_hidden(Site::sqlite(), 30);
    orphans(&site, "more-", 60);
    let said = site.upsweep_after_days(DUE, &["run"]).expect(10);
    said.has("G003 refused");
    said.has("Freed 5 hidden files");
    assert_eq!(site.files().len(), 90);
}
