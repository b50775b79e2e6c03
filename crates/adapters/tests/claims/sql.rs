//! What holds for every source that speaks SQL.

use jiff::Timestamp;
use upsweep_adapters::claims::open;
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::RowSource;
use upsweep_plan::timetext;

use crate::db::{Db, Kind, assert_says, fail, read, read_all, rule};

everywhere!([postgres, mariadb, sqlite] {
    a_commit_between_rules_is_not_seen,
    points_in_time_parse,
    values_without_exact_text_are_refused,
    awkward_table_names_are_found,
    a_table_name_is_never_sql,
    queries_may_end_as_people_end_them,
    mistakes_in_queries_are_the_rules_fault,
});

fn a_commit_between_rules_is_not_seen(mut db: Db) {
    db.table("a", &[("x", Kind::Text)], &[vec![Some(b"1".as_slice())]]);
    db.table("b", &[("x", Kind::Text)], &[]);
    let mut source = db.source();
    let mut seen = vec![];
    let rules = [rule("a", &["x"]), rule("b", &["x"])];
    let snapshot = source.read(&rules, &mut |rule, _| {
        seen.push(rule);
        db.exec("INSERT INTO b VALUES ('late')");
    });
    assert_eq!(snapshot.unwrap().rows, [1, 0]);
    assert_eq!(seen, [0]);
    assert_eq!(read(&db, &rules[1]).unwrap().len(), 1, "the commit itself went through");
}

fn points_in_time_parse(db: Db) {
    let moment: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let (kinds, values) = match &db {
        Db::Postgres(_) => (
            ["timestamp", "timestamptz", "timestamptz(3)", "text", "bigint"],
            [
                "2026-03-04 05:06:07",
                "2026-03-04 07:06:07+02",
                "2026-03-04 05:06:07Z",
                "2026-03-04T05:06:07Z",
                "1772600767",
            ],
        ),
        Db::MariaDb(_) => (
            ["DATETIME", "DATETIME(6)", "TIMESTAMP", "VARCHAR(40)", "BIGINT"],
            ["2026-03-04 05:06:07", "2026-03-04 05:06:07", "2026-03-04 05:06:07", "2026-03-04T05:06:07Z", "1772600767"],
        ),
        Db::Sqlite(_) | Db::Memory(_) => (
            ["TIMESTAMP", "DATETIME", "TEXT", "TEXT", "INTEGER"],
            [
                "2026-03-04 05:06:07",
                "2026-03-04 05:06:07.000000",
                "2026-03-04T05:06:07+00:00",
                "2026-03-04T05:06:07Z",
                "1772600767",
            ],
        ),
    };
    // The server's own zone must not shine through.
    let zone = match &db {
        Db::Postgres(_) => {
            "ALTER DATABASE app SET TimeZone = 'Asia/Kolkata'; ALTER DATABASE app SET DateStyle = 'German';"
        }
        Db::MariaDb(_) => "SET GLOBAL time_zone = '+05:30'; SET SESSION time_zone = '+00:00';",
        Db::Sqlite(_) | Db::Memory(_) => "",
    };
    let columns: Vec<String> = kinds.iter().enumerate().map(|(at, kind)| format!("c{at} {kind} NULL")).collect();
    db.exec(&format!(
        "{zone} CREATE TABLE t ({}, d DATE); INSERT INTO t VALUES ('{}', '2026-03-04');",
        columns.join(", "),
        values.join("', '")
    ));
    let rows = read(&db, &rule("t", &["c0", "c1", "c2", "c3", "c4", "d"])).unwrap();
    for (at, cell) in rows[0].iter().enumerate().take(5) {
        let text = cell.as_deref().unwrap();
        assert_eq!(timetext::parse(text), Some(moment), "{}: {}", kinds[at], String::from_utf8_lossy(text));
    }
    let day = timetext::parse(rows[0][5].as_deref().unwrap());
    assert_eq!(day, Some("2026-03-04T00:00:00Z".parse().unwrap()));
}

fn values_without_exact_text_are_refused(db: Db) {
    let cases: &[(&str, &str, &str)] = match &db {
        Db::Postgres(_) => &[
            ("double precision", "1.5", "numeric"),
            ("bytea", "'\\x00'", "convert_from"),
            ("jsonb", "'{}'", "->>"),
            ("text[]", "'{a}'", "unnest"),
            ("interval", "'1 day'", "::text"),
        ],
        Db::MariaDb(_) => &[
            ("DOUBLE", "1.5", "DECIMAL"),
            ("FLOAT", "1.5", "DECIMAL"),
            ("BINARY(16)", "'x'", "BIN_TO_UUID"),
            ("LONGBLOB", "'x'", "CONVERT"),
            ("BIT(3)", "1", "CAST"),
            ("TIME", "'10:00:00'", "CAST"),
        ],
        Db::Sqlite(_) | Db::Memory(_) => &[("REAL", "1.5", "CAST"), ("BLOB", "x'00'", "CAST")],
    };
    for (at, (kind, value, advice)) in cases.iter().enumerate() {
        db.exec(&format!("CREATE TABLE t{at} (id INT, \n bad {kind}); INSERT INTO t{at} VALUES (1, {value})"));
        let error = fail(&db, &rule(&format!("t{at}"), &["id", "bad"]));
        assert!(matches!(error, ClaimError::Unrenderable { .. }), "{kind}: {error}");
        assert_says(&error, &[&format!("claim rule 't{at}'"), "column 'bad'", advice]);
        // A column that the rule does not use may be anything.
        assert_eq!(read(&db, &rule(&format!("t{at}"), &["id"])).unwrap().len(), 1, "{kind}");
    }
}

