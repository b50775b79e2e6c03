//! G006: a whole folder would vanish, with `recursive = true`.

use std::fs;

use crate::support::Site;
use crate::tale::{DUE, Objection, hides_nothing, is_on_record, orphans, overrule, with_past};

/// A hundred sessions, and a folder with so many files of an application that nobody told Upsweep about.
fn with_folder(files: u32) -> Site {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    let site = with_past(site, 100);
    orphans(&site, "voicemail/2026/", files);
    site
}

#[test]
fn a_folder_of_something_else_is_not_swept_away() {
    let site = with_folder(30);
    let said = hides_nothing(&site, 0, &["G006"]);
    let found = Objection::of(&said, "G006");
    found.says(
        "every one of the 30 files in voicemail/ would go",
        "a folder that belongs to something else",
        "exclude = [\"voicemail\"]",
    );
    let review = &found.next[found.next.find("otherwise").unwrap()..];
    let listed = Objection { next: review.to_owned(), ..Objection::of(&said, "G006") }.run_next(&site, 0).expect(0);
    assert_eq!(listed.out.lines().filter(|line| line.starts_with("voicemail/2026/")).count(), 30);
    // The line that is to be written into the file, as it is printed.
    let line = found.next.split_once("upsweep.toml: ").unwrap().1.split(';').next().unwrap();
    fs::write(site.dir.path().join("upsweep.toml"), line).unwrap();
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    assert!(site.has("voicemail/2026/0.m4a"));
}

/// The harmless neighbours: one file of it is needed, or it holds no more than the floor.
#[test]
fn a_folder_that_keeps_a_file_and_a_small_one_pass() {
    let site = with_folder(30);
    site.session("v", "processed", Some("voicemail/2026/7.m4a"), 3);
    site.upsweep(&["run"]).expect(0).has("Hid 29 files");
    assert!(site.has("voicemail/2026/7.m4a"));
    let site = with_folder(20);
    orphans(&site, "loose-", 15);
    site.upsweep(&["run"]).expect(0).has("Hid 35 files");
}

/// A young file keeps its folder as well: somebody still works there.
#[test]
fn a_folder_in_use_passes() {
    let site = with_folder(30);
    site.file("voicemail/2026/new.m4a", 1.0);
    site.upsweep(&["run"]).expect(0).has("Hid 30 files");
}

/// Whether a folder may vanish is asked when it is hidden. What was approved then is freed, and what turned out to
/// be claimed comes back before.
#[test]
fn an_approved_folder_goes_and_its_claimed_files_come_back() {
    let site = with_folder(30);
    let said = hides_nothing(&site, 0, &["G006"]);
    overrule(&site, 0, &said).expect(0).has("Hid 30 files");
    is_on_record(&site, "G006");
    site.session("v", "processed", Some("voicemail/2026/7.m4a"), 3);
    let said = site.upsweep_after_days(DUE, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 29 hidden files");
    assert!(site.has("voicemail/2026/7.m4a") && site.hidden() == 0);
}

/// The way of a folder in small bites does not lead past the guard: what is left of it is a whole folder still.
#[test]
fn a_folder_is_noticed_however_it_is_nibbled_at() {
    let site = with_folder(60);
    site.upsweep(&["run", "--limit", "20"]).expect(0).has("Hid 20 files");
    hides_nothing(&site, 0, &["G006"]);
}

/// Somebody learns late that the folder is none of Upsweep's business, and writes the line that was named: what is
/// hidden of it is not freed any more, and comes back when it is asked for.
#[test]
fn what_is_excluded_after_it_was_hidden_is_not_freed() {
    let site = with_folder(60);
    site.upsweep(&["run", "--limit", "20"]).expect(0).has("Hid 20 files");
    fs::write(site.dir.path().join("upsweep.toml"), "exclude = [\"voicemail\"]").unwrap();
    for command in ["run", "purge"] {
        let said = site.upsweep_after_days(DUE, &[command]).expect(0);
        said.has("Kept in quarantine: 20 hidden files, held, like a missing one, or kept by the rules");
        assert_eq!(site.hidden(), 20, "{said:?}");
    }
    site.upsweep_after_days(DUE, &["restore", "--all"]).expect(0).has("Brought back 20 files");
    assert_eq!(site.files().len(), 160);
}
