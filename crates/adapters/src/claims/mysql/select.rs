//! From a claim rule to the one statement that streams it.

use mysql_async::Column;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::{ClaimRule, RowSource};

use super::session::Session;
use super::tables::{self, Unsafe};
use crate::claims::names::{check_columns, problem, quote};
use crate::claims::sql::{Dialect, only_statement};

/// A rule, checked against the database.
pub(super) struct Select {
    /// The statement, in the order of the rule's columns.
    pub(super) sql: String,
    /// How many cells a row must have.
    pub(super) columns: usize,
}

impl Select {
    /// Finds the table, and looks at the columns that come out.
    pub(super) async fn prepare(
        session: &mut Session<'_>,
        rule: &ClaimRule,
        forbidden: &Unsafe,
    ) -> Result<Self, ClaimError> {
        let from = match &rule.source {
            RowSource::Table(name) => tables::find(session, rule, name).await?,
            RowSource::Query(query) => {
                let query = only_statement(query, Dialect::MySql).map_err(|wrong| problem(rule, wrong))?;
                format!("(\n{query}\n)")
            }
        };
        forbidden.check(rule, &from, &session.schema)?;
        let all = columns(session, rule, &format!("SELECT * FROM {from} AS q LIMIT 0")).await?;
        let names: Vec<String> = all.iter().map(|column| column.name_str().into_owned()).collect();
        check_columns(rule, &names, true)?;

        let wanted = rule.columns();
        let instant = instant(rule, &all)?;
        let cell = |name: &&str| {
            let cell = format!("q.{}", quote(name, '`'));
            if instant == Some(*name) { format!("CONCAT({cell}, '+00:00')") } else { cell }
        };
        let cells: Vec<String> = wanted.iter().map(cell).collect();
        let sql = format!("SELECT {} FROM {from} AS q", cells.join(", "));
        let out = columns(session, rule, &format!("{sql} LIMIT 0")).await?;
        for (name, column) in wanted.iter().zip(&out) {
            check_type(rule, name, column)?;
        }
        Ok(Self { sql, columns: wanted.len() })
    }
}

/// The rule's time, where it is a `TIMESTAMP`: a moment, which the server writes in UTC without saying so, while a
/// `DATETIME` is whatever the application wrote. Only the time may be given a zone, never a part of a name.
fn instant<'a>(rule: &'a ClaimRule, columns: &[Column]) -> Result<Option<&'a str>, ClaimError> {
    use ColumnType::{MYSQL_TYPE_TIMESTAMP, MYSQL_TYPE_TIMESTAMP2};
    let Some(time) = rule.time_column() else { return Ok(None) };
    let is_timestamp = columns.iter().any(|column| {
        column.name_str().eq_ignore_ascii_case(time)
            && matches!(column.column_type(), MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2)
    });
    if is_timestamp && rule.key.columns().contains(&time) {
        return Err(ClaimError::Unrenderable {
            rule: rule.name.clone(),
            column: time.to_owned(),
            kind: "TIMESTAMP, and both a time and a part of a name".to_owned(),
            advice: format!(
                "use a query that gives the time under a second name, as in CONCAT({}, '+00:00') AS since",
                quote(time, '`')
            ),
        });
    }
    Ok(is_timestamp.then_some(time))
}

async fn columns(session: &mut Session<'_>, rule: &ClaimRule, sql: &str) -> Result<Vec<Column>, ClaimError> {
    let asked = async {
        let result = session.conn.query_iter(sql).await?;
        let columns = result.columns_ref().to_vec();
        result.drop_result().await?;
        Ok(columns)
    };
    asked.await.map_err(|error| session.explain(rule, &error))
}

/// The "character set" of bytes that are no text.
const BINARY: u16 = 63;

/// Refuses what the text protocol rounds, or does not send as text.
fn check_type(rule: &ClaimRule, name: &str, column: &Column) -> Result<(), ClaimError> {
    use ColumnType::*;
    let quoted = quote(name, '`');
    let (kind, advice) = match column.column_type() {
        MYSQL_TYPE_TINY
        | MYSQL_TYPE_SHORT
        | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG
        | MYSQL_TYPE_INT24
        | MYSQL_TYPE_YEAR
        | MYSQL_TYPE_DECIMAL
        | MYSQL_TYPE_NEWDECIMAL
        | MYSQL_TYPE_DATE
        | MYSQL_TYPE_NEWDATE
        | MYSQL_TYPE_DATETIME
        | MYSQL_TYPE_DATETIME2
        | MYSQL_TYPE_TIMESTAMP
        | MYSQL_TYPE_TIMESTAMP2
        | MYSQL_TYPE_NULL => return Ok(()),
        MYSQL_TYPE_VARCHAR
        | MYSQL_TYPE_VAR_STRING
        | MYSQL_TYPE_STRING
        | MYSQL_TYPE_ENUM
        | MYSQL_TYPE_SET
        | MYSQL_TYPE_TINY_BLOB
        | MYSQL_TYPE_MEDIUM_BLOB
        | MYSQL_TYPE_LONG_BLOB
        | MYSQL_TYPE_BLOB => {
            if column.character_set() != BINARY {
                return Ok(());
            }
            let is_blob = !matches!(column.column_type(), MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING);
            let advice = format!(
                "use a query with CONVERT({quoted} USING utf8mb4) AS {quoted} for text, BIN_TO_UUID({quoted}) or \
                 LOWER(HEX({quoted})) for identifiers, whichever the application spells"
            );
            (if is_blob { "BLOB" } else { "BINARY" }.to_owned(), advice)
        }
        MYSQL_TYPE_JSON => {
            ("JSON".to_owned(), format!("use a query with JSON_UNQUOTE(JSON_EXTRACT({quoted}, '$.key')) AS {quoted}"))
        }
        MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => {
            let kind = if column.column_type() == MYSQL_TYPE_FLOAT { "FLOAT" } else { "DOUBLE" };
            (kind.to_owned(), format!("use a query with CAST({quoted} AS DECIMAL(65, 6)) AS {quoted}"))
        }
        other => {
            let kind = format!("{other:?}").trim_start_matches("MYSQL_TYPE_").to_owned();
            (kind, format!("use a query with CAST({quoted} AS CHAR) AS {quoted}, if the application spells it so"))
        }
    };
    Err(ClaimError::Unrenderable { rule: rule.name.clone(), column: name.to_owned(), kind, advice })
}
