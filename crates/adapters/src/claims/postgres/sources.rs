//! Which tables a statement reads in the end, through views and all.

use serde_json::Value;
use tokio_postgres::SimpleQueryMessage;
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

use super::select::explain;
use super::session::Session;
use crate::claims::names::problem;

/// What `EXPLAIN` calls the thing that a node of a plan reads.
struct Source {
    schema: String,
    name: String,
}

const ABOUT: &str = "
    SELECT c.relkind::text, pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1::text AND c.relname = $2::text";

/// Refuses a statement that reads anything but this database's rows of this moment, and says whether the
/// role could change any of the tables it reads.
///
/// The planner knows them without running anything. What functions read it does not say.
pub(super) async fn check(session: &Session<'_>, rule: &ClaimRule, select: &str) -> Result<bool, ClaimError> {
    let refuse = |what: &str, wrong: &str| Err(problem(rule, format!("the rule reads {what}, {wrong}")));
    let plan = plan(session, rule, select).await?;
    let mut sources = vec![];
    if reads_elsewhere(&plan, &mut sources) {
        return refuse("a foreign table", "which is outside this database's snapshot: connect to its own database");
    }
    let mut is_writable = false;
    for Source { schema, name } in sources {
        let about = session.client.query_opt(ABOUT, &[&schema, &name]).await;
        let Some(about) = about.map_err(|error| session.incomplete(&error))? else { continue };
        if about.get::<_, String>(0) == "m" {
            let what = format!("the materialized view {schema}.{name}");
            return refuse(&what, "which shows the past: name the tables behind it");
        }
        is_writable |= about.get::<_, bool>(1);
    }
    Ok(is_writable)
}

async fn plan(session: &Session<'_>, rule: &ClaimRule, select: &str) -> Result<Value, ClaimError> {
    let explained = session.client.simple_query(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {select}")).await;
    let explained = explained.map_err(|error| explain(session, rule, &error))?;
    let text = explained.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan = text.and_then(|text| serde_json::from_str(text).ok());
    plan.ok_or_else(|| super::session::incomplete(session.url, "the server did not explain the query"))
}

/// Collects the tables of a plan, unless one of its nodes asks another server: then it says `true`.
fn reads_elsewhere(node: &Value, sources: &mut Vec<Source>) -> bool {
    match node {
        Value::Array(nodes) => nodes.iter().any(|node| reads_elsewhere(node, sources)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some(schema), Some(name)) = (text("Schema"), text("Relation Name")) {
                sources.push(Source { schema, name });
            }
            let is_foreign = text("Node Type").as_deref() == Some("Foreign Scan");
            is_foreign || fields.values().any(|node| reads_elsewhere(node, sources))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
