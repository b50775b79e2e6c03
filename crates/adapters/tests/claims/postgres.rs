//! What is PostgreSQL's own.

use std::fs;

use upsweep_adapters::claims::open;
use upsweep_engine::ports::{ClaimError, Horizon};
use upsweep_testkit::Postgres;

use crate::db::{Db, assert_says, fail, read, read_all, rule};

fn start() -> Option<(Db, String)> {
    let db = Db::postgres()?;
    db.exec(
        "CREATE ROLE reader LOGIN; CREATE TABLE t (x text, owner text); INSERT INTO t VALUES ('1', 'a'), ('2', 'b')",
    );
    let reader = server(&db).url("reader", "app");
    Some((db, reader))
}

fn server(db: &Db) -> &Postgres {
    let Db::Postgres(server) = db else { panic!("a PostgreSQL server") };
    server
}

#[test]
fn rows_hidden_by_policies_are_an_error() {
    let Some((db, reader)) = start() else { return };
    db.exec(
        "GRANT SELECT ON t TO reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON t USING (owner = 'a')",
    );
    for rule in [rule("t", &["x"]), rule("SELECT x FROM t", &["x"])] {
        let error = read_all(open(&reader).unwrap().as_mut(), std::slice::from_ref(&rule)).unwrap_err();
        assert_says(&error, &["row-level security", "\"t\"", "reader", "BYPASSRLS"]);
        let checked = open(&reader).unwrap().check(std::slice::from_ref(&rule)).unwrap_err();
        assert_says(&checked, &["row-level security", "BYPASSRLS"]);
    }
    db.exec("ALTER ROLE reader BYPASSRLS");
    assert_eq!(read_all(open(&reader).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [2]);
}

#[test]
fn a_reading_role_is_told_from_a_writing_one() {
    let Some((db, reader)) = start() else { return };
    let denied = read_all(open(&reader).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap_err();
    assert!(matches!(denied, ClaimError::Rule { .. }), "{denied:?}");
    assert_says(&denied, &["permission denied for table t", "GRANT SELECT ON", "reader"]);
    let checked = open(&reader).unwrap().check(&[rule("t", &["x"])]).unwrap_err();
    assert_eq!(checked.to_string(), denied.to_string());

    db.exec("GRANT SELECT ON t TO reader; CREATE TABLE other (x text)");
    let rules = [rule("t", &["x"]), rule("SELECT x FROM t", &["x"])];
    let can_write = |url: &str, rules| read_all(open(url).unwrap().as_mut(), rules).unwrap().0.role_can_write;
    assert_eq!(can_write(&reader, &rules), Some(false));
    assert_eq!(can_write(&db.url(), &rules), Some(true), "a superuser");
    db.exec("GRANT DELETE ON other TO reader");
    assert_eq!(can_write(&reader, &rules), Some(false), "another table");
    db.exec("GRANT INSERT ON t TO reader");
    assert_eq!(can_write(&reader, &rules[..1]), Some(true));
    assert_eq!(can_write(&reader, &rules[1..]), Some(true));
}

#[test]
fn a_column_grant_is_enough() {
    let Some((db, reader)) = start() else { return };
    db.exec("GRANT SELECT (x) ON t TO reader");
    assert_eq!(read_all(open(&reader).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [2]);
}

#[test]
fn a_name_without_schema_means_what_the_role_means() {
    let Some((db, reader)) = start() else { return };
    db.exec(
        "CREATE SCHEMA tenant; CREATE TABLE tenant.t (x text); GRANT USAGE ON SCHEMA tenant TO reader;
         GRANT SELECT ON t, tenant.t TO reader; ALTER ROLE reader SET search_path = tenant",
    );
    let rows = |name: &str| read_all(open(&reader).unwrap().as_mut(), &[rule(name, &["x"])]).unwrap().0.rows;
    assert_eq!(rows("t"), [0]);
    assert_eq!(rows("public.t"), [2]);
    assert_says(&fail(&db, &rule("tenants.t", &["x"])), &["similar ones are", "tenant.t", "public.t"]);
    let options = format!("{}?options=-c%20search_path%3Dpublic", reader);
    assert_eq!(read_all(open(&options).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [2]);
}

#[test]
fn what_shows_the_past_or_another_server_is_refused() {
    let Some((db, _)) = start() else { return };
    db.exec(
        "CREATE MATERIALIZED VIEW old AS SELECT x FROM t; CREATE VIEW now AS SELECT x FROM t;
         CREATE VIEW behind AS SELECT x FROM t UNION ALL SELECT x FROM old;
         CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE far (x text) SERVER files OPTIONS (filename '/dev/null')",
    );
    for source in ["old", "behind", "SELECT x FROM t WHERE x NOT IN (SELECT x FROM old)"] {
        assert_says(&fail(&db, &rule(source, &["x"])), &["materialized view public.old", "name the tables"]);
    }
    for source in ["far", "SELECT t.x FROM t WHERE EXISTS (SELECT FROM far WHERE far.x = t.x)"] {
        assert_says(&fail(&db, &rule(source, &["x"])), &["foreign table", "connect to its own database"]);
    }
    assert_eq!(read(&db, &rule("now", &["x"])).unwrap().len(), 2);
}

#[test]
fn a_standby_says_that_it_follows() {
    let Some((db, _)) = start() else { return };
    let standby = server(&db).start_standby();
    let (snapshot, _) = read_all(open(&standby.superuser_url("app")).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap();
    assert!(snapshot.is_replica);
    assert_eq!(snapshot.rows, [2]);
    assert_eq!(snapshot.identity, db.source().identity().unwrap(), "it is the same database");
}

#[test]
fn exact_types_are_rendered_exactly() {
    let Some((db, _)) = start() else { return };
    db.exec(
        "CREATE EXTENSION citext; CREATE TYPE state AS ENUM ('it''s', 'failed'); CREATE DOMAIN key AS varchar(20);
         CREATE DOMAIN state2 AS state;
         CREATE TABLE k (a state, b key, c citext, d name, e char(5), f numeric, g bool, h smallint, i oid, j state2);
         INSERT INTO k VALUES ('it''s', 'Ab ', 'Ab', 'n', 'x', 12.340, true, -3, 7, 'failed')",
    );
    let rows = read(&db, &rule("k", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])).unwrap();
    let cells: Vec<String> = rows[0].iter().map(|cell| String::from_utf8(cell.clone().unwrap()).unwrap()).collect();
    assert_eq!(cells, ["it's", "Ab ", "Ab", "n", "x", "12.340", "true", "-3", "7", "failed"]);
}

#[test]
fn other_encodings_arrive_as_utf8() {
    let Some((db, _)) = start() else { return };
    let server = server(&db);
    server.exec("postgres", "CREATE DATABASE latin ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    server.exec("latin", "SET client_encoding = UTF8; CREATE TABLE t (x text); INSERT INTO t VALUES ('é')");
    let (_, rows) = read_all(open(&server.superuser_url("latin")).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap();
    assert_eq!(rows[&0], [vec![Some("é".as_bytes().to_vec())]]);
}

#[test]
fn the_identity_is_the_clusters_for_every_role() {
    let Some((db, reader)) = start() else { return };
    let identity = open(&reader).unwrap().identity().unwrap();
    let system = server(&db).exec("app", "SELECT system_identifier FROM pg_control_system()");
    assert_eq!((identity.engine.as_str(), identity.server.as_str()), ("postgresql", system.trim()));
    assert_eq!(identity.database, "app");
    db.exec("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
    let fallback = open(&reader).unwrap().identity().unwrap();
    assert!(fallback.server.starts_with("oid ") && fallback.server.contains("127.0.0.1"), "{fallback}");
}

#[test]
fn an_open_transaction_holds_the_horizon_back() {
    let Some((db, _)) = start() else { return };
    let horizon = || match db.source().horizon().unwrap() {
        Horizon::Transactions { xmin, next } => (xmin, next),
        Horizon::Clock => panic!("PostgreSQL counts transactions"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config: tokio_postgres::Config = db.url().parse().unwrap();
    let (client, connection) = runtime.block_on(config.connect(tokio_postgres::NoTls)).unwrap();
    runtime.spawn(connection);
    let before = horizon();
    assert_eq!(before.0, before.1);
    runtime.block_on(client.batch_execute("BEGIN; INSERT INTO t VALUES ('3', 'c')")).unwrap();
    // No other transaction ends meanwhile: a snapshot alone would not tell this one from those to come.
    let (xmin, next) = horizon();
    assert!(xmin == before.1 && xmin < next, "{xmin} {next}");
    db.exec("CREATE ROLE plain LOGIN");
    let (xmin, next) = (xmin, next.max(horizon().1));
    let plain = open(&server(&db).url("plain", "app")).unwrap().horizon().unwrap();
    assert_eq!(plain, Horizon::Transactions { xmin, next }, "a role without privileges sees as much");
    runtime.block_on(client.batch_execute("COMMIT")).unwrap();
    assert!(horizon().0 >= next);
    let (snapshot, _) = read_all(db.source().as_mut(), &[rule("t", &["x"])]).unwrap();
    assert_eq!(snapshot.horizon, db.source().horizon().unwrap());
    assert!(snapshot.clock.is_some() && !snapshot.is_replica);
}

#[test]
fn a_role_with_short_patience_still_reads_to_the_end() {
    let Some((db, reader)) = start() else { return };
    db.exec("GRANT SELECT ON t TO reader; ALTER ROLE reader SET statement_timeout = '300ms'");
    let slow = rule("SELECT x FROM t, pg_sleep(0.6)", &["x"]);
    assert_eq!(read_all(open(&reader).unwrap().as_mut(), &[slow]).unwrap().0.rows, [2]);
}

#[test]
fn an_error_in_the_middle_is_no_end() {
    let Some((db, _)) = start() else { return };
    let broken = rule("SELECT (1 / (3000 - n))::text AS x FROM generate_series(1, 5000) AS n", &["x"]);
    assert_says(&fail(&db, &broken), &["division by zero"]);
    let kill = rule(
        "SELECT CASE WHEN n = 4000 THEN pg_terminate_backend(pg_backend_pid())::text ELSE 'x' END AS x
         FROM generate_series(1, 5000) AS n",
        &["x"],
    );
    let error = fail(&db, &kill);
    assert!(matches!(error, ClaimError::Incomplete { .. }), "{error:?}");
}

#[test]
fn a_server_that_dies_leaves_the_read_incomplete() {
    let Some((mut db, _)) = start() else { return };
    let long = rule("SELECT rpad(n::text, 200, 'x') AS x FROM generate_series(1, 400000) AS n", &["x"]);
    let mut source = db.source();
    let mut rows = 0;
    let result = source.read(&[long], &mut |_, _| {
        rows += 1;
        if rows == 10 {
            let Db::Postgres(server) = &mut db else { panic!("a PostgreSQL server") };
            server.stop();
        }
    });
    assert!(matches!(result, Err(ClaimError::Incomplete { .. })), "{result:?} after {rows} rows");
    assert!(matches!(source.identity(), Err(ClaimError::Connect { .. })));
}

#[test]
fn a_unix_socket_will_do() {
    let Some((db, _)) = start() else { return };
    let server = server(&db);
    let folder = server.socket_folder().display();
    let url = format!("postgresql://postgres@/app?host={folder}&port={}&sslmode=require", server.port());
    assert_eq!(open(&url).unwrap().identity().unwrap(), db.source().identity().unwrap());
}

#[test]
fn a_wrong_password_is_not_repeated() {
    let Some((db, _)) = start() else { return };
    db.exec("ALTER ROLE reader PASSWORD 'p@ss/w:rd %'; GRANT SELECT ON t TO reader");
    let hba = server(&db).socket_folder().join("data/pg_hba.conf");
    fs::write(hba, "host all reader all scram-sha-256\nhost all all all trust\n").unwrap();
    db.exec("SELECT pg_reload_conf()");
    let url = |password| format!("postgresql+asyncpg://reader:{password}@127.0.0.1:{}/app", server(&db).port());
    let error = open(&url("hunter2")).unwrap().identity().unwrap_err();
    assert_says(&error, &["reader:***@", "password authentication failed", "check the user and the password"]);
    assert!(!format!("{error:?}").contains("hunter2"));
    open(&url("p%40ss%2Fw%3Ard%20%25")).unwrap().identity().unwrap();
    assert_says(
        &open(&db.url().replace("/app", "/nope")).unwrap().identity().unwrap_err(),
        &["\"nope\"", "database's name"],
    );
}
