//! What is MySQL's and MariaDB's own.

use upsweep_adapters::claims::open;
use upsweep_engine::ports::{ClaimError, Horizon};
use upsweep_testkit::MariaDb;

use crate::db::{Db, Row, assert_says, fail, read, read_all, rule};

fn start() -> Option<Db> {
    let db = Db::mariadb()?;
    db.exec(
        "CREATE TABLE t (x VARCHAR(50)) ENGINE=InnoDB; INSERT INTO t VALUES ('1'), ('2'), ('3');
         CREATE USER reader@'%'; CREATE USER writer@'%' IDENTIFIED BY 'p@ss/w:rd %';
         GRANT SELECT ON app.* TO reader@'%'; GRANT SELECT, INSERT ON app.* TO writer@'%'",
    );
    Some(db)
}

fn server(db: &Db) -> &MariaDb {
    let Db::MariaDb(server) = db else { panic!("a MariaDB server") };
    server
}

fn cells(text: &[&str]) -> Row {
    text.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
}

#[test]
fn no_limit_of_the_servers_cuts_the_rows() {
    let Some(db) = start() else { return };
    db.exec(
        "SET GLOBAL sql_select_limit = 1; SET GLOBAL group_concat_max_len = 4; SET GLOBAL max_statement_time = 0.3",
    );
    assert_eq!(read(&db, &rule("t", &["x"])).unwrap().len(), 3);
    let grouped = read(&db, &rule("SELECT GROUP_CONCAT(x ORDER BY x SEPARATOR '--') AS x FROM t", &["x"]));
    assert_eq!(grouped.unwrap(), [cells(&["1--2--3"])]);
    let slow = read(&db, &rule("SELECT x FROM t WHERE SLEEP(0.3) = 0", &["x"]));
    assert_eq!(slow.unwrap().len(), 3);
}

#[test]
fn tables_without_transactions_are_refused() {
    let Some(db) = start() else { return };
    db.exec(
        "CREATE TABLE old (x VARCHAR(50)) ENGINE=MyISAM; CREATE TABLE aria (x VARCHAR(50)) ENGINE=Aria;
         CREATE TABLE mem (x VARCHAR(50)) ENGINE=MEMORY; CREATE VIEW v AS SELECT x FROM old;
         CREATE VIEW vv AS SELECT x FROM v; CREATE VIEW good AS SELECT x FROM t;
         CREATE DATABASE other; CREATE TABLE other.far (x INT) ENGINE=MyISAM",
    );
    for (source, table, engine) in [
        ("old", "app.old", "MyISAM"),
        ("aria", "app.aria", "Aria"),
        ("mem", "app.mem", "MEMORY"),
        ("v", "app.old", "MyISAM"),
        ("vv", "app.old", "MyISAM"),
        ("other.far", "other.far", "MyISAM"),
        ("SELECT x FROM OLD", "app.old", "MyISAM"),
        ("SELECT x FROM t UNION SELECT x FROM `app`.`aria`", "app.aria", "Aria"),
        ("SELECT x FROM vv", "app.old", "MyISAM"),
        ("SELECT x FROM other.far", "other.far", "MyISAM"),
    ] {
        let error = fail(&db, &rule(source, &["x"]));
        assert_says(&error, &[table, &format!("storage engine {engine}"), "ENGINE=InnoDB"]);
    }
    for source in ["t", "good", "SELECT x FROM good -- not old", "SELECT x FROM t WHERE x <> 'old'"] {
        assert_eq!(read(&db, &rule(source, &["x"])).unwrap().len(), 3, "{source}");
    }
    let reader = server(&db).url("reader", "app");
    let error = read_all(open(&reader).unwrap().as_mut(), &[rule("good", &["x"])]).unwrap_err();
    assert_says(&error, &["app.good", "GRANT SHOW VIEW"]);
}

#[test]
fn exact_types_are_rendered_exactly() {
    let Some(db) = start() else { return };
    db.exec(
        "SET GLOBAL sql_mode = 'STRICT_ALL_TABLES,PAD_CHAR_TO_FULL_LENGTH,NO_ZERO_DATE';
         CREATE TABLE k (a ENUM('it''s', 'failed'), b CHAR(10), c VARCHAR(10), d DECIMAL(10, 3), e BIGINT UNSIGNED,
                         f BOOL, g YEAR, h UUID, i SET('p', 'q'), j TINYTEXT CHARACTER SET latin1, l DATETIME(3));
         SET SESSION sql_mode = '';
         INSERT INTO k VALUES ('it''s', 'x', 'y ', 12.34, 18446744073709551615, TRUE, 2026,
                               '0B5A1E9C-3F5B-4C53-9D1A-6C3A0F6F1A2B', 'p,q', 'é', '0000-00-00 00:00:00')",
    );
    let rows = read(&db, &rule("k", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "l"])).unwrap();
    let expected = [
        "it's",
        "x",
        "y ",
        "12.340",
        "18446744073709551615",
        "1",
        "2026",
        "0b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b",
        "p,q",
        "é",
        "0000-00-00 00:00:00.000",
    ];
    assert_eq!(rows, [cells(&expected)]);
}

