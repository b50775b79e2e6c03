//! What holds for every database.

use std::time::Duration;

use upsweep_adapters::accounts::{Account, AccountError, Accounts, open};

use crate::db::{Db, Kind};

everywhere!([postgres, mariadb, sqlite] {
    an_account_has_its_role_and_whether_it_is_active,
    who_has_no_account_has_none_whatever_the_subject_looks_like,
    the_subject_is_data_and_never_a_part_of_the_query,
    several_rows_are_a_mistake_and_no_account,
    a_missing_column_tells_nothing,
    what_is_neither_true_nor_false_is_a_mistake,
    a_query_that_cannot_run_is_told_without_the_subject,
    nothing_can_be_written,
    a_query_that_takes_too_long_is_ended,
    a_database_that_is_away_is_no_missing_account,
});

const PATIENCE: Duration = Duration::from_secs(5);

fn accounts(db: &Db, query: &str) -> Box<dyn Accounts> {
    open(&db.url(), query, PATIENCE).unwrap()
}

fn users(db: &mut Db) {
    let columns =
        [("id", Kind::Int), ("uid", Kind::Uuid), ("name", Kind::Text), ("role", Kind::Text), ("active", Kind::Text)];
    let row = |cells: [Option<&'static str>; 5]| cells.map(|cell| cell.map(str::as_bytes)).to_vec();
    let rows = [
        row([Some("1"), Some("0b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some("anna"), Some("therapist"), Some("yes")]),
        row([Some("2"), Some("1b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some("ben"), Some("admin"), Some("no")]),
        row([Some("3"), Some("2b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some("o'neill \\ 名"), None, None]),
        row([Some("0"), Some("3b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some("twin"), Some("admin"), Some("yes")]),
        row([Some("5"), Some("4b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some("twin"), Some("admin"), Some("yes")]),
    ];
    db.table("users", &columns, &rows);
}

fn account(role: &str, is_active: bool) -> Option<Account> {
    Some(Account { role: Some(role.to_owned()), is_active })
}

const BY_ID: &str = "SELECT role, active = 'yes' AS is_active FROM users WHERE id = :subject;";
const BY_NAME: &str = "SELECT role, active = 'yes' AS is_active FROM users WHERE name = :subject -- ':subject'";

fn an_account_has_its_role_and_whether_it_is_active(mut db: Db) {
    users(&mut db);
    let by_id = accounts(&db, BY_ID);
    assert_eq!(by_id.look_up("1").unwrap(), account("therapist", true));
    assert_eq!(by_id.look_up("2").unwrap(), account("admin", false));
    let by_name = accounts(&db, BY_NAME);
    assert_eq!(by_name.look_up("anna").unwrap(), account("therapist", true));
    assert_eq!(by_name.look_up("o'neill \\ 名").unwrap(), account("", false), "NULL is no role, and not active");
    let by_uuid = accounts(&db, "WITH u AS (SELECT * FROM users) SELECT role FROM u WHERE uid = :subject");
    let found = by_uuid.look_up("0b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b").unwrap();
    assert_eq!(found, account("therapist", true));
    let twice =
        accounts(&db, "SELECT role, 1 AS is_active FROM users WHERE name = :subject AND :subject <> 'x' LIMIT 1");
    assert_eq!(twice.look_up("anna").unwrap(), account("therapist", true));
}

fn who_has_no_account_has_none_whatever_the_subject_looks_like(mut db: Db) {
    users(&mut db);
    let by_uuid = accounts(&db, "SELECT role FROM users WHERE uid = :subject");
    for subject in ["7", "nobody", "1x", "1 ", "", "99999999999999999999999999", "1e0x", "0x1", "-", "é"] {
        // A number with blanks around it is that number.
        if subject.trim() == subject {
            assert_eq!(accounts(&db, BY_ID).look_up(subject).unwrap(), None, "id {subject:?}");
        }
        assert_eq!(by_uuid.look_up(subject).unwrap(), None, "uuid {subject:?}");
        assert_eq!(accounts(&db, BY_NAME).look_up(subject).unwrap(), None, "name {subject:?}");
    }
}

fn the_subject_is_data_and_never_a_part_of_the_query(mut db: Db) {
    users(&mut db);
    for subject in ["' OR '1'='1", "anna' --", "x'; DROP TABLE users; --", "\\' OR 1=1 -- ", "$1", "?", ":subject"] {
        assert_eq!(accounts(&db, BY_NAME).look_up(subject).unwrap(), None, "{subject}");
        assert_eq!(accounts(&db, BY_ID).look_up(subject).unwrap(), None, "{subject}");
    }
    assert_eq!(accounts(&db, BY_ID).look_up("1").unwrap(), account("therapist", true));
}

fn several_rows_are_a_mistake_and_no_account(mut db: Db) {
    users(&mut db);
    let found = accounts(&db, BY_NAME).look_up("twin");
    assert!(matches!(found, Err(AccountError::Several)), "{found:?}");
}

fn a_missing_column_tells_nothing(mut db: Db) {
    users(&mut db);
    let role = accounts(&db, "SELECT id, role AS ROLE FROM users WHERE name = :subject").look_up("ben");
    assert_eq!(role.unwrap(), account("admin", true));
    let active = accounts(&db, "SELECT active AS is_active FROM users WHERE name = :subject");
    assert_eq!(active.look_up("anna").unwrap(), Some(Account { role: None, is_active: true }));
    assert_eq!(active.look_up("ben").unwrap(), Some(Account { role: None, is_active: false }));
    let neither = accounts(&db, "SELECT id FROM users WHERE name = :subject").look_up("anna").unwrap_err();
    assert!(neither.to_string().contains("must have the column role, is_active, or both"), "{neither}");
}

fn what_is_neither_true_nor_false_is_a_mistake(mut db: Db) {
    users(&mut db);
    let found = accounts(&db, "SELECT name AS is_active FROM users WHERE id = :subject").look_up("1").unwrap_err();
    assert!(found.to_string().contains("neither true nor false"), "{found}");
}

fn a_query_that_cannot_run_is_told_without_the_subject(mut db: Db) {
    users(&mut db);
    for wrong in ["SELECT role FROM userz WHERE id = :subject", "SELECT role FROM users WHERE idd = :subject"] {
        let error = accounts(&db, wrong).look_up("anna").unwrap_err();
        assert!(matches!(error, AccountError::Query(_)), "{error:?}");
        assert!(error.to_string().starts_with("auth_user_query: ") && !error.to_string().contains("anna"), "{error}");
    }
}

fn nothing_can_be_written(mut db: Db) {
    users(&mut db);
    let refused = open(&db.url(), "UPDATE users SET role = :subject", PATIENCE).map(drop).unwrap_err();
    assert!(refused.to_string().contains("must begin with SELECT or WITH"), "{refused}");
    let hidden = "WITH x AS (DELETE FROM users WHERE name = :subject RETURNING role) SELECT role FROM x";
    assert!(matches!(accounts(&db, hidden).look_up("anna"), Err(AccountError::Query(_))));
    if let Db::Postgres(_) = &db {
        db.exec("CREATE FUNCTION gone(text) RETURNS text LANGUAGE sql AS 'DELETE FROM users RETURNING role'");
        let error = accounts(&db, "SELECT gone(:subject) AS role").look_up("anna").unwrap_err();
        assert!(error.to_string().contains("read-only"), "{error}");
    }
    assert_eq!(accounts(&db, BY_NAME).look_up("anna").unwrap(), account("therapist", true));
}

fn a_query_that_takes_too_long_is_ended(mut db: Db) {
    users(&mut db);
    let slow = match &db {
        Db::Postgres(_) => "SELECT pg_sleep(60)::text AS role WHERE 'x' <> :subject",
        Db::MariaDb(_) => "SELECT SLEEP(60) AS role FROM users WHERE 'x' <> :subject",
        Db::Sqlite(_) | Db::Memory(_) => {
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) AS role FROM c WHERE x <> :subject"
        }
    };
    let error = open(&db.url(), slow, Duration::from_millis(300)).unwrap().look_up("anna").unwrap_err();
    assert!(matches!(error, AccountError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("took too long"), "{error}");
}

fn a_database_that_is_away_is_no_missing_account(mut db: Db) {
    users(&mut db);
    let accounts = accounts(&db, BY_NAME);
    match &mut db {
        Db::Postgres(server) => server.stop(),
        Db::MariaDb(server) => server.stop(),
        Db::Sqlite(folder) => std::fs::write(folder.path().join("app.db"), "no database at all").unwrap(),
        Db::Memory(_) => {}
    }
    let error = accounts.look_up("anna").unwrap_err();
    assert!(matches!(error, AccountError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("anna"), "{error}");
}
