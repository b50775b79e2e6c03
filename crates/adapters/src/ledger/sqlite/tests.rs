use super::*;

#[test]
fn every_commit_is_on_disk_before_it_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let fresh = SqliteLedger::create(&path, "ledger-1").unwrap();
    let again = SqliteLedger::open(&path).unwrap().unwrap();
    for ledger in [&fresh, &again] {
        let pragma = |name| ledger.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = ledger.db.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma("synchronous"), 2, "full");
        assert_eq!(pragma("foreign_keys"), 1);
        assert_eq!(pragma("busy_timeout"), i64::try_from(BUSY_MILLIS).unwrap());
    }
}

#[test]
fn the_steps_lead_to_one_form() {
    MIGRATIONS.validate().unwrap();
}