#[test]
fn a_reading_role_is_told_from_a_writing_one() {
    let Some(db) = start() else { return };
    let can_write = |url: &str| read_all(open(url).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap().0.role_can_write;
    assert_eq!(can_write(&server(&db).url("reader", "app")), Some(false));
    assert_eq!(can_write(&server(&db).url("writer:p%40ss%2Fw%3Ard%20%25", "app")), Some(true));
    assert_eq!(can_write(&db.url()), Some(true));
    db.exec("CREATE DATABASE other; CREATE TABLE other.u (x INT)");
    let reader = server(&db).url("reader", "app");
    let hidden = read_all(open(&reader).unwrap().as_mut(), &[rule("SELECT x FROM other.u", &["x"])]).unwrap_err();
    assert!(matches!(hidden, ClaimError::Rule { .. }), "{hidden:?}");
    assert_says(&hidden, &["denied", "GRANT SELECT"]);
}

#[test]
fn identity_and_clock_are_the_servers() {
    let Some(db) = start() else { return };
    let (snapshot, _) = read_all(db.source().as_mut(), &[rule("t", &["x"])]).unwrap();
    assert_eq!((snapshot.identity.engine.as_str(), snapshot.identity.database.as_str()), ("mariadb", "app"));
    assert_eq!(snapshot.horizon, Horizon::Clock);
    #[expect(clippy::disallowed_methods, reason = "the database's clock is compared with this machine's")]
    let apart = snapshot.clock.unwrap().duration_since(jiff::Timestamp::now()).abs();
    assert!(apart.as_secs() < 60, "{apart}");
    let reader = open(&server(&db).url("reader", "app")).unwrap().identity().unwrap();
    assert_eq!(reader, snapshot.identity);
    assert!(!snapshot.is_replica);
    db.exec("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'nobody'");
    assert!(read_all(db.source().as_mut(), &[]).unwrap().0.is_replica, "it has somebody to follow");
    db.exec("RESET SLAVE ALL; SET GLOBAL read_only = ON");
    assert!(read_all(db.source().as_mut(), &[]).unwrap().0.is_replica, "a read-only server may be one");
}

#[test]
fn an_error_in_the_middle_is_no_end() {
    let Some(db) = start() else { return };
    let broken = "SELECT IF(seq = 4000, (SELECT seq UNION SELECT 0), seq) AS x FROM seq_1_to_5000";
    assert_says(&fail(&db, &rule(broken, &["x"])), &["more than 1 row"]);
    let kill = "SELECT IF(seq = 4000, SLEEP(30), seq) AS x FROM seq_1_to_5000";
    let url = db.url();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(open(&url).unwrap().as_mut(), &[rule(kill, &["x"])]).map(|_| ()));
        let victim = "SELECT CONCAT('KILL ', ID) FROM information_schema.PROCESSLIST
                      WHERE INFO LIKE 'SELECT q.%' AND TIME_MS > 300";
        let kill = (0..200).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            Some(server(&db).exec("app", victim)).filter(|found| !found.trim().is_empty())
        });
        db.exec(kill.unwrap().trim());
        let error = reading.join().unwrap().unwrap_err();
        assert!(matches!(error, ClaimError::Incomplete { .. }), "{error:?}");
    });
}

#[test]
fn a_server_that_dies_leaves_the_read_incomplete() {
    let Some(mut db) = start() else { return };
    let long = rule("SELECT RPAD(seq, 200, 'x') AS x FROM seq_1_to_400000", &["x"]);
    let mut source = db.source();
    let mut rows = 0;
    let result = source.read(&[long], &mut |_, _| {
        rows += 1;
        if rows == 10 {
            let Db::MariaDb(server) = &mut db else { panic!("a MariaDB server") };
            server.stop();
        }
    });
    assert!(matches!(result, Err(ClaimError::Incomplete { .. })), "{result:?} after {rows} rows");
    assert!(matches!(source.identity(), Err(ClaimError::Connect { .. })));
}

#[test]
fn a_unix_socket_will_do() {
    let Some(db) = start() else { return };
    let socket = server(&db).socket();
    let url = format!("mysql+pymysql://root@localhost/app?unix_socket={}", socket.display());
    assert_eq!(open(&url).unwrap().identity().unwrap(), db.source().identity().unwrap());
}

#[test]
fn a_wrong_password_is_not_repeated() {
    let Some(db) = start() else { return };
    let error = open(&server(&db).url("writer:hunter2", "app")).unwrap().identity().unwrap_err();
    assert_says(&error, &["writer:***@", "Access denied", "check the user and the password"]);
    assert!(!format!("{error:?}").contains("hunter2"));
    let nowhere = open(&server(&db).url("root", "nope")).unwrap().identity().unwrap_err();
    assert_says(&nowhere, &["nope", "check the database's name"]);
    let nameless = open(&server(&db).url("root", "")).unwrap().identity().unwrap_err();
    assert_says(&nameless, &["names no database"]);
}
