//! From a claim rule to the one statement that streams it.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Kind, Type};
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::{ClaimRule, RowSource};

use super::session::{Session, chain};
use super::{sources, tables};
use crate::claims::names::{check_columns, problem, quote};
use crate::claims::sql::{Dialect, only_statement};

/// A rule, checked against the database.
pub(super) struct Select {
    /// `COPY (…) TO STDOUT`, in the order of the rule's columns.
    pub(super) copy: String,
    /// How many cells a row must have.
    pub(super) columns: usize,
    /// Whether the role could change a table that the rule reads.
    pub(super) is_writable: bool,
}

impl Select {
    /// Finds the table, and looks at the columns that come out.
    pub(super) async fn prepare(session: &Session<'_>, rule: &ClaimRule) -> Result<Self, ClaimError> {
        let from = match &rule.source {
            RowSource::Table(name) => tables::find(session, rule, name).await?,
            RowSource::Query(query) => {
                let query = only_statement(query, Dialect::Postgres).map_err(|wrong| problem(rule, wrong))?;
                format!("(\n{query}\n)")
            }
        };
        // Preparing says what comes out without running anything.
        let all = session.client.prepare(&format!("SELECT * FROM {from} AS q")).await;
        let all = all.map_err(|error| explain(session, rule, &error))?;
        let names: Vec<String> = all.columns().iter().map(|column| column.name().to_owned()).collect();
        check_columns(rule, &names, false)?;
        for column in all.columns().iter().filter(|column| rule.columns().contains(&column.name())) {
            if !has_exact_text(column.type_()) {
                return Err(unrenderable(rule, column.name(), column.type_()));
            }
        }
        let wanted = rule.columns();
        let cells: Vec<String> = wanted.iter().map(|name| format!("q.{}::pg_catalog.text", quote(name, '"'))).collect();
        let select = format!("SELECT {} FROM {from} AS q", cells.join(", "));
        let is_writable = sources::check(session, rule, &select).await?;
        Ok(Self { copy: format!("COPY ({select}) TO STDOUT"), columns: wanted.len(), is_writable })
    }
}

/// Whether `::text` of the type is one spelling per value. Booleans become `true` and `false`; a `char(n)`
/// loses the blanks that pad it, which PostgreSQL itself holds to be no part of the value.
fn has_exact_text(kind: &Type) -> bool {
    match kind.kind() {
        Kind::Enum(_) => true,
        Kind::Domain(base) => has_exact_text(base),
        _ => {
            matches!(
                *kind,
                Type::TEXT
                    | Type::VARCHAR
                    | Type::BPCHAR
                    | Type::NAME
                    | Type::UUID
                    | Type::BOOL
                    | Type::INT2
                    | Type::INT4
                    | Type::INT8
                    | Type::OID
                    | Type::NUMERIC
                    | Type::DATE
                    | Type::TIMESTAMP
                    | Type::TIMESTAMPTZ
            ) || kind.name() == "citext"
        }
    }
}

fn unrenderable(rule: &ClaimRule, column: &str, kind: &Type) -> ClaimError {
    let name = quote(column, '"');
    let advice = match (kind.kind(), kind) {
        (Kind::Array(_), _) => format!("use a query with unnest({name}) AS {name}"),
        (_, &Type::BYTEA) => format!("use a query with convert_from({name}, 'UTF8') AS {name}"),
        (_, &Type::JSON | &Type::JSONB) => format!("use a query with {name}->>'key' AS {name}"),
        (_, &Type::FLOAT4 | &Type::FLOAT8) => format!("use a query with {name}::numeric AS {name}"),
        _ => format!("use a query with {name}::text AS {name}, if that is how the application spells it"),
    };
    ClaimError::Unrenderable {
        rule: rule.name.clone(),
        column: column.to_owned(),
        kind: kind.name().to_owned(),
        advice,
    }
}

/// What went wrong with a rule's statement: a mistake in the rule, a missing right, or the connection.
pub(super) fn explain(session: &Session<'_>, rule: &ClaimRule, error: &Error) -> ClaimError {
    let Some(db) = error.as_db_error() else { return session.incomplete(error) };
    let user = session.url.user.as_deref().unwrap_or("the role");
    let said = session.url.scrub(db.message());
    match db.code() {
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE && db.message().contains("row-level security") => {
            // Not a mistake in the rule: what can be seen is just not everything.
            let rule = &rule.name;
            let cause = format!(
                "claim rule '{rule}': row-level security may hide rows from {user}, and a hidden row's file would \
                 look unclaimed ({said}); use a role that sees every row: ALTER ROLE … BYPASSRLS, or the table's owner"
            );
            super::session::incomplete(session.url, &cause)
        }
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => problem(
            rule,
            format!("{said}; as the table's owner: GRANT SELECT ON … TO {user} (and USAGE on its schema)"),
        ),
        code if code.code().starts_with("42") || code.code().starts_with("22") => {
            let hint = db.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            problem(rule, format!("{said}{hint}; correct the rule's table or query"))
        }
        _ => super::session::incomplete(session.url, &chain(error)),
    }
}
