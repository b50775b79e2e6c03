//! A real migration: the rows move to another database, and the store follows.

mod support;

use support::{Database, Site};

fn site(site: Site) -> Site {
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.file("orphan.m4a", 72.0);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    site
}

#[test]
fn after_a_dump_and_restore_into_another_postgresql_database() {
    let Some(site) = Site::postgres() else { return };
    let mut site = self::site(site);
    let Database::Postgres(server) = &site.database else { unreachable!() };
    server.create_database("migrated");
    server.exec("migrated", "CREATE TYPE session_status AS ENUM ('uploading', 'processed', 'failed'); CREATE TABLE sessions (id varchar(40) PRIMARY KEY, status session_status, audio_filename text, created_at timestamp)");
    let url = server.superuser_url("migrated");
    site.set("DATABASE_URL", &url);
    site.upsweep(&["run"]).expect(10).has("upsweep rebind --reason");
    // The rows are not there yet.
    let before = std::fs::read(site.uploads.join(".upsweep/store.json")).unwrap();
    let said = site.upsweep(&["rebind", "--reason", "new server"]).expect(10);
    said.has("This database explains 0 of 10 files; 0 missing.");
    said.has("G001 refused");
    assert_eq!(std::fs::read(site.uploads.join(".upsweep/store.json")).unwrap(), before);

    let Database::Postgres(server) = &site.database else { unreachable!() };
    let rows = server.exec("app", "SELECT format('INSERT INTO sessions VALUES (%L, %L, %L, %L);', id, status, audio_filename, created_at) FROM sessions");
    server.exec("migrated", &rows);
    // A row of the new database needs the file that the old one did not.
    server.exec("migrated", "INSERT INTO sessions VALUES ('new', 'processed', 'orphan.m4a', now())");
    let said = site.upsweep(&["rebind", "--reason", "new server"]).expect(0);
    said.has("This database explains 10 of 10 files; 0 missing.");
    said.has("A run would hide 0 files and bring 1 back.");
    said.has("The store is bound to");
    let json = site.upsweep(&["rebind", "--reason", "again", "--json"]).expect(0).json();
    assert_eq!((&json["from"], &json["explained_files"]), (&json["to"], &serde_json::json!(10)));
    let said = site.upsweep(&["history"]).expect(0);
    said.has("rebind");
    said.has("(new server)");
    said.has("refused by G001");
    site.upsweep(&["run"]).expect(0).has("Brought back 1 file");
    assert!(site.has("orphan.m4a"));
}

#[test]
fn an_sqlite_file_that_moved() {
    let mut site = self::site(Site::sqlite());
    let Database::Sqlite(path) = &site.database else { unreachable!() };
    let moved = site.dir.path().join("moved.db");
    std::fs::copy(path, &moved).unwrap();
    site.set("DATABASE_URL", &format!("sqlite:///{}", moved.display()));
    site.upsweep(&["rebind"]).expect(64);
    site.upsweep(&["rebind", "--reason", "x", "--allow", "G004"]).expect(64).has("G004 cannot be overruled");
    site.upsweep(&["doctor"]).expect(1).has("upsweep rebind --reason");
    site.upsweep(&["rebind", "--reason", "moved the file"]).expect(0).has("before, it was bound to sqlite app.db");
    site.upsweep(&["run"]).expect(0);
    site.upsweep(&["rebind", "--reason", "by mistake"]).expect(0).has("already, and still is");
}

#[test]
fn a_standby_is_no_new_home() {
    let Some(site) = Site::postgres() else { return };
    let mut site = self::site(site);
    let Database::Postgres(server) = &site.database else { unreachable!() };
    let standby = server.start_standby();
    site.set("DATABASE_URL", &standby.superuser_url("app"));
    site.upsweep(&["rebind", "--reason", "failover"]).expect(10).has("is a replica");
    site.upsweep(&["doctor"]).expect(0).has("this is a replica");
}
