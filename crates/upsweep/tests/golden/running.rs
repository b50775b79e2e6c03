//! `upsweep run`, `apply`, `purge`, `restore` and `recover`.

use std::fs;

use crate::support::{Database, Site};
use crate::tale::Tale;

fn orphans(names: &[&str]) -> Site {
    let site = Site::sqlite().acting("quarantine");
    for name in names {
        site.file(name, 72.25);
    }
    site
}

#[test]
fn hidden_and_freed() {
    Tale::new("run/hidden-and-freed", orphans(&["a.m4a", "b.m4a"]))
        .upsweep(&["run", "--dry-run"])
        .upsweep(&["run"])
        .upsweep(&["purge"])
        .json("run/idle", &["run", "--json"], 0)
        .after_days(6)
        .upsweep(&["status"])
        .upsweep(&["purge"])
        .after_days(2)
        .upsweep(&["status"])
        .upsweep(&["purge"])
        .upsweep(&["run"])
        .upsweep(&["restore", "--all"])
        .upsweep(&["status"])
        .upsweep(&["history"])
        .json("history/freed", &["history", "--json"], 0)
        .end();
}

#[test]
fn as_json() {
    let site = orphans(&["a.m4a"]);
    Tale::new("run/as-json", site)
        .json("run/first", &["run", "--json"], 0)
        .json("restore/all", &["restore", "--all", "--json"], 0)
        .json("recover/nothing", &["recover", "--json"], 0)
        .upsweep(&["hold", "release", "1", "--reason", "it may go"])
        .json("run/hid", &["run", "--json"], 0)
        .after_days(8)
        .json("purge/freed", &["purge", "--json"], 0)
        .json("status/after", &["status", "--json", "--hidden"], 0)
        .end();
}

#[test]
fn brought_back_because_a_row_claims_it_again() {
    Tale::new("run/brought-back", orphans(&["a.m4a", "b.m4a"]))
        .upsweep(&["run"])
        .meanwhile("a row claims a.m4a again", |site| site.session("s-back", "processed", Some("a.m4a"), 0))
        .upsweep(&["status"])
        .upsweep(&["plan"])
        .upsweep(&["run"])
        .end();
}

#[test]
fn brought_back_by_hand() {
    let mut tale = Tale::new("restore/by-hand", orphans(&["a.m4a", "b.m4a", "c.m4a"]));
    tale.upsweep(&["run", "--prefix", "a"]);
    let run = tale.said(&["run"]);
    let id = run.out.split("restore --run ").nth(1).expect("it says how to undo it").trim().to_owned();
    tale.upsweep(&["restore", "--run", &id])
        .upsweep(&["restore", "a.m4a", "d.m4a"])
        .upsweep(&["restore", "--run", "20260101-000000-000000"])
        .upsweep(&["restore", "../a.m4a"])
        .upsweep(&["restore", "--all"])
        .upsweep(&["hold", "list"])
        .upsweep(&["run"])
        .end();
}

#[test]
fn places_that_are_taken() {
    Tale::new("restore/conflict", orphans(&["a.m4a", "b.m4a"]))
        .upsweep(&["run"])
        .meanwhile("somebody uploads another a.m4a", |site| {
            site.file("a.m4a", 0.25);
        })
        .upsweep(&["restore", "--all"])
        .upsweep(&["status", "--hidden"])
        .upsweep(&["explain", "a.m4a"])
        .json("restore/conflict", &["restore", "a.m4a", "--json"], 3)
        .upsweep(&["doctor"])
        .end();
}

#[test]
fn claimed_while_the_plan_waited() {
    Tale::new("apply/less", orphans(&["a.m4a", "b.m4a", "c.m4a"]))
        .upsweep(&["plan", "--out", "plan.json"])
        .meanwhile("a.m4a is claimed, b.m4a is written to", |site| {
            site.session("s-late", "processed", Some("a.m4a"), 0);
            fs::write(site.uploads.join("b.m4a"), "other sound").unwrap();
        })
        .upsweep(&["apply", "plan.json"])
        .end();
    Tale::new("apply/less-json", orphans(&["a.m4a", "b.m4a"]))
        .upsweep(&["plan", "--out", "plan.json"])
        .meanwhile("a.m4a is gone", |site| fs::remove_file(site.uploads.join("a.m4a")).unwrap())
        .json("apply/less", &["apply", "plan.json", "--json"], 0)
        .end();
}

