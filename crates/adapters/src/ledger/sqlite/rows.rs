//! Rows of the ledger, and the Rust values they hold.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upsweep_engine::ports::{Op, OpId, RunKind, RunRecord, copy_state};
use upsweep_plan::action::Action;
use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, Life, State};
use upsweep_plan::listing::FileFacts;
use upsweep_plan::verdict::Reason;

pub(super) const OP_COLUMNS: &str = "id, run, key, reason_json, facts_json, hidden_json, state, hidden_at, quarantine_secs, horizons_json, note, changed_at, action, copy_json";
pub(super) const RUN_COLUMNS: &str = "id, kind, started_at, ended_at, by, approval_json, outcome_json";

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the ledger's values have only text keys, so they always serialise")
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Numbers come from SQLite's own 63-bit counter.
pub(super) fn sql_id(op: OpId) -> i64 {
    i64::try_from(op.0).unwrap_or(-1)
}

fn state_named(name: &str) -> Result<State, String> {
    State::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| format!("'{name}' is no state"))
}

pub(super) fn action_named(name: &str) -> Result<Action, String> {
    Action::named(name).ok_or_else(|| format!("'{name}' is no action"))
}

/// Where an operation stands in full, from its columns.
pub(super) fn life(state: &str, action: &str, has_copy: bool) -> Result<Life, String> {
    Ok(Life { state: state_named(state)?, copy: copy_state(action_named(action)?, has_copy) })
}

pub(super) fn event_named(name: &str) -> Result<Event, String> {
    Event::ALL.into_iter().find(|e| e.name() == name).ok_or_else(|| format!("'{name}' is no event"))
}

pub(super) fn op_from(row: &Row<'_>) -> Result<Op, String> {
    let id: i64 = get(row, 0)?;
    let context = |problem: String| format!("operation {id}: {problem}");
    let key: Vec<u8> = get(row, 2)?;
    Ok(Op {
        id: OpId(id.unsigned_abs()),
        run: get(row, 1)?,
        key: Key::parse(&key).map_err(|why| context(format!("its name is no key: {why}")))?,
        reason: parse(&get::<String>(row, 3)?).map_err(context)?,
        facts: parse(&get::<String>(row, 4)?).map_err(context)?,
        hidden_facts: optional(get(row, 5)?).map_err(context)?,
        state: state_named(&get::<String>(row, 6)?).map_err(context)?,
        hidden_at: get::<Option<i64>>(row, 7)?.map(time).transpose().map_err(context)?,
        quarantine_secs: get::<i64>(row, 8)?.unsigned_abs(),
        horizons: optional(get(row, 9)?).map_err(context)?,
        note: get(row, 10)?,
        changed_at: time(get(row, 11)?).map_err(context)?,
        action: action_named(&get::<String>(row, 12)?).map_err(context)?,
        copy: optional(get(row, 13)?).map_err(context)?,
    })
}

/// What is stored of an operation, as far as its next entry needs it.
pub(super) struct Judged {
    pub(super) life: Life,
    pub(super) key: Key,
    pub(super) run: String,
    pub(super) reason: Reason,
    pub(super) size_bytes: u64,
}

impl Judged {
    /// Of a row with the state, key, run, reason, facts, action, and whether there is a copy.
    pub(super) fn from(row: &Row<'_>) -> Result<Self, String> {
        let key: Vec<u8> = get(row, 1)?;
        let facts: FileFacts = parse(&get::<String>(row, 4)?)?;
        Ok(Self {
            life: life(&get::<String>(row, 0)?, &get::<String>(row, 5)?, get(row, 6)?)?,
            key: Key::parse(&key).map_err(|why| format!("its name is no key: {why}"))?,
            run: get(row, 2)?,
            reason: parse(&get::<String>(row, 3)?)?,
            size_bytes: facts.size_bytes,
        })
    }
}

pub(super) fn run_from(row: &Row<'_>) -> Result<RunRecord, String> {
    let id: String = get(row, 0)?;
    let context = |problem: String| format!("run {id}: {problem}");
    let kind: String = get(row, 1)?;
    Ok(RunRecord {
        kind: kind_named(&kind).map_err(context)?,
        started_at: time(get(row, 2)?).map_err(context)?,
        ended_at: get::<Option<i64>>(row, 3)?.map(time).transpose().map_err(context)?,
        by: get(row, 4)?,
        approval: optional(get(row, 5)?).map_err(context)?,
        outcome: optional(get(row, 6)?).map_err(context)?,
        id,
    })
}

fn kind_named(name: &str) -> Result<RunKind, String> {
    RunKind::ALL.into_iter().find(|k| k.word() == name).ok_or_else(|| format!("'{name}' is no kind of run"))
}

pub(super) fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, String> {
    row.get(index).map_err(|error| error.to_string())
}

pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

pub(super) fn optional<T: DeserializeOwned>(json: Option<String>) -> Result<Option<T>, String> {
    json.as_deref().map(parse).transpose()
}

pub(super) fn time(micros: i64) -> Result<Timestamp, String> {
    Timestamp::from_microsecond(micros).map_err(|error| error.to_string())
}
