//! G001, and errors: the application renamed a column, and the claim rule did not follow.

use std::fs;

use crate::support::Site;
use crate::tale::{
    DUE, Objection, claim_the_first, ends_well, frees_nothing, hides_nothing, is_on_record, orphans, overrule,
    with_hidden, with_past,
};

/// A rule of the user's own, in a file.
fn rule(site: &Site, key: &str) {
    let toml = format!(
        "[[claims]]\nname = \"recordings\"\ntable = \"sessions\"\nkey = \"{key}\"\nowner = \"id\"\nstatus = \"status\"\nsince = \"created_at\"\n"
    );
    fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
}

fn with_rule(site: Site) -> Site {
    rule(&site, "{audio_filename}");
    site
}

/// From now on the column holds what people call a recording, and another one the file's name.
fn rename_for_titles(site: &Site) {
    site.database.exec(
        "ALTER TABLE sessions RENAME COLUMN audio_filename TO storage_key;
         ALTER TABLE sessions ADD COLUMN audio_filename TEXT;
         UPDATE sessions SET audio_filename = 'Conversation with ' || id;",
    );
}

#[test]
fn a_column_that_holds_something_else_now_hides_nothing() {
    let site = with_past(with_rule(Site::sqlite()), 40);
    rename_for_titles(&site);
    let said = hides_nothing(&site, 0, &["G001", "G003", "G005", "G010"]);
    let found = Objection::of(&said, "G001");
    found.says("0 of 40 files are explained", "the claims name 40 files that are not in", "the claim rules");
    let looked = found.run_next(&site, 0).expect(0);
    looked.has("Missing: 40 files that live rows claim are not there: Conversation with row");
    // Now it is plain to see; with the rule mended the same command finds everything well.
    rule(&site, "{storage_key}");
    found.run_next(&site, 0).expect(0).has("Nothing to remove");
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

#[test]
fn whoever_wants_it_so_may_overrule_it() {
    let site = with_past(with_rule(Site::sqlite()), 40);
    rename_for_titles(&site);
    let said = hides_nothing(&site, 0, &["G001", "G003", "G005", "G010"]);
    overrule(&site, 0, &said).expect(0).has("Hid 40 files");
    is_on_record(&site, "G001, G003, G005, G010");
    // Even then it is no loss: the rule is mended within the week, and everything comes back by itself.
    rule(&site, "{storage_key}");
    site.upsweep_after_days(6, &["run"]).expect(0).has("Brought back 40 files");
    assert_eq!(site.files().len(), 40);
}

/// The column is gone altogether: that is no question for a guard, but an error that names the rule and the column.
#[test]
fn a_column_that_is_gone_stops_everything() {
    let site = with_past(with_rule(Site::sqlite()), 40);
    orphans(&site, "old-", 3);
    site.database.exec("ALTER TABLE sessions RENAME COLUMN audio_filename TO storage_key");
    let files = site.files();
    let said = site.upsweep(&["run"]).expect(1);
    said.has("recordings");
    said.has("audio_filename");
    said.has("storage_key");
    assert_eq!((site.files(), site.hidden()), (files, 0));
    site.upsweep(&["history"]).expect(0).has("stopped: ");
    rule(&site, "{storage_key}");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

/// Files are stored under the row's identifier, and the column holds what the client called them.
#[test]
fn a_column_with_the_clients_names_is_recognised() {
    let site = with_rule(Site::sqlite());
    let row = |n| format!("('{n}f9c', 'processed', 'Voice Memo {n}.m4a', '2026-01-01 00:00:00')");
    let rows: Vec<String> = (0..40).map(row).collect();
    site.database.exec(&format!("INSERT INTO sessions VALUES {}", rows.join(", ")));
    for n in 0..40 {
        site.file(format!("{n}f9c.m4a"), 72.0);
    }
    orphans(&site, "old-", 30);
    let said = site.upsweep(&["run"]).expect(10);
    let found = Objection::of(&said, "G001");
    found.says("0 of 70 files", "files are stored under the row's identifier", "'{id}{ext(audio_filename)}'");
    assert!(site.hidden() == 0 && !site.has(".upsweep"), "a store that was refused is not bound either");
    rule(&site, "{id}{ext(audio_filename)}");
    found.run_next(&site, 0).expect(0).has("Would remove 30 of 70 files");
    site.upsweep(&["run"]).expect(0).has("Hid 30 files");
}

/// The harmless neighbour: the column and the rule are renamed together.
#[test]
fn a_rule_that_follows_its_column_passes() {
    let site = with_past(with_rule(Site::sqlite()), 40);
    orphans(&site, "old-", 3);
    rename_for_titles(&site);
    rule(&site, "{storage_key}");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn nothing_is_freed_while_the_column_holds_something_else() {
    let site = with_hidden(with_rule(Site::sqlite()), 40);
    claim_the_first(&site);
    rename_for_titles(&site);
    let said = frees_nothing(&site, DUE, &["G001", "G005", "G010"]);
    Objection::of(&said, "G001").says("0 of 45 files", "the column may hold other names", "the claim rules");
    rule(&site, "{storage_key}");
    ends_well(&site, DUE);
}

#[test]
fn nothing_is_freed_while_the_column_is_gone() {
    let site = with_hidden(with_rule(Site::sqlite()), 40);
    claim_the_first(&site);
    site.database.exec("ALTER TABLE sessions RENAME COLUMN audio_filename TO storage_key");
    for command in ["run", "purge"] {
        site.upsweep_after_days(DUE, &[command]).expect(1).has("audio_filename");
        assert_eq!(site.hidden(), 5);
    }
    rule(&site, "{storage_key}");
    ends_well(&site, DUE);
}
