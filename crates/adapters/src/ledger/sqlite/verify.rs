//! Whether the journal and what is stored agree.

use upsweep_engine::ports::{LedgerError, OpId};
use upsweep_plan::lifecycle::{State, next};

use super::SqliteLedger;
use super::rows::event_named;

/// Replays the journal through the lifecycle and compares the result with what is stored.
pub(super) fn journal(ledger: &SqliteLedger) -> Result<(), LedgerError> {
    let fail = || ledger.fail();
    let mut statement = ledger
        .db
        .prepare("SELECT o.id, o.state, j.event FROM ops o LEFT JOIN journal j ON j.op = o.id ORDER BY o.id, j.seq")
        .map_err(fail())?;
    let mut rows = statement.query([]).map_err(fail())?;
    let mut current: Option<(i64, String, State)> = None;
    let check = |current: &Option<(i64, String, State)>| match current {
        Some((op, stored, replayed)) if stored != replayed.name() => Err(ledger
            .damaged(format!("operation {op} is stored as {stored}, but its journal ends in {}", replayed.name()))),
        _ => Ok(()),
    };
    while let Some(row) = rows.next().map_err(fail())? {
        let read = || Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?));
        let (op, stored, event) = read().map_err(fail())?;
        if current.as_ref().is_none_or(|(id, _, _)| *id != op) {
            check(&current)?;
            current = Some((op, stored, State::Planned));
        }
        let name = event.ok_or_else(|| ledger.damaged(format!("operation {op} has no journal")))?;
        let event = event_named(&name).map_err(|problem| ledger.damaged(problem))?;
        if let Some((_, _, state)) = &mut current {
            *state =
                next(*state, event).map_err(|cause| LedgerError::Illegal { op: OpId(op.unsigned_abs()), cause })?;
        }
    }
    check(&current)?;
    drop(rows);
    let forgotten = "SELECT min(op) FROM journal WHERE op NOT IN (SELECT id FROM ops)";
    match ledger.db.query_row(forgotten, [], |row| row.get::<_, Option<i64>>(0)).map_err(fail())? {
        Some(op) => Err(ledger.damaged(format!("operation {op} has a journal, but is not stored"))),
        None => Ok(()),
    }
}
