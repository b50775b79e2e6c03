//! What is SQLite's own.

use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use upsweep_adapters::claims::url::DatabaseUrl;
use upsweep_adapters::claims::{SqliteClaims, open};
use upsweep_engine::ports::ClaimError;

use crate::db::{assert_says, read_all, rule};

fn file(folder: &TempDir) -> (Connection, String) {
    let path = folder.path().join("app.db");
    (Connection::open(&path).unwrap(), format!("sqlite:///{}", path.display()))
}

#[test]
fn a_busy_file_is_incomplete() {
    let folder = TempDir::new().unwrap();
    let (writer, url) = file(&folder);
    writer.execute_batch("CREATE TABLE t (x TEXT); BEGIN EXCLUSIVE; INSERT INTO t VALUES ('1')").unwrap();
    let DatabaseUrl::Sqlite(url) = DatabaseUrl::parse(&url).unwrap() else { panic!("an SQLite URL") };
    let mut source = SqliteClaims::new(url).with_busy_timeout(Duration::from_millis(50));
    let error = read_all(&mut source, &[rule("t", &["x"])]).unwrap_err();
    assert!(matches!(error, ClaimError::Incomplete { .. }), "{error:?}");
    assert_says(&error, &["another process is writing"]);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(read_all(&mut source, &[rule("t", &["x"])]).unwrap().0.rows, [1]);
}

#[test]
fn a_wal_file_is_read_while_it_is_written() {
    let folder = TempDir::new().unwrap();
    let (writer, url) = file(&folder);
    writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('1')").unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES ('not yet')").unwrap();
    let mut source = open(&url).unwrap();
    assert_eq!(read_all(source.as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [1]);
    writer.execute_batch("COMMIT").unwrap();
    // The file is closed by the time rows arrive, so that a checkpoint gets through.
    let mut blocked = None;
    source
        .read(&[rule("t", &["x"])], &mut |_, _| {
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            blocked = writer.query_row(checkpoint, [], |row| row.get::<_, i64>(0)).ok();
        })
        .unwrap();
    assert_eq!(blocked, Some(0));
    drop(writer);
    assert_eq!(read_all(source.as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [2], "also when nobody has it open");
}

#[test]
fn a_missing_file_is_not_created() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:///{}/none.db", folder.path().display());
    let error = open(&url).unwrap().identity().unwrap_err();
    assert!(matches!(error, ClaimError::Connect { .. }), "{error:?}");
    assert_says(&error, &["there is no file", "none.db"]);
    let relative = open("sqlite:///no-such-app.db").unwrap().identity().unwrap_err();
    assert_says(&relative, &["no-such-app.db and no file /no-such-app.db"]);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_is_no_database_is_no_empty_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.db");
    std::fs::write(&path, "not a database, just some text that is long enough to be looked at").unwrap();
    let mut source = open(&format!("sqlite:{}", path.display())).unwrap();
    assert_says(&source.identity().unwrap_err(), &["not a database"]);
    assert_says(&read_all(source.as_mut(), &[rule("t", &["x"])]).unwrap_err(), &["not a database"]);
    let of_folder = open(&format!("sqlite:{}", folder.path().display())).unwrap().identity().unwrap_err();
    assert_says(&of_folder, &["is not a file"]);
}

#[test]
fn text_that_is_no_utf8_survives() {
    let folder = TempDir::new().unwrap();
    let (writer, url) = file(&folder);
    writer.execute_batch("CREATE TABLE t (x TEXT); INSERT INTO t VALUES (CAST(x'ff00fe2e6d3461' AS TEXT))").unwrap();
    let (_, rows) = read_all(open(&url).unwrap().as_mut(), &[rule("t", &["x"])]).unwrap();
    assert_eq!(rows[&0], [vec![Some(b"\xff\x00\xfe.m4a".to_vec())]]);
}

#[test]
fn a_quoted_column_is_never_a_string() {
    let folder = TempDir::new().unwrap();
    let (writer, url) = file(&folder);
    writer.execute_batch("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('1')").unwrap();
    let error = read_all(open(&url).unwrap().as_mut(), &[rule("t", &["xx"])]).unwrap_err();
    assert_says(&error, &["no column 'xx'"]);
}

#[test]
fn a_path_with_uri_syntax_is_a_path() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a#b %41.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x TEXT)").unwrap();
    let mut source = open(&format!("sqlite:{}", path.display())).unwrap();
    assert_eq!(source.identity().unwrap().database, "a#b %41.db");
    assert_eq!(read_all(source.as_mut(), &[rule("t", &["x"])]).unwrap().0.rows, [0]);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn one_file_is_one_database_by_any_path() {
    let folder = TempDir::new().unwrap();
    let (_, url) = file(&folder);
    open(&url).unwrap().identity().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let other = open(&format!("sqlite:{}/app.db", link.display())).unwrap().identity().unwrap();
    assert_eq!(other, open(&url).unwrap().identity().unwrap());
    assert_eq!(other.engine, "sqlite");
}
