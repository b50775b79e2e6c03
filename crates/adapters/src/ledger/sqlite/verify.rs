//! Whether the journal and what is stored agree.

use upsweep_engine::ports::{LedgerError, OpId};
use upsweep_plan::lifecycle::{Life, next};

use super::SqliteLedger;
use super::rows::{action_named, event_named, life};

/// Replays the journal through the lifecycle and compares the result with what is stored.
pub(super) fn journal(ledger: &SqliteLedger) -> Result<(), LedgerError> {
    let fail = || ledger.fail();
    let mut statement = ledger
        .db
        .prepare("SELECT o.id, o.state, o.action, o.copy_json IS NOT NULL, j.event FROM ops o LEFT JOIN journal j ON j.op = o.id ORDER BY o.id, j.seq")
        .map_err(fail())?;
    let mut rows = statement.query([]).map_err(fail())?;
    // An operation, where it is stored to stand, and where its journal leads.
    let mut current: Option<(i64, Life, Life)> = None;
    let check = |current: &Option<(i64, Life, Life)>| match current {
        Some((op, stored, replayed)) if stored != replayed => Err(ledger.damaged(format!(
            "operation {op} is stored as {} (copy: {:?}), but its journal ends in {} (copy: {:?})",
            stored.state.name(),
            stored.copy,
            replayed.state.name(),
            replayed.copy
        ))),
        _ => Ok(()),
    };
    while let Some(row) = rows.next().map_err(fail())? {
        let read = || {
            let action_and_copy = (row.get::<_, String>(2)?, row.get::<_, bool>(3)?);
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, action_and_copy, row.get::<_, Option<String>>(4)?))
        };
        let (op, state, (action, has_copy), event) = read().map_err(fail())?;
        if current.as_ref().is_none_or(|(id, _, _)| *id != op) {
            check(&current)?;
            let damaged = |problem| ledger.damaged(format!("operation {op}: {problem}"));
            let stored = life(&state, &action, has_copy).map_err(damaged)?;
            current = Some((op, stored, Life::planned(action_named(&action).map_err(damaged)?.needs_copy())));
        }
        let name = event.ok_or_else(|| ledger.damaged(format!("operation {op} has no journal")))?;
        let event = event_named(&name).map_err(|problem| ledger.damaged(problem))?;
        if let Some((_, _, life)) = &mut current {
            *life = next(*life, event).map_err(|cause| LedgerError::Illegal { op: OpId(op.unsigned_abs()), cause })?;
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
