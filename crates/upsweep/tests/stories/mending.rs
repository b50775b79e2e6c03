//! Files that look like missing ones: what a plan prints mends them, pasted as it is.

use std::process::Command;

use serde_json::Value;

use crate::support::{Database, Site};
use crate::tale::{DUE, with_past};

/// Names that are awkward in a shell or in SQL: what is missing, and what is there instead.
const PAIRS: [(&str, &str); 4] = [
    ("first talk.m4a", "first_talk.m4a"),
    ("it's here.m4a", "it's-here.m4a"),
    ("-second.m4a", "second.wav"),
    ("$HOME `x`.m4a", "$home x.m4a"),
];

/// A site whose rows name files that are there under slightly other names.
fn with_likenesses(site: Site) -> Site {
    let site = with_past(site, 10);
    for (nth, (missing, file)) in PAIRS.iter().enumerate() {
        // As SQL writes a quote within quotes.
        site.session(&format!("of ''{nth}''"), "processed", Some(missing), 30);
        site.file(file, 720.0);
    }
    site
}

fn relinks(site: &Site) -> Vec<Value> {
    let plan = site.upsweep(&["plan", "--json"]).expect(0).json();
    assert_eq!(plan["removals"], serde_json::json!([]), "what looks like a missing file stays");
    plan["relinks"].as_array().unwrap().clone()
}

/// Afterwards nothing is missing, and nothing looks like anything.
fn is_clean(site: &Site) {
    let plan = site.upsweep(&["plan", "--json"]).expect(0).json();
    assert_eq!((&plan["relinks"], &plan["removals"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!((&plan["survey"]["claims"]["missing"], &plan["kept"]["claimed"]), (&0.into(), &14.into()));
}

#[test]
fn the_printed_statement_mends_the_rows() {
    let sites = [Some(Site::sqlite()), Site::postgres(), Site::mariadb()];
    for site in sites.into_iter().flatten() {
        let site = with_likenesses(site);
        let found = relinks(&site);
        assert_eq!(found.len(), PAIRS.len(), "{found:?}");
        site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
        for mend in &found {
            site.database.exec(mend["sql"].as_str().unwrap());
        }
        is_clean(&site);
    }
}

/// The database's own shell takes it as well.
#[test]
fn the_printed_statement_can_be_pasted_into_sqlite3() {
    let site = with_likenesses(Site::sqlite());
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    for mend in relinks(&site) {
        match Command::new("sqlite3").arg(path).arg(mend["sql"].as_str().unwrap()).status() {
            Ok(status) => assert!(status.success(), "{mend}"),
            Err(_) => site.database.exec(mend["sql"].as_str().unwrap()).clear(),
        }
    }
    is_clean(&site);
}

#[test]
fn the_printed_command_renames_the_files() {
    let site = with_likenesses(Site::sqlite());
    let text = site.upsweep(&["plan"]).expect(0);
    text.has("Perhaps no orphans, so kept: 4 files like a missing one.");
    for mend in relinks(&site) {
        let rename = mend["rename"].as_str().unwrap();
        let status = Command::new("sh").args(["-c", rename]).current_dir(&site.uploads).status().unwrap();
        assert!(status.success(), "{mend}");
    }
    is_clean(&site);
    assert!(PAIRS.iter().all(|(missing, file)| site.has(missing) && !site.has(file)));
}

/// A file that lies in another folder than its row says.
#[test]
fn a_file_in_another_folder_is_moved_there() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_RECURSIVE", "true");
    let site = with_past(site, 10);
    site.session("moved", "processed", Some("2026/11/talk.m4a"), 30);
    site.file("inbox/talk.m4a", 720.0);
    let found = relinks(&site);
    assert_eq!(found.len(), 1);
    let rename = found[0]["rename"].as_str().unwrap();
    let status = Command::new("sh").args(["-c", rename]).current_dir(&site.uploads).status().unwrap();
    assert!(status.success(), "{rename}");
    assert!(site.has("2026/11/talk.m4a") && relinks(&site).is_empty());
}

/// The row whose file is missing appears when the file is hidden already: it stays hidden until a human decides.
#[test]
fn a_hidden_file_that_looks_like_a_missing_one_is_not_freed() {
    let site = with_past(Site::sqlite(), 10);
    site.file("first_talk.m4a", 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    site.session("late", "processed", Some("first-talk.wav"), 0);
    for command in ["run", "purge"] {
        let said = site.upsweep_after_days(DUE, &[command]).expect(0);
        said.has("Kept in quarantine: 1 hidden file");
    }
    site.database.exec("DELETE FROM sessions WHERE id = 'late'");
    site.upsweep_after_days(DUE, &["purge"]).expect(0).has("Freed 1 hidden file");
}