#[test]
fn plans_that_are_not_applied() {
    Tale::new("apply/refused", orphans(&["a.m4a"]))
        .upsweep(&["apply", "plan.json"])
        .upsweep(&["plan", "--out", "plan.json"])
        .meanwhile("somebody edits the plan", |site| {
            let path = site.dir.path().join("plan.json");
            fs::write(&path, fs::read_to_string(&path).unwrap().replace("a.m4a", "live-1.m4a")).unwrap();
        })
        .upsweep(&["apply", "plan.json"])
        .upsweep(&["plan", "--out", "plan.json"])
        .upsweep(&["apply", "plan.json", "--set", "failed_session_retention_days=3"])
        .after_days(2)
        .upsweep(&["apply", "plan.json"])
        .meanwhile("somebody saves something else under that name", |site| {
            fs::write(site.dir.path().join("plan.json"), "{}").unwrap();
        })
        .upsweep(&["apply", "plan.json"])
        .end();
}

#[test]
fn archived() {
    let site = Site::sqlite().archiving("archive");
    site.file("a.m4a", 72.25);
    Tale::new("run/archive", site)
        .upsweep(&["plan"])
        .upsweep(&["run"])
        .upsweep(&["status", "--hidden"])
        .after_days(8)
        .upsweep(&["run"])
        .upsweep(&["restore", "a.m4a"])
        .upsweep(&["history"])
        .end();
    let site = Site::sqlite().archiving("archive");
    site.file("a.m4a", 72.25);
    Tale::new("run/archive-lost", site)
        .meanwhile("the archive is not there", |site| fs::remove_dir(site.backup()).unwrap())
        .upsweep(&["run"])
        .json("run/archive-lost", &["run", "--json"], 3)
        .upsweep(&["status"])
        .end();
}

#[test]
fn deleted_at_once() {
    let site = Site::sqlite().acting("delete");
    let linked = site.file("a.m4a", 72.25);
    fs::hard_link(linked, site.dir.path().join("kept.m4a")).unwrap();
    site.file("b.m4a", 72.25);
    Tale::new("run/delete", site).after_days(3).upsweep(&["plan"]).upsweep(&["run"]).upsweep(&["history"]).end();
    let mut site = Site::sqlite().archiving("delete");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true");
    site.file("a.m4a", 72.25);
    let mut tale = Tale::new("run/delete-with-backup", site);
    let said = tale.after_days(3).said(&["run"]);
    let id = said.out.split("restore --run ").nth(1).expect("it says how to undo it").trim().to_owned();
    tale.upsweep(&["restore", "--run", &id]).end();
}

#[test]
fn refused_to_free() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_GUARD_FLOOR", "100");
    for n in 0..3 {
        site.live(&format!("live-{n}.m4a"));
        site.file(format!("orphan-{n}.m4a"), 72.25);
    }
    Tale::new("purge/refused", site)
        .upsweep(&["run"])
        .meanwhile("the table is emptied", |site| {
            site.database.exec("DELETE FROM sessions");
        })
        .after_days(8)
        .upsweep(&["purge"])
        .json("purge/refused", &["purge", "--json"], 10)
        .upsweep(&["run", "--dry-run"])
        .end();
}

#[test]
fn another_database_than_before() {
    Tale::new("run/other-database", orphans(&["a.m4a"]))
        .upsweep(&["run"])
        .meanwhile("the database moves", |site| {
            let Database::Sqlite(path) = &site.database else { unreachable!("the site is on SQLite") };
            fs::copy(path, site.dir.path().join("moved.db")).unwrap();
        })
        .upsweep(&["run", "--database-url", "sqlite:moved.db"])
        .upsweep(&["rebind", "--database-url", "sqlite:moved.db"])
        .upsweep(&["rebind", "--database-url", "sqlite:moved.db", "--reason", "the file moved"])
        .upsweep(&["rebind", "--database-url", "sqlite:moved.db", "--reason", "once more"])
        .json("rebind/back", &["rebind", "--reason", "it moved back", "--json"], 0)
        .upsweep(&["rebind", "--database-url", "sqlite:gone.db", "--reason", "x"])
        .upsweep(&["history"])
        .end();
}

#[test]
fn time_that_goes_back() {
    Tale::new("run/clock", orphans(&["a.m4a"]))
        .upsweep(&["run"])
        .after_days(3)
        .upsweep(&["run"])
        .meanwhile("the clock is set back", |site| {
            site.file("b.m4a", 72.25);
        })
        .after_days(-2)
        .upsweep(&["plan"])
        .upsweep(&["run"])
        .end();
}
