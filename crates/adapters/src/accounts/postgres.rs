//! Accounts from PostgreSQL.

use std::time::Duration;

use bytes::BytesMut;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use upsweep_engine::ports::ClaimError;

use super::{Account, AccountError, Accounts, Columns};
use crate::claims::names::quote;
use crate::claims::postgres::session::{Session, chain};
use crate::claims::runtime::block_on;
use crate::claims::url::ServerUrl;

/// A query on a PostgreSQL database. Every look-up connects anew.
pub(super) struct PostgresAccounts {
    url: ServerUrl,
    query: String,
    subjects: usize,
    patience: Duration,
}

impl PostgresAccounts {
    /// `around` is the text around the subjects. Each of them is a parameter of its own: the server gives a parameter
    /// one type, and a query may well compare the subject with a number here and with a text there.
    pub(super) fn new(url: ServerUrl, around: &[&str], patience: Duration) -> Self {
        let mut query = around.first().map_or_else(String::new, |first| (*first).to_owned());
        for (at, piece) in around.iter().enumerate().skip(1) {
            query = format!("{query}${at}{piece}");
        }
        Self { url, query, subjects: around.len() - 1, patience }
    }

    async fn ask(&self, subject: &str) -> Result<Result<Option<Account>, AccountError>, ClaimError> {
        let session = Session::open(&self.url).await?;
        let found = self.read(&session, subject).await;
        Ok(found.unwrap_or_else(|error| explain(&session, &error)))
    }

    async fn read(&self, session: &Session<'_>, subject: &str) -> Result<Result<Option<Account>, AccountError>, Error> {
        let millis = self.patience.as_millis();
        let begin = format!(
            "BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis};
             SET LOCAL idle_in_transaction_session_timeout = 0;"
        );
        session.client.batch_execute(&begin).await?;
        let all = session.client.prepare(&format!("SELECT * FROM (\n{}\n) AS q", self.query)).await?;
        let columns = match Columns::among(all.columns().iter().map(tokio_postgres::Column::name)) {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(error)),
        };
        let select = columns.select(&self.query, |name| format!("q.{}::pg_catalog.text", quote(name, '"')));
        let subject = AsText(subject);
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![&subject; self.subjects];
        let rows = session.client.query(&select, &parameters).await?;
        let rows = rows.iter().map(|row| [row.get::<_, Option<String>>(0), row.get(1)]).collect();
        Ok(columns.account(rows))
    }
}

impl Accounts for PostgresAccounts {
    fn look_up(&self, subject: &str) -> Result<Option<Account>, AccountError> {
        let within = async {
            match tokio::time::timeout(self.patience * 2, self.ask(subject)).await {
                Ok(found) => found,
                Err(_) => Ok(Err(super::too_slow(&self.url.masked()))),
            }
        };
        block_on(&self.url, within).unwrap_or_else(|error| Err(AccountError::of_session(&error)))
    }
}

fn explain(session: &Session<'_>, error: &Error) -> Result<Option<Account>, AccountError> {
    let lost =
        |cause: &str| AccountError::Unavailable(session.url.scrub(&format!("{}: {cause}", session.url.masked())));
    let Some(db) = error.as_db_error() else { return Err(lost(&chain(error))) };
    match db.code() {
        // A value that is none of the column's type names no account. What the server says would repeat the value.
        code if code.code().starts_with("22") => Ok(None),
        code if *code == SqlState::QUERY_CANCELED => Err(lost("the query took too long")),
        // A mistake in the statement, one that would write, or something that cannot be asked here.
        code if ["42", "25", "0A"].iter().any(|class| code.code().starts_with(class)) => {
            Err(AccountError::Query(session.url.scrub(db.message())))
        }
        _ => Err(lost(&chain(error))),
    }
}

/// The subject as the text that the server reads as whatever type the query compares it with.
#[derive(Debug)]
struct AsText<'a>(&'a str);

impl ToSql for AsText<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
