//! Pages and sums of the ledger in SQLite.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter};
use serde::Deserialize;
use upsweep_engine::ports::{Amount, LedgerError, Op, OpFilter, OpId, Pages, RunFilter, RunOutcome, RunRecord, Totals};
use upsweep_plan::lifecycle::State;

use super::SqliteLedger;
use super::rows::{get, micros, parse, sql_id, time};
use crate::ledger::sums;

impl Pages for SqliteLedger {
    fn runs_page(&self, filter: &RunFilter, before: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, LedgerError> {
        let (condition, mut values) = runs_where(filter, before);
        values.push(sql_limit(limit));
        self.select_runs(
            &format!("WHERE {condition} ORDER BY started_at DESC, id DESC LIMIT ?"),
            params_from_iter(values),
        )
    }

    fn ops_page(&self, filter: &OpFilter, after: Option<OpId>, limit: usize) -> Result<Vec<Op>, LedgerError> {
        let (condition, values) = ops_where(filter, after, limit);
        self.select_ops(&condition, params_from_iter(values))
    }

    fn totals(&self) -> Result<Totals, LedgerError> {
        // One moment for all of it, whoever writes meanwhile.
        let tx = Transaction::new_unchecked(&self.db, TransactionBehavior::Deferred).map_err(self.fail())?;
        let mut totals = Totals::default();
        each(
            &tx,
            "SELECT id, ended_at, outcome_json FROM runs WHERE outcome_json IS NOT NULL AND ended_at IS NOT NULL",
            |row| {
                let id: String = get(row, 0)?;
                let context = |problem: String| format!("run {id}: {problem}");
                let ended_at = time(get(row, 1)?).map_err(context)?;
                let outcome: RunOutcome = parse(&get::<String>(row, 2)?).map_err(context)?;
                sums::add_run(&mut totals, ended_at, &outcome);
                Ok(())
            },
        )
        .map_err(|wrong| self.told(wrong))?;
        // The names come from the lifecycle, never from outside.
        let states = quoted(&sums::LYING);
        each(&tx, &format!("SELECT id, facts_json FROM ops WHERE state IN ({states})"), |row| {
            let id: i64 = get(row, 0)?;
            let Size { size_bytes } =
                parse(&get::<String>(row, 1)?).map_err(|problem| format!("operation {id}: {problem}"))?;
            sums::add(&mut totals.quarantined, Amount { files: 1, bytes: size_bytes });
            Ok(())
        })
        .map_err(|wrong| self.told(wrong))?;
        Ok(totals)
    }
}

/// Of a file's facts, what is summed up.
#[derive(Deserialize)]
struct Size {
    size_bytes: u64,
}

/// Why rows could not be gone through.
enum Wrong {
    Engine(rusqlite::Error),
    Content(String),
}

impl SqliteLedger {
    fn told(&self, wrong: Wrong) -> LedgerError {
        match wrong {
            Wrong::Engine(cause) => self.fail()(cause),
            Wrong::Content(problem) => self.damaged(problem),
        }
    }
}

fn each(
    db: &Connection,
    sql: &str,
    mut what: impl FnMut(&rusqlite::Row<'_>) -> Result<(), String>,
) -> Result<(), Wrong> {
    let mut statement = db.prepare_cached(sql).map_err(Wrong::Engine)?;
    let mut rows = statement.query([]).map_err(Wrong::Engine)?;
    while let Some(row) = rows.next().map_err(Wrong::Engine)? {
        what(row).map_err(Wrong::Content)?;
    }
    Ok(())
}

fn sql_limit(limit: usize) -> Value {
    Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX))
}

fn quoted(states: &[State]) -> String {
    states.iter().map(|state| format!("'{}'", state.name())).collect::<Vec<_>>().join(", ")
}

/// What a page of runs asks for. A run that never was compares with nothing, so that nothing comes before it.
pub(super) fn runs_where(filter: &RunFilter, before: Option<&str>) -> (String, Vec<Value>) {
    let RunFilter { kinds, from, until } = filter;
    let (mut conditions, mut values) = (vec!["true".to_owned()], Vec::new());
    if let Some(before) = before {
        conditions.push("(started_at, id) < (SELECT started_at, id FROM runs WHERE id = ?)".to_owned());
        values.push(Value::Text(before.to_owned()));
    }
    if let Some(from) = from {
        conditions.push("started_at >= ?".to_owned());
        values.push(Value::Integer(micros(*from)));
    }
    if let Some(until) = until {
        conditions.push("started_at < ?".to_owned());
        values.push(Value::Integer(micros(*until)));
    }
    if !kinds.is_empty() {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.word())).collect();
        conditions.push(format!("kind IN ({})", kinds.join(", ")));
    }
    (conditions.join(" AND "), values)
}

/// What a page of operations asks for. Each state is asked for by itself and brings no more than a page, so that the
/// index serves however many operations there are in how many states.
pub(super) fn ops_where(filter: &OpFilter, after: Option<OpId>, limit: usize) -> (String, Vec<Value>) {
    let OpFilter { run, states } = filter;
    let after = Value::Integer(after.map_or(0, sql_id_after));
    let page = "ORDER BY id LIMIT ?";
    let (of_run, mut values) = match run {
        Some(run) => ("run = ? AND ", vec![Value::Text(run.clone())]),
        None => ("", vec![]),
    };
    if let (None, false) = (run, states.is_empty()) {
        let mut each = Vec::new();
        for state in states {
            each.push(format!(
                "SELECT id FROM (SELECT id FROM ops WHERE state = '{}' AND id > ? {page})",
                state.name()
            ));
            values.extend([after.clone(), sql_limit(limit)]);
        }
        values.push(sql_limit(limit));
        return (format!("id IN (SELECT id FROM ({}) {page})", each.join(" UNION ")), values);
    }
    // The plus keeps the index by state out of it.
    let in_states = if states.is_empty() { String::new() } else { format!(" AND +state IN ({})", quoted(states)) };
    values.extend([after, sql_limit(limit)]);
    (format!("id IN (SELECT id FROM ops WHERE {of_run}id > ?{in_states} {page})"), values)
}

/// Numbers beyond SQLite's own come after everything.
fn sql_id_after(op: OpId) -> i64 {
    match sql_id(op) {
        -1 => i64::MAX,
        id => id,
    }
}
