//! G005 and G010: somebody deleted rows by mistake, half of the table or the whole.

use crate::support::Site;
use crate::tale::{
    DUE, Objection, frees_nothing, hides_nothing, insert, is_on_record, orphans, overrule, with_hidden, with_past,
};

fn delete(site: &Site, numbers: std::ops::Range<u32>) {
    let ids: Vec<String> = numbers.map(|n| format!("'row {n}'")).collect();
    site.database.exec(&format!("DELETE FROM sessions WHERE id IN ({})", ids.join(", ")));
}

#[test]
fn more_than_half_of_the_table_is_gone() {
    let Some(site) = Site::mariadb() else { return };
    let site = with_past(site, 60);
    delete(&site, 0..31);
    let said = hides_nothing(&site, 0, &["G003", "G005", "G010"]);
    Objection::of(&said, "G005").says("fell from 60 to 29", "rows were deleted in bulk", "plan --csv");
    let found = Objection::of(&said, "G010");
    found.says("31 of 60 files that a live row claimed", "rows were lost or deleted in bulk", "restore the rows");
    let listed = found.run_next(&site, 0).expect(0).out;
    assert_eq!(listed.lines().filter(|line| line.contains(",orphan,")).count(), 31, "{listed}");
    insert(&site, 0..31);
    site.upsweep(&["run"]).expect(0).has("Nothing was hidden");
}

/// Exactly half: live claims did not shrink by *more* than half, but their files are orphans.
#[test]
fn half_of_the_table_is_gone() {
    let Some(site) = Site::postgres() else { return };
    let site = with_past(site, 60);
    delete(&site, 0..30);
    let said = hides_nothing(&site, 0, &["G010"]);
    Objection::of(&said, "G010").says("30 of 60 files", "deleted in bulk", "plan --csv");
    // It was meant so: then the files may go, and a week later they may be freed without another question.
    overrule(&site, 0, &said).expect(0).has("Hid 30 files");
    is_on_record(&site, "G010");
    // A change that nobody waits for: the server's transactions have ended.
    site.upsweep_after_days(DUE, &["run"]).expect(0).has("Freed 30 hidden files");
}

/// Rows that vanish a few a night, each night below the floor, add up.
#[test]
fn a_few_rows_a_night_add_up() {
    let site = with_past(Site::sqlite(), 60);
    for night in 0..3 {
        let first = u32::try_from(night * 9).unwrap();
        delete(&site, first..first + 9);
        if night < 2 {
            site.upsweep_after_days(night, &["run"]).expect(0).has("Hid 9 files");
        }
    }
    let said = hides_nothing(&site, 2, &["G010"]);
    Objection::of(&said, "G010").says("9 of 42 files", "rows were lost", "restore the rows");
}

/// The harmless neighbours: what stays below the floor, and what stays below five in a hundred.
#[test]
fn a_third_of_a_small_table_and_a_twentieth_of_a_large_one_pass() {
    let site = with_past(Site::sqlite(), 60);
    delete(&site, 0..20);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
    let site = with_past(Site::sqlite(), 500);
    delete(&site, 0..25);
    site.upsweep(&["run"]).expect(0).has("Hid 25 files");
    site.upsweep_after_days(DUE, &["run"]).expect(0).has("Freed 25 hidden files");
}

/// What was hidden below the floor waits at the purge, for an approval or for its rows. Orphans that nobody ever
/// claimed do not wait with it.
#[test]
fn what_was_claimed_before_is_not_freed_without_a_question() {
    let site = with_past(Site::sqlite(), 60);
    orphans(&site, "old-", 5);
    delete(&site, 0..15);
    site.upsweep(&["run"]).expect(0).has("Hid 20 files");
    let said = site.upsweep_after_days(DUE, &["run"]).expect(10);
    said.has("Freed 5 hidden files");
    said.has("Refused to free 15 hidden files; they stay hidden.");
    let found = Objection::of(&said, "G010");
    found.says("15 of 60 files that a live row claimed shortly before they were hidden", "rows were lost", "restore");
    frees_nothing(&site, DUE, &["G010"]);
    // A part of the rows is restored: their files come back by themselves, and the others still wait.
    insert(&site, 0..10);
    let said = site.upsweep_after_days(DUE, &["run"]).expect(10);
    said.has("Brought back 10 files");
    said.has("5 of 60 files");
    assert_eq!((site.files().len(), site.hidden()), (55, 5));
    overrule(&site, DUE, &said).expect(0).has("Freed 5 hidden files");
    site.upsweep_after_days(DUE, &["history"]).expect(0).has("(G010 overruled: it was meant so)");
}

/// Rows vanish while other files are hidden: those wait as long as the database is in doubt.
#[test]
fn nothing_is_freed_while_half_of_the_table_is_missing() {
    let site = with_hidden(Site::sqlite(), 60);
    delete(&site, 0..40);
    let said = frees_nothing(&site, DUE, &["G005", "G010"]);
    said.has("Refused to free 5 hidden files");
    Objection::of(&said, "G005").says("fell from 60 to 20", "deleted in bulk", "plan --csv");
    insert(&site, 0..40);
    crate::tale::claim_the_first(&site);
    crate::tale::ends_well(&site, DUE);
}