fn awkward_table_names_are_found(mut db: Db) {
    for name in ["Order \"Items\"", "tick`s", "dotted.name", "semi;colon", "Ünï"] {
        db.table(name, &[("x", Kind::Text)], &[vec![Some(name.as_bytes())]]);
        assert_eq!(read(&db, &rule(name, &["x"])).unwrap(), [vec![Some(name.as_bytes().to_vec())]]);
    }
    let quoted = db.quote("Order \"Items\"");
    assert_eq!(read(&db, &rule(&quoted, &["x"])).unwrap().len(), 1, "quoted as in SQL");
    let schema = match &db {
        Db::Postgres(_) => "public",
        Db::MariaDb(_) => "app",
        Db::Sqlite(_) | Db::Memory(_) => "main",
    };
    for spelling in [format!("{schema}.tick`s"), format!("{}.{}", db.quote(schema), db.quote("tick`s"))] {
        assert_eq!(read(&db, &rule(&spelling, &["x"])).unwrap().len(), 1, "{spelling}");
    }
}

fn a_table_name_is_never_sql(mut db: Db) {
    db.table("t", &[("x", Kind::Text)], &[vec![Some(b"1".as_slice())]]);
    for name in [
        "t; DROP TABLE t",
        "t --",
        "t\" AS q; DROP TABLE t; --",
        "t` AS q; DROP TABLE t; -- ",
        "(SELECT 1)",
        "t WHERE 1=0",
        "'t'",
        "",
        ".",
        "t\\",
    ] {
        let mut attempt = rule("t", &["x"]);
        attempt.source = RowSource::Table(name.to_owned());
        assert_says(&fail(&db, &attempt), &["there is no table"]);
    }
    for column in ["x\" FROM t; DROP TABLE t; --", "x`", "x, 1"] {
        let mut attempt = rule("t", &["x"]);
        attempt.owner = Some(column.to_owned());
        assert_says(&fail(&db, &attempt), &["no column"]);
    }
    assert_eq!(read(&db, &rule("t", &["x"])).unwrap().len(), 1, "the table is still there");
}

fn queries_may_end_as_people_end_them(mut db: Db) {
    db.table("t", &[("x", Kind::Text)], &[vec![Some(b"1".as_slice())], vec![Some(b"2".as_slice())]]);
    for tail in ["", ";", " -- x", ";\n-- the end;", " /* it's */ ;", " ORDER BY x", "\n\n;\n"] {
        let rows = read(&db, &rule(&format!("SELECT x AS \n name FROM t{tail}"), &["name"]));
        assert_eq!(rows.unwrap().len(), 2, "{tail}");
    }
    let mut with = rule("t", &["x"]);
    with.source = RowSource::Query("WITH a AS (SELECT x FROM t) SELECT x FROM a UNION ALL SELECT x FROM a".to_owned());
    assert_eq!(read(&db, &with).unwrap().len(), 4);
}

fn mistakes_in_queries_are_the_rules_fault(mut db: Db) {
    db.table("t", &[("x", Kind::Text)], &[]);
    for (query, says) in [
        ("SELECT x FROM", "correct the rule"),
        ("SELECT x FROM nowhere", "nowhere"),
        ("SELECT nope FROM t", "nope"),
        ("SELECT x FROM t; DELETE FROM t", "more than one statement"),
        ("SELECT a.x, b.x FROM t a, t b", "x"),
    ] {
        let error = fail(&db, &rule(query, &["x"]));
        assert!(matches!(error, ClaimError::Rule { .. }), "{query}: {error:?}");
        assert_says(&error, &["claim rule 'query'", says]);
    }
    let other = read_all(db.source().as_mut(), &[rule("SELECT x FROM t", &["y"])]).unwrap_err();
    assert_says(&other, &["no column 'y'", "the columns are x"]);
}

#[test]
fn nothing_is_reached_and_no_password_told() {
    for scheme in ["postgresql+asyncpg", "mysql+pymysql"] {
        // Port 1 is reserved and refuses.
        let mut source = open(&format!("{scheme}://me:hunter2@127.0.0.1:1/app")).unwrap();
        let results =
            [source.identity().map(|_| ()), source.horizon().map(|_| ()), source.read(&[], &mut |_, _| {}).map(|_| ())];
        for error in results.map(Result::unwrap_err) {
            assert!(matches!(error, ClaimError::Connect { .. }), "{error:?}");
            assert_says(&error, &["me:***@127.0.0.1:1/app", "check"]);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
