//! G007: a clock that jumped, and clocks that disagree.

use crate::support::{Database, Said, Site, said};
use crate::tale::{
    DUE, Objection, claim_the_first, ends_well, frees_nothing, hides_nothing, is_on_record, orphans, overrule,
    with_hidden, with_past,
};

/// A MariaDB site that is read by a role whose sessions' clock can be set.
fn with_clock() -> Option<Site> {
    let mut site = Site::mariadb()?;
    site.database.exec("CREATE USER reader@'%'; GRANT SELECT ON app.* TO reader@'%'");
    let Database::MariaDb(server) = &site.database else { unreachable!() };
    let url = server.url("reader", "app");
    site.set("DATABASE_URL", &url);
    Some(site)
}

/// From now on the database's clock is wrong by so many seconds.
fn set_database_clock(site: &Site, secs: i64) {
    site.database.exec(&format!("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() + ({secs})'"));
}

fn after_secs(site: &Site, secs: i64, command: &str) -> Said {
    let mut command = site.command(&[command]);
    command.env("UPSWEEP_TEST_CLOCK_OFFSET", secs.to_string());
    said(command)
}

#[test]
fn a_database_clock_that_is_off_hides_nothing() {
    let Some(site) = with_clock() else { return };
    let site = with_past(site, 10);
    orphans(&site, "old-", 3);
    for (secs, saw) in [(3_600, "60 min ahead of this machine's"), (-86_400, "24 h behind this machine's")] {
        set_database_clock(&site, secs);
        let said = hides_nothing(&site, 0, &["G007"]);
        let found = Objection::of(&said, "G007");
        // A moment passes between the clock's reading and ours.
        let near = saw.replace("60 min", "min");
        assert!(found.saw.contains(&near) || found.saw.contains(saw.split_once(' ').unwrap().1), "{found:?}");
        found.says("the clock of ", "a clock that is wrong now", "set the clocks right (timedatectl");
        assert!(found.saw.contains("app"), "it says whose: {found:?}");
        site.upsweep(&["plan"]).expect(0).has("G007 would refuse");
    }
    // What it says to do helps: the clock is set right.
    site.database.exec("SET GLOBAL init_connect = ''");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn a_clock_that_is_off_by_a_minute_passes() {
    let Some(site) = with_clock() else { return };
    let site = with_past(site, 10);
    for (n, secs) in [60, -60, 280].into_iter().enumerate() {
        set_database_clock(&site, secs);
        site.file(format!("old-{n}.m4a"), 72.0);
        site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    }
}

#[test]
fn whoever_knows_better_may_overrule_a_clock() {
    let Some(site) = with_clock() else { return };
    let site = with_past(site, 10);
    orphans(&site, "old-", 3);
    set_database_clock(&site, 3_600);
    let said = hides_nothing(&site, 0, &["G007"]);
    overrule(&site, 0, &said).expect(0).has("Hid 3 files");
    is_on_record(&site, "G007");
    // That was today's judgement of a clock. Whether it may be trusted in a week is another question.
    let said = frees_nothing(&site, DUE, &["G007"]);
    overrule(&site, DUE, &said).expect(0).has("Freed 3 hidden files");
}

#[test]
fn nothing_is_freed_by_a_clock_that_is_off() {
    let Some(site) = with_clock() else { return };
    let site = with_hidden(site, 10);
    set_database_clock(&site, -1_200);
    claim_the_first(&site);
    // What is claimed comes back all the same: that needs no clock.
    let said = site.upsweep_after_days(DUE, &["purge"]).expect(10);
    said.has("Brought back 1 file");
    said.has("Refused to free 4 hidden files");
    assert!(site.has("old-0.m4a"));
    let said = frees_nothing(&site, DUE, &["G007"]);
    Objection::of(&said, "G007").says("behind this machine's", "a clock that is wrong", "set the clocks right");
    site.database.exec("SET GLOBAL init_connect = ''");
    site.upsweep_after_days(DUE, &["run"]).expect(0).has("Freed 4 hidden files");
}

/// This machine's clock went back behind what the ledger has on record, as after an empty battery.
#[test]
fn a_clock_that_fell_behind_the_ledger_hides_nothing() {
    let site = with_past(Site::sqlite(), 10);
    site.upsweep_after_days(30, &["run"]).expect(0);
    orphans(&site, "old-", 3);
    let said = hides_nothing(&site, 20, &["G007"]);
    let found = Objection::of(&said, "G007");
    found.says("this machine's clock says", "was wrong when Upsweep last ran", "then run again");
    assert!(found.saw.contains("but the ledger was written at"), "{found:?}");
    // The clock is set right.
    site.upsweep_after_days(30, &["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn a_clock_that_was_ahead_once_is_forgiven_once() {
    let site = with_past(Site::sqlite(), 10);
    // A night with a clock that is ten years ahead, in which nothing happened to be old enough to go.
    site.upsweep_after_days(3_650, &["run"]).expect(0);
    orphans(&site, "old-", 3);
    hides_nothing(&site, 1, &["G007"]);
    hides_nothing(&site, 2, &["G007"]);
    let knowing = ["run", "--allow", "G007", "--reason", "the clock was wrong that night, and is right now"];
    site.upsweep_after_days(3, &knowing).expect(0).has("Hid 3 files");
    orphans(&site, "later-", 2);
    site.upsweep_after_days(4, &["run"]).expect(0).has("Hid 2 files");
    hides_nothing(&site, 2, &["G007"]);
}

#[test]
fn a_clock_that_was_set_back_by_minutes_passes() {
    let site = with_past(Site::sqlite(), 10);
    after_secs(&site, 600, "run").expect(0);
    orphans(&site, "old-", 3);
    after_secs(&site, 200, "run").expect(10).has("G007 refused");
    after_secs(&site, 360, "run").expect(0).has("Hid 3 files");
}

#[test]
fn nothing_is_freed_by_a_clock_that_fell_behind_the_ledger() {
    let site = with_hidden(Site::sqlite(), 10);
    // A night without the database, which the ledger remembers.
    let right = site.env["DATABASE_URL"].clone();
    let mut site = site;
    site.set("DATABASE_URL", "sqlite:////nonexistent/app.db");
    site.upsweep_after_days(30, &["run"]).expect(1);
    site.set("DATABASE_URL", &right);
    let said = frees_nothing(&site, 20, &["G007"]);
    said.has("Refused to free 5 hidden files");
    Objection::of(&said, "G007").says("the ledger was written at", "ages cannot be trusted", "set the clocks right");
    claim_the_first(&site);
    ends_well(&site, 30);
}
