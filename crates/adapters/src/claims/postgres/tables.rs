//! Finding tables by the names people configure.

use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

use super::session::Session;
use crate::claims::names::{no_such_table, quote, readings};

/// Without a schema a name means what the role's `search_path` makes it mean; the answer names the schema,
/// so that nothing is looked up twice.
const FIND: &str = "
    SELECT n.nspname::text, c.relname::text
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = $2::text
      AND CASE WHEN $1::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1::text END";

const ALL: &str = "
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_t%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    ORDER BY 1 LIMIT 1000";

/// The quoted name of the table or view that `name` means to this role.
pub(super) async fn find(session: &Session<'_>, rule: &ClaimRule, name: &str) -> Result<String, ClaimError> {
    for (schema, table) in readings(name) {
        let found = session.client.query_opt(FIND, &[&schema, &table]).await;
        if let Some(row) = found.map_err(|error| session.incomplete(&error))? {
            return Ok(format!("{}.{}", quote(row.get(0), '"'), quote(row.get(1), '"')));
        }
    }
    let have = session.client.query(ALL, &[]).await.map_err(|error| session.incomplete(&error))?;
    let have: Vec<String> = have.iter().map(|row| row.get(0)).collect();
    Err(no_such_table(rule, name, &session.url.masked(), &have))
}
