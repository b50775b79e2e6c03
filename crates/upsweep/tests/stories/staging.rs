//! G004: the configuration points to another database.

use crate::support::{Database, Site};
use crate::tale::{
    DUE, Objection, cannot_be_overruled, claim_the_first, ends_well, frees_nothing, hides_nothing, orphans,
    with_hidden, with_past,
};

const TABLES: &str = "CREATE TYPE session_status AS ENUM ('uploading', 'processed', 'failed'); CREATE TABLE sessions (id varchar(40) PRIMARY KEY, status session_status, audio_filename text, created_at timestamp)";

/// Points the configuration to the staging database on the same server.
fn to_staging(site: &mut Site) -> String {
    let Database::Postgres(server) = &site.database else { unreachable!() };
    server.create_database("staging");
    server.exec("staging", TABLES);
    server.exec("staging", "INSERT INTO sessions VALUES ('1', 'processed', 'staging.m4a', now())");
    let url = server.superuser_url("staging");
    let right = site.env["DATABASE_URL"].clone();
    site.set("DATABASE_URL", &url);
    right
}

#[test]
fn a_staging_database_hides_nothing_and_is_no_new_home() {
    let Some(site) = Site::postgres() else { return };
    let mut site = with_past(site, 30);
    orphans(&site, "old-", 3);
    let right = to_staging(&mut site);
    let said = site.upsweep(&["run"]).expect(10);
    let found = Objection::of(&said, "G004");
    found.says("the store is bound to postgresql app", "staging, a copy, a restored dump", "set DATABASE_URL");
    assert!(found.saw.contains("postgresql staging"), "{found:?}");
    cannot_be_overruled(&site, 0, "run", "G004");
    // The command is for migrations. Somebody who tries it here is stopped by the rows themselves.
    found.run_next(&site, 0).expect(10).has("G001 refused");
    assert_eq!(site.hidden(), 0);
    site.set("DATABASE_URL", &right);
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

/// The harmless neighbour: a real migration, with the rows. The command that is named does it.
#[test]
fn a_real_migration_passes_after_rebinding() {
    let Some(site) = Site::postgres() else { return };
    let mut site = with_past(site, 30);
    orphans(&site, "old-", 3);
    to_staging(&mut site);
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let dump = "SELECT format('INSERT INTO sessions VALUES (%L, %L, %L, %L);', id, status, audio_filename, created_at) FROM sessions";
    server.exec("staging", &server.exec("app", dump));
    let said = hides_nothing(&site, 0, &["G004"]);
    Objection::of(&said, "G004").run_next(&site, 0).expect(0).has("This database explains 30 of 33 files");
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn another_user_and_another_spelling_are_the_same_database() {
    let Some(site) = Site::postgres() else { return };
    let mut site = with_past(site, 10);
    site.database.exec("CREATE ROLE reader LOGIN; GRANT SELECT ON sessions TO reader");
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let url = server.url("reader", "app").replace("127.0.0.1", "localhost");
    site.set("DATABASE_URL", &url);
    orphans(&site, "old-", 3);
    site.upsweep(&["run"]).expect(0).has("Hid 3 files");
}

#[test]
fn nothing_is_freed_by_a_staging_database() {
    let Some(site) = Site::postgres() else { return };
    let mut site = with_hidden(site, 30);
    let right = to_staging(&mut site);
    let said = site.upsweep_after_days(DUE, &["purge"]).expect(10);
    said.has("Refused to free 5 hidden files");
    Objection::of(&said, "G004").says("bound to postgresql app", "DATABASE_URL points to another", "set DATABASE_URL");
    // Even one that holds the same rows.
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let row = |n| format!("('row {n}', 'processed', 's-{n}.m4a', now())");
    let rows: Vec<String> = (0..30).map(row).collect();
    server.exec("staging", &format!("INSERT INTO sessions VALUES {}", rows.join(", ")));
    frees_nothing(&site, DUE, &["G004"]);
    cannot_be_overruled(&site, DUE, "purge", "G004");
    site.set("DATABASE_URL", &right);
    claim_the_first(&site);
    ends_well(&site, DUE);
}

/// After a migration the hidden files are judged by the new rows alone.
#[test]
fn after_a_migration_the_new_rows_decide() {
    let Some(site) = Site::postgres() else { return };
    let mut site = with_hidden(site, 30);
    to_staging(&mut site);
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let dump = "SELECT format('INSERT INTO sessions VALUES (%L, %L, %L, %L);', id, status, audio_filename, created_at) FROM sessions";
    server.exec("staging", &server.exec("app", dump));
    frees_nothing(&site, DUE, &["G004"]);
    let Database::Postgres(server) = &site.database else { unreachable!() };
    server.exec("staging", "INSERT INTO sessions VALUES ('again', 'processed', 'old-0.m4a', now())");
    let said = site.upsweep_after_days(DUE, &["rebind", "--reason", "moved"]).expect(0);
    said.has("A run would hide 0 files and bring 1 back.");
    let said = site.upsweep_after_days(DUE, &["run"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 4 hidden files");
    assert!(site.has("old-0.m4a"));
    assert_eq!((site.files().len(), site.hidden()), (31, 0));
}
