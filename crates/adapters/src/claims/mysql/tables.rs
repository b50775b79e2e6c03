//! Finding tables, and refusing those whose rows no snapshot holds still.

use mysql_async::prelude::Queryable as _;
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

use super::session::{Session, incomplete};
use crate::claims::names::{no_such_table, problem, quote, readings};
use crate::claims::sql::{Dialect, mentions};

/// The quoted name of the table or view that `name` means.
pub(super) async fn find(session: &mut Session<'_>, rule: &ClaimRule, name: &str) -> Result<String, ClaimError> {
    let url = session.url;
    for (schema, table) in readings(name) {
        let schema = schema.unwrap_or_else(|| session.schema.clone());
        let sql = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
        let found: Result<Vec<(String, String)>, _> = session.conn.exec(sql, (&schema, &table)).await;
        let found = found.map_err(|error| incomplete(url, &error.to_string()))?;
        // The comparison may fold case although the names do not.
        let exact = found.iter().find(|(_, name)| *name == table).or_else(|| found.first());
        if let Some((schema, table)) = exact {
            return Ok(format!("{}.{}", quote(schema, '`'), quote(table, '`')));
        }
    }
    let sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1 LIMIT 1000";
    let have: Result<Vec<String>, _> = session.conn.query(sql).await;
    let have = have.map_err(|error| incomplete(url, &error.to_string()))?;
    Err(no_such_table(rule, name, &url.masked(), &have))
}

/// Every table whose engine has no transactions, as `(schema, table, engine)`.
const UNSAFE: &str = "
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COALESCE(t.ENGINE, 'unknown')
    FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
    WHERE t.TABLE_TYPE = 'BASE TABLE' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
      AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')";

const VIEWS: &str = "
    SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS
    WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')";

/// What a rule must not read, looked up once for all rules.
pub(super) struct Unsafe {
    tables: Vec<(String, String, String)>,
    views: Vec<(String, String, String)>,
}

impl Unsafe {
    pub(super) async fn look_up(session: &mut Session<'_>) -> Result<Self, ClaimError> {
        let url = session.url;
        let lost = |error: mysql_async::Error| incomplete(url, &error.to_string());
        let tables = session.conn.query(UNSAFE).await.map_err(lost)?;
        let views = session.conn.query(VIEWS).await.map_err(lost)?;
        Ok(Self { tables, views })
    }

    /// Refuses a statement that mentions a non-transactional table, be it through views. Mentioning is
    /// judged by words: taking a column for a table of the same name errs on the side of refusing.
    pub(super) fn check(&self, rule: &ClaimRule, from: &str, own_schema: &str) -> Result<(), ClaimError> {
        let mut texts = vec![from.to_owned()];
        let mut seen = vec![];
        while let Some(text) = texts.pop() {
            let is_meant = |schema: &str, name: &str| {
                let has = |word: &str| mentions(&text, word, Dialect::MySql);
                has(name) && (schema == own_schema || has(schema))
            };
            for (schema, name, engine) in &self.tables {
                if is_meant(schema, name) {
                    return Err(not_transactional(rule, schema, name, engine));
                }
            }
            for (schema, name, body) in &self.views {
                if !seen.contains(&(schema, name)) && is_meant(schema, name) {
                    seen.push((schema, name));
                    if body.is_empty() {
                        return Err(problem(
                            rule,
                            format!(
                                "the view {schema}.{name} does not show its definition to this role, so its tables \
                                 cannot be checked: GRANT SHOW VIEW ON {} TO the role",
                                format_args!("{}.{}", quote(schema, '`'), quote(name, '`'))
                            ),
                        ));
                    }
                    texts.push(body.clone());
                }
            }
        }
        Ok(())
    }
}

fn not_transactional(rule: &ClaimRule, schema: &str, name: &str, engine: &str) -> ClaimError {
    let quoted = format!("{}.{}", quote(schema, '`'), quote(name, '`'));
    problem(
        rule,
        format!(
            "the table {schema}.{name} uses the storage engine {engine}, which has no transactions: its rows could \
             change while they are read; as an administrator: ALTER TABLE {quoted} ENGINE=InnoDB"
        ),
    )
}

/// Whether the grants let the role change anything in `schema`. Grants through MySQL 8 roles are listed by
/// name only and count as none.
pub(super) async fn can_write(session: &mut Session<'_>) -> Result<bool, ClaimError> {
    let url = session.url;
    let grants: Result<Vec<String>, _> = session.conn.query("SHOW GRANTS").await;
    let grants = grants.map_err(|error| incomplete(url, &error.to_string()))?;
    Ok(grants.iter().any(|grant| grants_writing(grant, &session.schema)))
}

fn grants_writing(grant: &str, schema: &str) -> bool {
    let Some((privileges, object)) = grant.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON ")) else {
        return false;
    };
    let writes = ["ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "DROP"];
    writes.iter().any(|word| privileges.contains(word)) && (object.starts_with("*.*") || covers(object, schema))
}

/// Whether the object of a grant (`` `app\_%`.* ``) lies in `schema`.
fn covers(object: &str, schema: &str) -> bool {
    let Some(pattern) = object.strip_prefix('`').and_then(|rest| rest.split_once("`.")) else { return false };
    let pattern = pattern.0.replace("\\_", "_").replace("\\%", "%").replace("``", "`");
    match pattern.split_once('%') {
        Some((prefix, _)) => schema.starts_with(prefix),
        None => pattern == schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_tell_readers_from_writers() {
        for (grant, expected) in [
            ("GRANT USAGE ON *.* TO `r`@`%`", false),
            ("GRANT SELECT ON `app`.* TO `r`@`%`", false),
            ("GRANT SELECT, INSERT ON `app`.* TO `r`@`%`", true),
            ("GRANT ALL PRIVILEGES ON *.* TO `r`@`%` WITH GRANT OPTION", true),
            ("GRANT UPDATE (`a`) ON `app`.`sessions` TO `r`@`%`", true),
            ("GRANT DELETE ON `other`.* TO `r`@`%`", false),
            ("GRANT DELETE ON `ap%`.* TO `r`@`%`", true),
            ("GRANT PROXY ON ``@`%` TO `root`@`localhost`", false),
        ] {
            assert_eq!(grants_writing(grant, "app"), expected, "{grant}");
        }
    }
}
