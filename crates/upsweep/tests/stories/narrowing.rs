//! What narrows a plan: selections, exclusions, ages, and rows that expire.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Site, as_nobody};
use crate::tale::{DUE, with_past};

/// Orphans and failed sessions of many ages and sizes.
fn varied() -> Site {
    let site = with_past(Site::sqlite(), 40);
    for (name, hours) in
        [("a-new.m4a", 30.0), ("a-old.m4a", 900.0), ("b-old.m4a", 800.0), ("b-old_processed.mp3", 40.0)]
    {
        site.file(name, hours);
    }
    fs::write(site.uploads.join("a-large.m4a"), vec![0; 50_000]).unwrap();
    let file = fs::File::options().write(true).open(site.uploads.join("a-large.m4a")).unwrap();
    let modified = std::time::SystemTime::now() - std::time::Duration::from_secs(50 * 3_600);
    file.set_times(fs::FileTimes::new().set_modified(modified)).unwrap();
    for (name, days) in [("f-10.m4a", 10), ("f-40.m4a", 40)] {
        site.session(name, "failed", Some(name), days);
        site.file(name, 60.0);
    }
    site
}

fn planned(site: &Site, args: &[&str]) -> Vec<String> {
    let plan = site.upsweep(&[&["plan", "--json"], args].concat()).expect(0).json();
    let removals = plan["removals"].as_array().unwrap();
    let outside = plan["kept"]["outside_selection"].as_u64().unwrap();
    assert_eq!(removals.len() as u64 + outside, 7, "what is left out is counted: {plan}");
    removals.iter().map(|removal| removal["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_limit_of_a_plan_selects_what_it_says() {
    let site = varied();
    let all = ["a-large.m4a", "a-new.m4a", "a-old.m4a", "b-old.m4a", "b-old_processed.mp3", "f-10.m4a", "f-40.m4a"];
    let cases: [(&[&str], &[&str]); 16] = [
        (&[], &all),
        (&["--only", "orphans"], &all[..5]),
        (&["--only", "failed"], &all[5..]),
        (&["--only", "orphans,failed"], &all),
        (&["--only", "expired"], &[]),
        (&["--prefix", "a-"], &all[..3]),
        (&["--prefix", "a-n", "--prefix", "f-1"], &["a-new.m4a", "f-10.m4a"]),
        // The variant is young, and keeps its original from being selected.
        (&["--modified-before", "20d"], &["a-old.m4a"]),
        (&["--modified-after", "55h"], &["a-large.m4a", "a-new.m4a"]),
        (&["--created-before", "20d"], &["f-40.m4a"]),
        (&["--created-after", "20d"], &["f-10.m4a"]),
        (&["--min-size", "40kB"], &["a-large.m4a"]),
        // Those that may go the longest come first; a group that does not fit is passed over whole.
        (&["--limit", "1"], &["f-40.m4a"]),
        (&["--limit", "2"], &["a-old.m4a", "f-40.m4a"]),
        (&["--limit", "3"], &["a-old.m4a", "f-10.m4a", "f-40.m4a"]),
        (&["--limit", "4"], &["a-old.m4a", "b-old.m4a", "b-old_processed.mp3", "f-40.m4a"]),
    ];
    for (args, expected) in cases {
        assert_eq!(planned(&site, args), expected, "{args:?}");
    }
}

#[test]
fn a_run_hides_what_was_selected_and_the_next_one_the_rest() {
    let site = varied();
    site.upsweep(&["run", "--only", "failed", "--created-before", "20d"]).expect(0).has("Hid 1 file");
    assert!(!site.has("f-40.m4a") && site.has("f-10.m4a"));
    site.upsweep(&["run", "--prefix", "b-", "--limit", "1"]).expect(0).has("Nothing was hidden");
    site.upsweep(&["run", "--prefix", "b-"]).expect(0).has("Hid 2 files");
    site.upsweep(&["run"]).expect(0).has("Hid 4 files");
    site.upsweep(&["plan", "--limit", "x"]).expect(64);
    site.upsweep(&["plan", "--modified-before", "yesterday"]).expect(64).has("--modified-before yesterday");
}

/// A selection is no way past a guard that doubts the mapping itself.
#[test]
fn a_selection_does_not_calm_a_doubt() {
    let mut site = with_past(Site::sqlite(), 40);
    site.database.exec("DELETE FROM sessions");
    site.set("UPSWEEP_GUARD_FLOOR", "0");
    let said = site.upsweep(&["run", "--limit", "1"]).expect(10);
    said.has("G001 refused");
    said.has("G005 refused");
    assert_eq!(site.hidden(), 0);
}

#[test]
fn what_is_excluded_stays_with_all_that_belongs_to_it() {
    let mut site = with_past(Site::sqlite(), 10);
    for name in ["notes.LOG", "backup-1.m4a", "keep.m4a", "keep_processed.mp3", "orphan.m4a"] {
        site.file(name, 72.0);
    }
    site.set("UPSWEEP_EXCLUDE", "*.log, BACKUP-*,keep.m4a");
    site.upsweep(&["plan"]).expect(0).has("Excluded by the configuration: 3 files.");
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    assert!(!site.has("orphan.m4a") && site.has("keep_processed.mp3"));
    // A plan rests on its exclusions.
    site.file("late.m4a", 72.0);
    let plan = site.dir.path().join("plan.json");
    site.upsweep(&["plan", "--out", plan.to_str().unwrap()]).expect(0);
    site.set("UPSWEEP_EXCLUDE", "late.m4a");
    site.upsweep(&["apply", plan.to_str().unwrap()]).expect(1).has("exclude");
    assert!(site.has("late.m4a"));
}

/// A folder that may not be read is a gap, unless somebody said that it is none of our business.
#[test]
fn an_unreadable_folder_that_is_excluded_is_no_gap() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    for n in 0..3 {
        site.live(&format!("2026/live-{n}.m4a"));
    }
    site.file("2026/orphan.m4a", 72.0);
    site.file("other/private/x.m4a", 72.0);
    let private = site.uploads.join("other/private");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything, so another user runs the program.
    if rustix::process::geteuid().is_root() {
        as_nobody(&site, &["run"]).expect(10).has("G008 refused");
    }
    for exclusion in ["private", "other/private", "other"] {
        site.set("UPSWEEP_EXCLUDE", exclusion);
        as_nobody(&site, &["plan"]).expect(0).has("Would remove 1 of 4 files");
    }
    as_nobody(&site, &["run"]).expect(0).has("Hid 1 file");
    // Another folder is a gap as before.
    site.set("UPSWEEP_EXCLUDE", "other/priv");
    as_nobody(&site, &["plan"]).expect(3).has("The survey did not complete");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Files that were copied here keep the time of their source. Their age may count from the copying.
#[test]
fn changed_counts_from_the_arrival() {
    let mut site = with_past(Site::sqlite(), 10);
    site.file("copied.m4a", 9_000.0);
    site.set("UPSWEEP_AGE_FROM", "changed");
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
    site.upsweep_after_days(2, &["run"]).expect(0).has("Hid 1 file");
    let site = with_past(Site::sqlite(), 10);
    site.file("copied.m4a", 9_000.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
}

#[test]
fn first_seen_counts_from_the_first_run_that_saw_the_file() {
    let mut site = with_past(Site::sqlite(), 10);
    site.set("UPSWEEP_AGE_FROM", "first-seen");
    site.file("a.m4a", 9_000.0);
    site.file("b.m4a", 9_000.0);
    site.upsweep(&["plan"]).expect(0).has("2 too young");
    site.upsweep_after_days(2, &["run"]).expect(0).has("Nothing was hidden");
    // Replaced meanwhile, it is another file.
    fs::remove_file(site.uploads.join("b.m4a")).unwrap();
    site.file("b.m4a", 8_000.0);
    site.upsweep_after_days(4, &["run"]).expect(0).has("Hid 1 file");
    assert!(!site.has("a.m4a") && site.has("b.m4a"));
    site.upsweep_after_days(6, &["run"]).expect(0).has("Hid 1 file");
}

/// Shares that end on a day, beside sessions.
#[test]
fn a_row_that_expires_gives_its_file_up_and_takes_it_back() {
    let site = with_past(Site::sqlite(), 10);
    let toml = "[[claims]]\nname = \"sessions\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\nowner = \"id\"\n\n\
         [[claims]]\nname = \"shares\"\ntable = \"shares\"\nkey = \"{file}\"\nowner = \"id\"\nexpires = \"expires_at\"\n";
    fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
    site.database.exec("CREATE TABLE shares (id TEXT, file TEXT, expires_at TEXT)");
    let share = |file: &str, expires: &str| {
        site.database.exec(&format!("INSERT INTO shares VALUES ('of {file}', '{file}', {expires})"));
        if !site.has(file) {
            site.file(file, 720.0);
        }
    };
    share("over.m4a", "datetime('now', '-1 hours')");
    share("soon.m4a", "datetime('now', '+24 hours')");
    share("never.m4a", "NULL");
    share("odd.m4a", "'next summer'");
    share("twice.m4a", "datetime('now', '-9 days')");
    share("twice.m4a", "datetime('now', '+9 days')");
    // What a session needs outlives any share.
    share("s-0.m4a", "datetime('now', '-9 days')");
    let said = site.upsweep(&["plan"]).expect(0);
    said.has("Would remove 1 of 15 files");
    said.has("1 file of expired rows");
    said.has("Kept for want of a time: 2 claims");
    site.upsweep(&["run", "--only", "expired"]).expect(0).has("Hid 1 file");
    assert!(!site.has("over.m4a"));
    site.upsweep_after_days(2, &["run"]).expect(0).has("Hid 1 file");
    assert!(!site.has("soon.m4a"));
    // Prolonged while its file is hidden, it takes it back; the other one is freed in its time.
    site.database.exec("UPDATE shares SET expires_at = datetime('now', '+90 days') WHERE file = 'over.m4a'");
    let said = site.upsweep_after_days(DUE, &["run"]).expect(0);
    said.has("Brought back 1 file");
    assert!(site.has("over.m4a") && site.hidden() == 1);
    site.upsweep_after_days(DUE + 2, &["purge"]).expect(0).has("Freed 1 hidden file");
    for file in ["never.m4a", "odd.m4a", "twice.m4a", "s-0.m4a"] {
        assert!(site.has(file), "{file}");
    }
}
