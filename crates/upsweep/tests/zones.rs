//! Times without a zone, as each database keeps them, in the zone that the configuration names.
#![allow(clippy::disallowed_methods, reason = "the application under test writes down when a session failed")]

mod support;

use std::fs;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use support::{Database, Site};

/// How a table keeps its times: the word that names it, the column's type, and how a moment looks there.
type Kind = (&'static str, &'static str, fn(Timestamp, &TimeZone) -> String);

fn local(moment: Timestamp, zone: &TimeZone) -> String {
    format!("'{}'", zone.to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S"))
}

fn iso(moment: Timestamp, zone: &TimeZone) -> String {
    format!("'{}'", zone.to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S.123456"))
}

fn epoch(moment: Timestamp, _zone: &TimeZone) -> String {
    moment.as_second().to_string()
}

fn utc(moment: Timestamp, _zone: &TimeZone) -> String {
    format!("'{}+00:00'", moment.strftime("%Y-%m-%d %H:%M:%S"))
}

/// What a session in UTC writes into a column that keeps moments.
fn bare_utc(moment: Timestamp, _zone: &TimeZone) -> String {
    format!("'{}'", moment.strftime("%Y-%m-%d %H:%M:%S"))
}

fn kinds(database: &Database) -> Vec<Kind> {
    match database {
        Database::Sqlite(_) => vec![
            ("native", "DATETIME", local),
            ("text", "TEXT", iso),
            ("epoch", "INTEGER", epoch),
            ("moment", "TEXT", utc),
        ],
        Database::Postgres(_) => vec![
            ("native", "timestamp", local),
            ("text", "text", iso),
            ("epoch", "bigint", epoch),
            ("moment", "timestamptz", utc),
        ],
        Database::MariaDb(_) => vec![
            ("native", "DATETIME", local),
            ("text", "VARCHAR(40)", iso),
            ("epoch", "BIGINT", epoch),
            ("moment", "TIMESTAMP NULL", bare_utc),
        ],
    }
}

/// Sessions that failed 20 and 30 hours ago, as an application in `zone` wrote that down.
fn with_failures(site: &Site, zone: &TimeZone) {
    let mut toml = "failed_session_retention_days = 1\n".to_owned();
    for (word, column, spell) in kinds(&site.database) {
        site.database.exec(&format!("CREATE TABLE s_{word} (f VARCHAR(80), t {column})"));
        for hours in [20, 30] {
            let name = format!("{word}-{hours}.m4a");
            let at = spell(Timestamp::now() - SignedDuration::from_hours(hours), zone);
            let prefix = if matches!(site.database, Database::MariaDb(_)) { "SET time_zone = '+00:00'; " } else { "" };
            site.database.exec(&format!("{prefix}INSERT INTO s_{word} VALUES ('{name}', {at})"));
            site.file(&name, 100.0);
        }
        toml += &format!(
            "[[claims]]\nname = \"{word}\"\ntable = \"s_{word}\"\nkey = \"{{f}}\"\nstanding = \"failed\"\nsince = \"t\"\n"
        );
    }
    fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
}

fn failures_age_in(site: Option<fn() -> Option<Site>>, zone: &str) {
    let Some(mut site) = site.map_or_else(|| Some(Site::sqlite()), |make| make()) else { return };
    with_failures(&site, &TimeZone::get(zone).unwrap());
    let old = ["epoch-30.m4a", "moment-30.m4a", "native-30.m4a", "text-30.m4a"];
    site.set("UPSWEEP_DB_TIMEZONE", zone);
    assert_eq!(site.planned(), old, "in {zone}");
    // Read as UTC they are too old or too young by the zone's distance: so the zone is what decides.
    site.set("UPSWEEP_DB_TIMEZONE", "UTC");
    let all_but = |gone: &[&str]| old.iter().copied().filter(|name| !gone.contains(name)).collect::<Vec<_>>();
    let as_utc = if zone == "Asia/Tokyo" {
        all_but(&["native-30.m4a", "text-30.m4a"])
    } else {
        vec!["epoch-30.m4a", "moment-30.m4a", "native-20.m4a", "native-30.m4a", "text-20.m4a", "text-30.m4a"]
    };
    assert_eq!(site.planned(), as_utc, "in UTC");
}

/// East of Greenwich a local time read as UTC seems younger than it is, in the west older.
const ZONES: [&str; 2] = ["Asia/Tokyo", "America/Los_Angeles"];

#[test]
fn sqlite_times_are_read_in_their_zone() {
    ZONES.iter().for_each(|zone| failures_age_in(None, zone));
}

#[test]
fn postgresql_times_are_read_in_their_zone() {
    ZONES.iter().for_each(|zone| failures_age_in(Some(Site::postgres), zone));
}

#[test]
fn mariadb_times_are_read_in_their_zone() {
    ZONES.iter().for_each(|zone| failures_age_in(Some(Site::mariadb), zone));
}

#[test]
fn a_time_that_is_part_of_a_name_must_be_given_twice_on_mariadb() {
    let Some(site) = Site::mariadb() else { return };
    site.database.exec("CREATE TABLE s (t TIMESTAMP NULL, status VARCHAR(9))");
    site.database.exec("INSERT INTO s VALUES ('2026-01-01 00:00:00', 'failed')");
    site.file("2026-01-01 00:00:00.wav", 100.0);
    let rule = |source: &str, since: &str| {
        format!("[[claims]]\nname = \"s\"\n{source}\nkey = \"{{t}}.wav\"\nstatus = \"status\"\nsince = \"{since}\"\n")
    };
    let file = site.dir.path().join("upsweep.toml");
    fs::write(&file, rule("table = \"s\"", "t")).unwrap();
    site.upsweep(&["plan"]).expect(1).has("CONCAT(`t`, '+00:00') AS since");
    fs::write(&file, rule("query = \"SELECT t, status, CONCAT(t, '+00:00') AS since FROM s\"", "since")).unwrap();
    assert_eq!(site.planned(), ["2026-01-01 00:00:00.wav"]);
}

#[test]
fn a_plan_does_not_outlive_its_zone() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.upsweep(&["plan", "--out", "plan.json"]).expect(0);
    site.set("UPSWEEP_DB_TIMEZONE", "europe/berlin");
    let said = site.upsweep(&["apply", "plan.json"]).expect(1);
    said.has("db_timezone was UTC, is now Europe/Berlin");
}
