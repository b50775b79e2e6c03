//! Holds in SQLite.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use upsweep_engine::ports::{Holds, LedgerError, NewHold, Release};
use upsweep_plan::hold::Hold;

use super::SqliteLedger;
use super::audit::Scribe;
use super::rows::{get, json, micros, parse, time};
use crate::ledger::telling;

const HOLD_COLUMNS: &str = "id, target_json, by, why, since, until";

fn hold_from(row: &Row<'_>) -> Result<Hold, String> {
    let id: i64 = get(row, 0)?;
    let context = |problem: String| format!("hold {id}: {problem}");
    Ok(Hold {
        id: id.unsigned_abs(),
        target: parse(&get::<String>(row, 1)?).map_err(context)?,
        by: get(row, 2)?,
        why: get(row, 3)?,
        since: time(get(row, 4)?).map_err(context)?,
        until: get::<Option<i64>>(row, 5)?.map(time).transpose().map_err(context)?,
    })
}

impl Holds for SqliteLedger {
    fn add_holds(&mut self, holds: &[NewHold]) -> Result<Vec<Hold>, LedgerError> {
        if holds.is_empty() {
            return Ok(vec![]);
        }
        let (fail, id, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let tx = self.begin()?;
        let mut set = Vec::with_capacity(holds.len());
        {
            let mut scribe = Scribe::begin(&tx, &id).map_err(&fail)?;
            let mut insert = tx
                .prepare_cached("INSERT INTO holds (target_json, by, why, since, until) VALUES (?1, ?2, ?3, ?4, ?5)")
                .map_err(&fail)?;
            for hold in holds {
                let NewHold { target, by, why, since, until } = hold;
                insert.execute(params![json(target), by, why, micros(*since), until.map(micros)]).map_err(&fail)?;
                let hold = hold.clone().numbered(tx.last_insert_rowid().unsigned_abs());
                scribe.write(*since, telling::hold_set(&writer, &hold)).map_err(&fail)?;
                set.push(hold);
            }
        }
        tx.commit().map_err(fail)?;
        Ok(set)
    }

    fn release_holds(&mut self, ids: &[u64], by: &str, why: &str, at: Timestamp) -> Result<Vec<Release>, LedgerError> {
        let (fail, ledger, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let path = self.path.display().to_string();
        let damaged = |problem| LedgerError::Damaged { ledger: path.clone(), problem };
        let tx = self.begin()?;
        let mut done = Vec::with_capacity(ids.len());
        {
            let mut scribe = Scribe::begin(&tx, &ledger).map_err(&fail)?;
            let sql = format!("SELECT {HOLD_COLUMNS}, released_at, released_by FROM holds WHERE id = ?1");
            let mut find = tx.prepare_cached(&sql).map_err(&fail)?;
            let mut end = tx
                .prepare_cached("UPDATE holds SET released_at = ?2, released_by = ?3 WHERE id = ?1")
                .map_err(&fail)?;
            for id in ids {
                let Ok(number) = i64::try_from(*id) else {
                    done.push(Release::Unknown);
                    continue;
                };
                let row = |row: &Row<'_>| {
                    Ok((hold_from(row), row.get::<_, Option<i64>>(6)?, row.get::<_, Option<String>>(7)?))
                };
                done.push(match find.query_row([number], row).optional().map_err(&fail)? {
                    None => Release::Unknown,
                    Some((_, Some(at), by)) => {
                        Release::Already { by: by.unwrap_or_default(), at: time(at).map_err(damaged)? }
                    }
                    Some((hold, None, _)) => {
                        let hold = hold.map_err(damaged)?;
                        end.execute(params![number, micros(at), by]).map_err(&fail)?;
                        scribe.write(at, telling::hold_released(&writer, &hold, by, why)).map_err(&fail)?;
                        Release::Released(hold)
                    }
                });
            }
        }
        tx.commit().map_err(fail)?;
        Ok(done)
    }

    fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, LedgerError> {
        let sql = format!("SELECT {HOLD_COLUMNS} FROM holds WHERE released_at IS NULL ORDER BY id");
        let mut statement = self.db.prepare_cached(&sql).map_err(self.fail())?;
        let mut rows = statement.query([]).map_err(self.fail())?;
        let mut holds = Vec::new();
        while let Some(row) = rows.next().map_err(self.fail())? {
            holds.push(hold_from(row).map_err(|problem| self.damaged(problem))?);
        }
        // Whether it holds is asked of the hold itself: there is one answer to that in the whole program.
        holds.retain(|hold: &Hold| hold.is_active(now));
        Ok(holds)
    }
}
