//! Finding tables by the names people configure, and what the role may do to them.

use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

use super::session::Session;
use crate::claims::names::{no_such_table, problem, quote, readings};

/// A table or view that is there.
#[derive(Debug)]
pub(super) struct Table {
    schema: String,
    name: String,
    /// Whether the role could change it.
    pub(super) is_writable: bool,
}

impl Table {
    /// Its full name, for SQL.
    pub(super) fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema, '"'), quote(&self.name, '"'))
    }
}

/// Without a schema a name means what the role's `search_path` makes it mean; the answer names the schema,
/// so that nothing is looked up twice.
const FIND: &str = "
    SELECT n.nspname::text, c.relname::text, c.relkind::text,
           pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = $2::text
      AND CASE WHEN $1::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1::text END";

const ALL: &str = "
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_t%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    ORDER BY 1 LIMIT 1000";

/// The table that `name` means to this role.
pub(super) async fn find(session: &Session<'_>, rule: &ClaimRule, name: &str) -> Result<Table, ClaimError> {
    for (schema, table) in readings(name) {
        let found = session.client.query_opt(FIND, &[&schema, &table]).await;
        let Some(row) = found.map_err(|error| session.incomplete(&error))? else { continue };
        let kind: String = row.get(2);
        let wrong = match kind.as_str() {
            "m" => "is a materialized view, which shows the past: name the tables behind it",
            "f" => "is a foreign table, which is outside this database's snapshot: connect to its own database",
            _ => return Ok(Table { schema: row.get(0), name: row.get(1), is_writable: row.get(3) }),
        };
        return Err(problem(rule, format!("'{name}' {wrong}")));
    }
    let have = session.client.query(ALL, &[]).await.map_err(|error| session.incomplete(&error))?;
    let have: Vec<String> = have.iter().map(|row| row.get(0)).collect();
    Err(no_such_table(rule, name, &session.url.masked(), &have))
}

const ANY_WRITABLE: &str = "
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND n.nspname NOT LIKE 'pg\\_t%'
          AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))";

/// Whether the role could change any of the application's tables: what can be said about a query without
/// taking it apart.
pub(super) async fn any_is_writable(session: &Session<'_>) -> Result<bool, ClaimError> {
    let row = session.client.query_one(ANY_WRITABLE, &[]).await.map_err(|error| session.incomplete(&error))?;
    Ok(row.get(0))
}
