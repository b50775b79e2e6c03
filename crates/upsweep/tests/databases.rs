//! Several databases for one upload directory, with real servers.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs;

use support::{Database, Said, Site};

/// Sessions in PostgreSQL, and invoices in an SQLite file beside it.
struct Two {
    site: Site,
    billing: Database,
}

impl Two {
    fn new() -> Option<Self> {
        let mut site = Site::postgres()?;
        let path = site.dir.path().join("billing.db");
        let billing = Database::Sqlite(path.clone());
        billing.exec("CREATE TABLE invoices (id TEXT, file TEXT)");
        let toml = "[[databases]]\nname = \"billing\"\nurl_env = \"BILLING_DATABASE_URL\"\n\n\
             [[claims]]\nname = \"sessions\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\nowner = \"id\"\nstatus = \"status\"\nsince = \"created_at\"\n\n\
             [[claims]]\nname = \"invoices\"\ndatabase = \"billing\"\ntable = \"invoices\"\nkey = \"{file}\"\n";
        fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
        site.set("BILLING_DATABASE_URL", &format!("sqlite:///{}", path.display()));
        for n in 0..10 {
            site.live(&format!("live-{n}.m4a"));
        }
        Some(Self { site, billing })
    }

    fn invoice(&self, file: &str) {
        self.billing.exec(&format!("INSERT INTO invoices VALUES ('i', '{file}')"));
    }

    fn run(&self) -> Said {
        self.site.upsweep(&["run"])
    }
}

#[test]
fn claims_of_postgresql_and_sqlite_count_together() {
    let Some(two) = Two::new() else { return };
    for name in ["billed.m4a", "orphan.m4a"] {
        two.site.file(name, 72.0);
    }
    two.invoice("billed.m4a");
    let plan = two.site.upsweep(&["plan", "--json"]).expect(0).json();
    let engines: Vec<&str> =
        plan["databases"].as_array().unwrap().iter().map(|d| d["engine"].as_str().unwrap()).collect();
    assert_eq!(engines, ["postgresql", "sqlite"]);
    assert_eq!(plan["survey"]["rows"], 11);
    two.run().expect(0).has("Hid 1 file");
    assert!(two.site.has("billed.m4a") && !two.site.has("orphan.m4a"));
    // A second run knows both again.
    two.run().expect(0);
}

#[test]
fn one_of_them_down_stops_everything_whichever_it_is() {
    let Some(mut two) = Two::new() else { return };
    two.site.file("orphan.m4a", 72.0);
    let (path, away) = (two.site.dir.path().join("billing.db"), two.site.dir.path().join("away.db"));
    fs::rename(&path, &away).unwrap();
    let said = two.run().expect(10);
    said.has("G008");
    said.has("billing.db");
    assert!(two.site.has("orphan.m4a") && two.site.hidden() == 0);
    fs::rename(&away, &path).unwrap();
    let plan = two.site.dir.path().join("plan.json");
    two.site.upsweep(&["plan", "--out", plan.to_str().unwrap()]).expect(0);
    let Database::Postgres(server) = &mut two.site.database else { unreachable!("it is one") };
    server.stop();
    two.run().expect(10).has("G008");
    two.site.upsweep(&["run", "--allow", "G001,G003", "--reason", "x"]).expect(10).has("G008");
    assert_ne!(two.site.upsweep(&["apply", plan.to_str().unwrap()]).code, 0);
    assert!(two.site.has("orphan.m4a") && two.site.hidden() == 0);
}

#[test]
fn a_hidden_file_that_the_second_database_claims_comes_back() {
    let Some(two) = Two::new() else { return };
    two.site.file("late.m4a", 72.0);
    two.run().expect(0).has("Hid 1 file");
    two.invoice("late.m4a");
    two.run().expect(0).has("Brought back 1 file");
    assert!(two.site.has("late.m4a"));
}

#[test]
fn undo_needs_none_of_them() {
    let Some(mut two) = Two::new() else { return };
    two.site.file("a.m4a", 72.0);
    two.run().expect(0).has("Hid 1 file");
    two.site.env.remove("BILLING_DATABASE_URL");
    two.run().expect(1).has("the database 'billing' has no URL: BILLING_DATABASE_URL is not set");
    two.site.upsweep(&["config", "check", "--offline"]).expect(1).has("BILLING_DATABASE_URL is not set");
    two.site.upsweep(&["restore", "--all"]).expect(0).has("Brought back 1 file");
    assert!(two.site.has("a.m4a"));
}

#[test]
fn a_database_that_was_swapped_for_another_is_refused() {
    let Some(mut two) = Two::new() else { return };
    two.site.file("a.m4a", 72.0);
    two.run().expect(0).has("Hid 1 file");
    two.site.file("b.m4a", 72.0);
    let other = two.site.dir.path().join("staging.db");
    fs::copy(two.site.dir.path().join("billing.db"), &other).unwrap();
    let right = two.site.env["BILLING_DATABASE_URL"].clone();
    two.site.set("BILLING_DATABASE_URL", &format!("sqlite:///{}", other.display()));
    let said = two.run().expect(10);
    said.has("G004");
    said.has("staging.db");
    assert!(two.site.has("b.m4a"));
    two.site.set("BILLING_DATABASE_URL", &right);
    two.run().expect(0).has("Hid 1 file");
}

#[test]
fn one_database_under_two_names_is_refused() {
    let Some(mut two) = Two::new() else { return };
    // Another spelling of the same server.
    let url = two.site.env["DATABASE_URL"].replace("127.0.0.1", "localhost");
    two.site
        .set("BILLING_DATABASE_URL", &format!("{url}{}application_name=x", if url.contains('?') { "&" } else { "?" }));
    two.site.database.exec("CREATE TABLE invoices (id text, file text)");
    let said = two.run().expect(1);
    said.has("the databases 'main' and 'billing' are one and the same");
}

#[test]
fn databases_of_the_file_are_all_there_is_without_a_database_url() {
    let mut site = Site::sqlite();
    site.live("live.m4a");
    site.file("orphan.m4a", 72.0);
    let url = site.env.remove("DATABASE_URL").unwrap();
    let toml = format!("[[databases]]\nname = \"app\"\nurl = \"{url}\"\n");
    fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
    assert_eq!(site.planned(), ["orphan.m4a"]);
    site.set("DATABASE_URL", "");
    assert_eq!(site.planned(), ["orphan.m4a"]);
}

#[test]
fn a_database_that_nobody_reads_is_worth_a_warning() {
    let site = Site::sqlite();
    site.live("live.m4a");
    let toml = "[[databases]]\nname = \"old\"\nurl = \"sqlite:///./old.db\"\n";
    fs::write(site.dir.path().join("upsweep.toml"), toml).unwrap();
    rusqlite::Connection::open(site.dir.path().join("old.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    site.upsweep(&["plan"]).expect(0).has("no claim rule reads the database 'old'");
}
