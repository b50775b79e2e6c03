//! What earlier surveys saw, in SQLite.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use upsweep_engine::ports::{LedgerError, Memories, incarnation};
use upsweep_plan::baseline::{Baseline, Fingerprints};
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileFacts;

use super::SqliteLedger;
use super::rows::{micros, time};

impl Memories for SqliteLedger {
    fn note_sightings(&mut self, files: &[(Key, FileFacts)], at: Timestamp) -> Result<(), LedgerError> {
        let fail = self.fail();
        // Lives in memory and with this connection alone; what it holds is only needed until the transaction ends.
        let names = "CREATE TEMP TABLE IF NOT EXISTS seen_now (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID";
        self.db.execute_batch(&format!("PRAGMA temp_store = memory; {names}; DELETE FROM seen_now")).map_err(&fail)?;
        let tx = self.begin()?;
        {
            let mut seen = tx.prepare_cached("INSERT OR IGNORE INTO seen_now (key) VALUES (?1)").map_err(&fail)?;
            let mut note = tx
                .prepare_cached(
                    "INSERT INTO sightings (key, incarnation, first_at) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET incarnation = ?2, first_at = ?3 WHERE incarnation <> ?2",
                )
                .map_err(&fail)?;
            for (key, facts) in files {
                seen.execute([key.as_bytes()]).map_err(&fail)?;
                note.execute(params![key.as_bytes(), incarnation(facts), micros(at)]).map_err(&fail)?;
            }
            tx.execute("DELETE FROM sightings WHERE key NOT IN (SELECT key FROM seen_now)", []).map_err(&fail)?;
        }
        tx.commit().map_err(&fail)?;
        self.db.execute_batch("DELETE FROM seen_now").map_err(fail)
    }

    fn first_seen(&self, key: &Key, facts: &FileFacts) -> Result<Option<Timestamp>, LedgerError> {
        let sql = "SELECT first_at FROM sightings WHERE key = ?1 AND incarnation = ?2";
        let mut statement = self.db.prepare_cached(sql).map_err(self.fail())?;
        let found: Option<i64> = statement
            .query_row(params![key.as_bytes(), incarnation(facts)], |row| row.get(0))
            .optional()
            .map_err(self.fail())?;
        found.map(time).transpose().map_err(|problem| self.damaged(format!("a sighting of {key}: {problem}")))
    }

    fn baseline(&self) -> Result<Option<Baseline>, LedgerError> {
        let sql = "SELECT at, run, missing, prints, live_files FROM baseline LEFT JOIN baseline_live USING (one)";
        let read = |row: &rusqlite::Row<'_>| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Option<Vec<u8>>>(3)?,
                row.get::<_, i64>(4)?,
            ))
        };
        let Some((at, run, missing, prints, live_files)) =
            self.db.query_row(sql, [], read).optional().map_err(self.fail())?
        else {
            return Ok(None);
        };
        let damaged = |problem: String| self.damaged(format!("the last good survey: {problem}"));
        let live = prints.as_deref().and_then(Fingerprints::from_bytes);
        Ok(Some(Baseline {
            at: time(at).map_err(damaged)?,
            run,
            live_files: live_files.unsigned_abs(),
            live: live.ok_or_else(|| damaged("its fingerprints make no sense".to_owned()))?,
            missing: missing.unsigned_abs(),
        }))
    }

    fn set_baseline(&mut self, baseline: &Baseline) -> Result<(), LedgerError> {
        let Baseline { at, run, live_files, live, missing } = baseline;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let fail = self.fail();
        let prints = live.to_bytes();
        let tx = self.begin()?;
        let upsert = "INSERT INTO baseline (one, at, run, missing, live_files) VALUES (1, ?1, ?2, ?3, ?4) ON CONFLICT (one) DO UPDATE SET at = ?1, run = ?2, missing = ?3, live_files = ?4 WHERE (at, run, missing, live_files) <> (?1, ?2, ?3, ?4)";
        tx.execute(upsert, params![micros(*at), run, number(*missing), number(*live_files)]).map_err(&fail)?;
        let upsert = "INSERT INTO baseline_live (one, prints) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET prints = ?1 WHERE prints <> ?1";
        tx.execute(upsert, [prints]).map_err(&fail)?;
        tx.commit().map_err(fail)
    }
}
