//! The doctor on good sites and on bad ones: it never stops at the first trouble, and leaves nothing behind.
#![allow(clippy::disallowed_methods, reason = "an operator moves and removes files by hand")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::{Database, Said, Site, as_nobody_beside, said};

/// What a check says, by its name.
fn check<'a>(checks: &'a Value, name: &str) -> &'a Value {
    let found = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check '{name}' in {checks:#}"))
}

#[track_caller]
fn expect(said: &Said, name: &str, status: &str, words: &str) {
    let checks = said.json();
    let check = check(&checks, name);
    assert_eq!(check["status"], status, "{check:#}");
    assert!(check["saw"].as_str().unwrap().contains(words), "{check:#}");
    let needs_next = ["warning", "problem"].contains(&status);
    assert!(!needs_next || check["next"].as_str().is_some_and(|next| !next.is_empty()), "{check:#}");
}

fn everything_below(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            // SQLite's own files beside the ledger come and go with every reader.
            if path.is_dir() {
                folders.push(path.clone());
                found.push((path, vec![]));
            } else if !path.to_str().unwrap().contains("ledger.db-") {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_good_site_is_good_before_and_after_it_is_bound_and_nothing_stays_behind() {
    let site = Site::sqlite();
    site.live("a.m4a");
    site.file("orphan.m4a", 72.0);
    let before = everything_below(site.dir.path());
    let said = site.upsweep(&["doctor", "--json"]).expect(0);
    assert_eq!(everything_below(site.dir.path()), before);
    expect(&said, "binding", "note", "not bound yet");
    expect(&said, "scratch", "note", ".upsweep-scratch-");
    expect(&said, "ledger", "skipped", "");
    site.upsweep(&["run"]).expect(0);
    let before = everything_below(site.dir.path());
    let said = site.upsweep(&["doctor", "--json"]).expect(0);
    assert_eq!(everything_below(site.dir.path()), before);
    for name in [
        "store",
        "ownership",
        "renames",
        "links",
        "room",
        "binding",
        "quarantine",
        "note",
        "state folder",
        "ledger",
        "unfinished",
        "hidden files",
        "database",
        "claim rule",
        "file clock",
        "settings",
    ] {
        expect(&said, name, "good", "");
    }
    let human = site.upsweep(&["doctor"]).expect(0);
    human.has("0 problems, 0 warnings");
}

#[test]
fn a_dead_database_is_one_line_and_the_rest_goes_on() {
    let mut site = Site::sqlite();
    site.live("a.m4a");
    site.upsweep(&["run"]).expect(0);
    site.set("DATABASE_URL", "postgresql://app:hunter2@127.0.0.1:1/app");
    let said = site.upsweep(&["doctor", "--json"]).expect(1);
    expect(&said, "database", "problem", "cannot reach the database");
    expect(&said, "claim rules", "skipped", "");
    expect(&said, "ledger", "good", "");
    expect(&said, "binding", "good", "");
    assert!(!said.out.contains("hunter2"));
    let human = site.upsweep(&["doctor"]).expect(1);
    let problem = human.out.find("PROBLEM").unwrap();
    assert!(!human.out[problem..].contains("good  "), "problems come last: {}", human.out);
    site.env.remove("DATABASE_URL");
    expect(&site.upsweep(&["doctor", "--json"]).expect(1), "database", "problem", "no database is configured");
}

#[test]
fn a_missing_directory_is_one_line_and_the_database_is_looked_at_all_the_same() {
    let site = Site::sqlite();
    site.live("a.m4a");
    site.upsweep(&["run"]).expect(0);
    fs::rename(&site.uploads, site.dir.path().join("away")).unwrap();
    let said = site.upsweep(&["doctor", "--json"]).expect(1);
    expect(&said, "store", "problem", "G002");
    expect(&said, "claim rule", "good", "'sessions' gives 1 row");
    fs::create_dir_all(&site.uploads).unwrap();
    expect(&site.upsweep(&["doctor", "--json"]).expect(1), "binding", "problem", "has no marker now");
}

#[test]
fn who_may_not_write_is_told() {
    if !rustix::process::geteuid().is_root() {
        return upsweep_testkit::skip("root, to become somebody else");
    }
    let site = Site::sqlite();
    site.live("a.m4a");
    fs::set_permissions(site.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = site.dir.path().join("upsweep-for-all");
    fs::copy(support::BINARY, &program).unwrap();
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(["doctor", "--json"]);
    command.env_clear().envs(&site.env).current_dir(site.dir.path());
    let said = said(command).expect(1);
    expect(&said, "store", "problem", "cannot be moved out");
    expect(&said, "file system", "problem", "ermission denied");
    expect(&said, "state folder", "problem", "cannot be written to");
    expect(&said, "claim rule", "good", "1 row");
}

#[test]
fn files_of_others_in_a_sticky_folder_are_counted() {
    if !rustix::process::geteuid().is_root() {
        return upsweep_testkit::skip("root, to become somebody else");
    }
    let site = Site::sqlite();
    site.live("a.m4a");
    site.live("foreign.m4a");
    let said = as_nobody_beside(&site, &["doctor", "--json"], "foreign.m4a").expect(1);
    expect(&said, "ownership", "problem", "1 of 2 files");
    expect(&said, "store", "good", "");
    let said = as_nobody_beside(&site, &["doctor", "--json"], "").expect(0);
    expect(&said, "ownership", "good", "sticky");
}

#[test]
fn roles_rules_and_row_security() {
    let Some(mut site) = Site::postgres() else { return };
    site.live("a.m4a");
    let Database::Postgres(server) = &site.database else { unreachable!() };
    server.exec("app", "CREATE ROLE reader LOGIN; GRANT SELECT ON sessions TO reader; CREATE ROLE writer LOGIN; GRANT SELECT, INSERT ON sessions TO writer");
    let (reader, writer) = (server.url("reader", "app"), server.url("writer", "app"));
    site.set("DATABASE_URL", &reader);
    let good = site.upsweep(&["doctor", "--json"]).expect(0);
    expect(&good, "role", "good", "only read");
    expect(&good, "database clock", "good", "agrees");
    site.set("DATABASE_URL", &writer);
    expect(&site.upsweep(&["doctor", "--json"]).expect(0), "role", "warning", "could change");
    site.database.exec("ALTER TABLE sessions ENABLE ROW LEVEL SECURITY");
    site.set("DATABASE_URL", &reader);
    expect(&site.upsweep(&["doctor", "--json"]).expect(1), "claim rule", "problem", "row-level security");
    // Of two rules each is told.
    fs::write(
        site.dir.path().join("upsweep.toml"),
        "[[claims]]\nname = \"one\"\nquery = \"SELECT 'a.m4a'::text AS f\"\nkey = \"{f}\"\n[[claims]]\nname = \"two\"\ntable = \"nowhere\"\nkey = \"{f}\"\n",
    )
    .unwrap();
    let said = site.upsweep(&["doctor", "--json"]).expect(1).json();
    let rules: Vec<_> = said.as_array().unwrap().iter().filter(|check| check["name"] == "claim rule").collect();
    assert_eq!((&rules[0]["status"], &rules[1]["status"]), (&"good".into(), &"problem".into()), "{rules:#?}");
    assert!(rules[1]["saw"].as_str().unwrap().contains("'two'"));
}

#[test]
fn a_database_that_fills_in_local_times_is_worth_a_word() {
    for (site, local) in [
        (Site::postgres(), "ALTER DATABASE app SET timezone = 'Asia/Tokyo'"),
        (Site::mariadb(), "SET GLOBAL time_zone = '+09:00'"),
    ] {
        let Some(mut site) = site else { continue };
        site.live("a.m4a");
        site.database.exec(local);
        let said = site.upsweep(&["doctor", "--json"]).expect(0);
        expect(&said, "time zone", "note", "times without a zone are read as UTC");
        site.set("UPSWEEP_DB_TIMEZONE", "Asia/Tokyo");
        expect(&site.upsweep(&["doctor", "--json"]).expect(0), "time zone", "good", "");
    }
}

#[test]
fn a_replica_is_told_before_a_run_refuses_it() {
    let Some(mut site) = Site::postgres() else { return };
    site.live("a.m4a");
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let standby = server.start_standby();
    let url = standby.superuser_url("app");
    site.set("DATABASE_URL", &url);
    expect(&site.upsweep(&["doctor", "--json"]).expect(0), "replica", "warning", "which may lag behind");
    site.upsweep(&["config", "check"]).expect(0).has("is a replica");
    site.upsweep(&["run"]).expect(10).has("G004");
}

#[test]
fn an_archive_and_a_ledger_elsewhere_are_looked_at() {
    let mut site = Site::sqlite();
    site.live("a.m4a");
    let (backup, ledger) = (site.backup(), site.dir.path().join("ledger"));
    fs::create_dir(&ledger).unwrap();
    site.set("UPSWEEP_ARCHIVE_URL", backup.to_str().unwrap());
    site.set("UPSWEEP_LEDGER_URL", ledger.join("ledger.db").to_str().unwrap());
    let said = site.upsweep(&["doctor", "--json"]).expect(1);
    expect(&said, "archive", "problem", "No such file or directory");
    expect(&said, "ledger's disk", "good", "ledger/ledger.db");
    check(&said.json(), "ledger's room");
    fs::create_dir(&backup).unwrap();
    let said = site.upsweep(&["doctor", "--json"]).expect(0);
    expect(&said, "archive", "note", "is on the disk of the uploads");
    check(&said.json(), "archive's room");
    fs::remove_dir(&backup).unwrap();
    fs::write(&backup, "").unwrap();
    expect(&site.upsweep(&["doctor", "--json"]).expect(1), "archive", "problem", "is no directory");
}

#[test]
fn secrets_backups_and_what_waits() {
    let mut site = Site::sqlite();
    site.live("a.m4a");
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let dotenv = site.dir.path().join(".env");
    fs::write(&dotenv, "JWT_SECRET_KEY=abc\n").unwrap();
    fs::set_permissions(&dotenv, fs::Permissions::from_mode(0o644)).unwrap();
    site.set("UPSWEEP_DATABASE_BACKUP_DAYS", "30");
    site.set("ORPHANED_FILE_RETENTION_HOURS", "1000");
    let said = site.upsweep(&["doctor", "--json"]).expect(0);
    expect(&said, "secrets", "warning", "other users can read it");
    expect(&said, "backups", "warning", "reach back 30 days");
    expect(&said, "settings", "warning", "more than 30 days");
    fs::set_permissions(&dotenv, fs::Permissions::from_mode(0o640)).unwrap();
    site.set("UPSWEEP_QUARANTINE_DAYS", "30");
    let said = site.upsweep(&["doctor", "--json"]).expect(0);
    expect(&said, "secrets", "good", "");
    expect(&said, "backups", "good", "");
    // A file that cannot come back waits for a human.
    site.file("orphan.m4a", 0.0);
    site.upsweep(&["restore", "--all"]).expect(3);
    expect(&site.upsweep(&["doctor", "--json"]).expect(0), "unfinished", "warning", "could not be brought back");
    // A ledger with a hole in it is no ledger.
    let ledger = site.uploads.join(".upsweep/ledger.db");
    let db = rusqlite::Connection::open(&ledger).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); UPDATE ops SET state = 'purged'").unwrap();
    drop(db);
    expect(&site.upsweep(&["doctor", "--json"]).expect(1), "ledger", "problem", "is damaged");
}
