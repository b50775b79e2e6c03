//! What holds for every source, memory included.

use upsweep_engine::ports::ClaimError;

use crate::db::{Db, Kind, Row, assert_says, fail, read, read_all, rule};

everywhere!([postgres, mariadb, sqlite, memory] {
    hostile_values_arrive_byte_for_byte,
    ids_of_every_kind_are_text,
    several_rules_keep_their_rows_apart,
    fifty_thousand_rows_stream,
    a_missing_table_is_named,
    a_missing_column_is_named,
    one_database_says_one_identity,
    a_check_finds_what_a_reading_would,
});

fn hostile_values_arrive_byte_for_byte(mut db: Db) {
    let long = "ü".repeat(5_000);
    let values: Vec<Option<&str>> = vec![
        None,
        Some(""),
        Some("a.m4a"),
        Some(" leading and trailing  "),
        Some("it's \"quoted\" `too`"),
        Some("line\nbreak\r\nand\ttab"),
        Some(r"back\slash \n \\ \t"),
        Some(r"\N"),
        Some("NULL"),
        Some("\\"),
        Some("\\."),
        Some("\u{8}\u{b}\u{c}\u{1b}\u{7f}"),
        Some("e\u{301} é 录音 🎙"),
        Some("%00%2e%2e/../x"),
        Some(&long),
    ];
    let rows: Vec<Vec<Option<&[u8]>>> =
        values.iter().map(|value| vec![value.map(str::as_bytes), Some(b"x".as_slice())]).collect();
    db.table("t", &[("name", Kind::Text), ("other", Kind::Text)], &rows);
    let mut expected: Vec<Row> =
        values.iter().map(|value| vec![value.map(|text| text.as_bytes().to_vec()), Some(b"x".to_vec())]).collect();
    expected.sort();
    assert_eq!(read(&db, &rule("t", &["name", "other"])).unwrap(), expected);
}

fn ids_of_every_kind_are_text(mut db: Db) {
    let row: Vec<Option<&[u8]>> =
        vec![Some(b"9223372036854775807".as_slice()), Some(b"0b5a1e9c-3f5b-4c53-9d1a-6c3a0f6f1a2b"), Some(b"007")];
    let columns = [("number", Kind::Int), ("uuid", Kind::Uuid), ("text", Kind::Text)];
    db.table("t", &columns, &[row.clone(), vec![Some(b"-7"), None, None]]);
    let owned = |row: &[Option<&[u8]>]| row.iter().map(|cell| cell.map(<[u8]>::to_vec)).collect::<Row>();
    let read = read(&db, &rule("t", &["number", "uuid", "text"])).unwrap();
    assert_eq!(read, [owned(&[Some(b"-7"), None, None]), owned(&row)]);
}

fn several_rules_keep_their_rows_apart(mut db: Db) {
    db.table("a", &[("x", Kind::Text), ("y", Kind::Text)], &[vec![Some(b"1".as_slice()), Some(b"2")]]);
    db.table("b", &[("x", Kind::Text)], &[]);
    db.table("c", &[("x", Kind::Text)], &[vec![Some(b"3".as_slice())], vec![None]]);
    // The order of the cells is the rule's, not the table's.
    let rules = [rule("a", &["y", "x"]), rule("b", &["x"]), rule("c", &["x"])];
    let (snapshot, rows) = read_all(db.source().as_mut(), &rules).unwrap();
    assert_eq!(snapshot.rows, [1, 0, 2]);
    assert_eq!(rows[&0], [vec![Some(b"2".to_vec()), Some(b"1".to_vec())]]);
    assert_eq!(rows[&2].len(), 2);
    assert!(!snapshot.is_replica);
}

fn fifty_thousand_rows_stream(mut db: Db) {
    let names: Vec<String> = (0..50_000).map(|n| format!("recording-{n:06}.m4a")).collect();
    let rows: Vec<Vec<Option<&[u8]>>> = names.iter().map(|name| vec![Some(name.as_bytes())]).collect();
    db.table("t", &[("name", Kind::Text)], &rows);
    let mut seen = vec![];
    let snapshot = db.source().read(&[rule("t", &["name"])], &mut |_, cells| seen.push(cells[0].unwrap().to_vec()));
    assert_eq!(snapshot.unwrap().rows, [50_000]);
    seen.sort();
    assert!(seen.iter().zip(&names).all(|(seen, name)| seen == name.as_bytes()));
}

fn a_missing_table_is_named(mut db: Db) {
    db.table("session", &[("id", Kind::Text)], &[]);
    let error = fail(&db, &rule("sessions", &["id"]));
    assert!(matches!(error, ClaimError::Rule { .. }), "{error:?}");
    assert_says(
        &error,
        &["claim rule 'sessions'", "no table 'sessions'", "similar ones are", "session", "UPSWEEP_SESSIONS_TABLE"],
    );
}

fn a_missing_column_is_named(mut db: Db) {
    db.table("t", &[("id", Kind::Text), ("audio_file_name", Kind::Text)], &[]);
    let error = fail(&db, &rule("t", &["audio_filename", "id"]));
    assert!(matches!(error, ClaimError::Rule { .. }), "{error:?}");
    assert_says(
        &error,
        &["no column 'audio_filename'", "did you mean audio_file_name?", "the columns are id, audio_file_name"],
    );
}

fn one_database_says_one_identity(mut db: Db) {
    db.table("t", &[("id", Kind::Text)], &[]);
    let mut source = db.source();
    let identity = source.identity().unwrap();
    assert_eq!(source.identity().unwrap(), identity);
    let snapshot = source.read(&[rule("t", &["id"])], &mut |_, _| {}).unwrap();
    assert_eq!(snapshot.identity, identity);
    assert!(!identity.server.is_empty() && !identity.database.is_empty(), "{identity:?}");
    source.horizon().unwrap();
}

fn a_check_finds_what_a_reading_would(mut db: Db) {
    db.table("t", &[("id", Kind::Text)], &[vec![Some(b"1".as_slice())]]);
    let mut source = db.source();
    let good = rule("t", &["id"]);
    let checked = source.check(std::slice::from_ref(&good)).unwrap();
    let read = source.read(std::slice::from_ref(&good), &mut |_, _| {}).unwrap();
    assert!(checked.rows.is_empty());
    assert_eq!((checked.identity, checked.role_can_write), (read.identity, read.role_can_write));
    assert!(source.check(&[]).unwrap().rows.is_empty());
    for wrong in [rule("t", &["name"]), rule("no_such_table", &["id"])] {
        let error = source.check(&[good.clone(), wrong.clone()]).unwrap_err();
        assert_eq!(error.to_string(), fail(&db, &wrong).to_string());
    }
}

#[test]
fn memory_fails_as_told() {
    let Some(Db::Memory(mut memory)) = Db::memory() else { panic!("memory is always there") };
    memory.insert("t", &["id"], [vec![Some(b"1".as_slice())], vec![Some(b"2".as_slice())]]);
    memory.fail_after_rows = Some(1);
    let mut rows = 0;
    let error = upsweep_engine::ports::ClaimSource::read(&mut memory, &[rule("t", &["id"])], &mut |_, _| rows += 1);
    assert!(matches!(error, Err(ClaimError::Incomplete { .. })));
    assert_eq!(rows, 1);
    memory.is_unreachable = true;
    assert!(matches!(upsweep_engine::ports::ClaimSource::identity(&mut memory), Err(ClaimError::Connect { .. })));
}
