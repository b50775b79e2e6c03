//! G001 and G005: the database was restored from a dump that is empty, or old.

use crate::support::{Database, Site};
use crate::tale::{
    DUE, Objection, claim_the_first, ends_well, frees_nothing, hides_nothing, insert, is_on_record, orphans, overrule,
    with_hidden, with_past, with_sessions,
};

/// Restores a dump from before the first session.
fn restore_empty_dump(site: &Site) {
    site.database.exec("DELETE FROM sessions");
}

#[test]
fn an_empty_dump_hides_nothing() {
    let site = with_past(Site::sqlite(), 40);
    restore_empty_dump(&site);
    let said = hides_nothing(&site, 0, &["G001", "G003", "G005", "G010"]);
    let found = Objection::of(&said, "G001");
    found.says("0 of 40 files are explained", "the database holds hardly any claim", "check DATABASE_URL");
    Objection::of(&said, "G005").says(
        "live claims on files fell from 40 to 0",
        "restored from an old or partial copy",
        "look at the database",
    );
    // What they name shows the trouble, without refusing anything itself.
    found.run_next(&site, 0).expect(0).has("G001 would refuse");
    let listed = Objection::of(&said, "G005").run_next(&site, 0).expect(0).out;
    assert_eq!(listed.lines().filter(|line| line.contains(",orphan,")).count(), 40);
    // Once the right dump is there, the same command finds everything well.
    insert(&site, 0..40);
    found.run_next(&site, 0).expect(0).has("Nothing to remove");
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

#[test]
fn an_empty_dump_on_every_server() {
    for site in [Site::postgres(), Site::mariadb()].into_iter().flatten() {
        let site = with_past(site, 30);
        restore_empty_dump(&site);
        hides_nothing(&site, 0, &["G001", "G003", "G005", "G010"]);
        insert(&site, 0..30);
        site.upsweep(&["run"]).expect(0);
    }
}

/// Refused nights move no baseline, however many they are.
#[test]
fn an_empty_dump_is_refused_every_night() {
    let site = with_past(Site::sqlite(), 40);
    restore_empty_dump(&site);
    for night in 1..4 {
        hides_nothing(&site, night, &["G001", "G003", "G005", "G010"]);
    }
    // Not even with a few rows back, which explain more than five in a hundred files.
    insert(&site, 0..4);
    let said = hides_nothing(&site, 5, &["G003", "G005", "G010"]);
    Objection::of(&said, "G005").says("fell from 40 to 4", "old or partial copy", "plan --csv");
}

#[test]
fn whoever_is_sure_may_overrule_all_of_them() {
    let site = with_past(Site::sqlite(), 40);
    restore_empty_dump(&site);
    let said = hides_nothing(&site, 0, &["G001", "G003", "G005", "G010"]);
    site.upsweep(&["run", "--allow", "G001,G003,G010", "--reason", "x"]).expect(10).has("G005 refused");
    assert_eq!(site.hidden(), 0, "one of them is not enough");
    overrule(&site, 0, &said).expect(0).has("Hid 40 files");
    is_on_record(&site, "G001, G003, G005, G010");
    // The approved survey is the one to compare with from now on, and those very files may go.
    site.upsweep_after_days(DUE, &["run"]).expect(0).has("Freed 40 hidden files");
}

/// Below the floor files are hidden even so: that can be undone, and is, by itself.
#[test]
fn what_a_small_site_loses_comes_back_with_its_rows() {
    let site = with_past(Site::sqlite(), 15);
    restore_empty_dump(&site);
    site.upsweep(&["run"]).expect(0).has("Hid 15 files");
    frees_nothing(&site, DUE, &["G001", "G005", "G010"]);
    insert(&site, 0..15);
    site.upsweep_after_days(DUE, &["purge"]).expect(0).has("Brought back 15 files");
    assert_eq!((site.files().len(), site.hidden()), (15, 0));
    site.upsweep_after_days(DUE, &["run"]).expect(0).has("Nothing was hidden");
}

#[test]
fn an_old_dump_hides_nothing() {
    let site = with_past(Site::sqlite(), 100);
    site.database.exec("DELETE FROM sessions");
    insert(&site, 0..45);
    let said = hides_nothing(&site, 0, &["G003", "G005", "G010"]);
    Objection::of(&said, "G005").says("fell from 100 to 45", "restored from an old or partial copy", "plan --csv");
    Objection::of(&said, "G010").says("55 of 100 files that a live row claimed", "rows were lost", "come back");
    insert(&site, 45..100);
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

/// The application did not notice: it went on with the old dump, and sessions that are new make up for the old.
#[test]
fn new_sessions_do_not_make_up_for_lost_ones() {
    let site = with_past(Site::sqlite(), 60);
    site.database.exec("DELETE FROM sessions");
    insert(&site, 0..20);
    for n in 0..60 {
        site.live(&format!("new-{n}.m4a"));
    }
    let said = hides_nothing(&site, 1, &["G010"]);
    Objection::of(&said, "G010").says("40 of 60 files", "rows were lost", "restore the rows");
}

/// Rows name files that are not there: a part of the disk is missing, or names changed.
#[test]
fn files_that_went_missing_make_the_database_no_better() {
    let site = with_past(Site::sqlite(), 60);
    for n in 0..30 {
        std::fs::remove_file(site.uploads.join(format!("s-{n}.m4a"))).unwrap();
    }
    orphans(&site, "x-", 25);
    let said = hides_nothing(&site, 0, &["G005"]);
    let found = Objection::of(&said, "G005");
    found.says("missing files rose from 0 to 30", "part of the store is not mounted", "see which files are missing");
    let plan = found.run_next(&site, 0).expect(0).json();
    assert_eq!(plan["survey"]["claims"]["missing"], 30);
    overrule(&site, 0, &said).expect(0).has("Hid 25 files");
    is_on_record(&site, "G005");
}

/// The harmless neighbours: a few orphans beside an empty table that never held a row, and a tenth that is gone.
#[test]
fn a_small_site_and_a_small_loss_pass() {
    let site = with_sessions(Site::sqlite(), 1);
    orphans(&site, "old-", 20);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
    let site = with_past(Site::sqlite(), 40);
    for n in 0..20 {
        std::fs::remove_file(site.uploads.join(format!("s-{n}.m4a"))).unwrap();
    }
    orphans(&site, "old-", 20);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
}

#[test]
fn nothing_is_freed_on_an_empty_dump() {
    let site = with_hidden(Site::sqlite(), 40);
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    let backup = site.dir.path().join("backup.db");
    std::fs::copy(path, &backup).unwrap();
    restore_empty_dump(&site);
    let said = frees_nothing(&site, DUE, &["G001", "G005", "G010"]);
    said.has("Refused to free 5 hidden files; they stay hidden.");
    Objection::of(&said, "G001").says("0 of 45 files", "hardly any claim", "check DATABASE_URL");
    std::fs::copy(&backup, path).unwrap();
    claim_the_first(&site);
    ends_well(&site, DUE);
}
