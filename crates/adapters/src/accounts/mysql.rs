//! Accounts from MySQL and MariaDB.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Error, Params, Value};
use upsweep_engine::ports::ClaimError;

use super::{Account, AccountError, Accounts, Columns};
use crate::claims::mysql::session::Session;
use crate::claims::names::quote;
use crate::claims::runtime::block_on;
use crate::claims::url::ServerUrl;

/// A query on a MySQL or MariaDB schema. Every look-up connects anew.
pub(super) struct MySqlAccounts {
    url: ServerUrl,
    query: String,
    subjects: usize,
    patience: Duration,
}

/// What the query gave, and whether the server cut a value to compare it.
type Rows = (Vec<[Option<String>; 2]>, bool);

/// The codes for a value that was cut: "7 or so" equals 7 for these servers, with a warning, and any word equals 0.
const CUT: [u16; 3] = [1265, 1292, 1366];

impl MySqlAccounts {
    /// `around` is the text around the subjects.
    pub(super) fn new(url: ServerUrl, around: &[&str], patience: Duration) -> Self {
        Self { url, query: around.join("?"), subjects: around.len() - 1, patience }
    }

    async fn ask(&self, subject: &str) -> Result<Result<Option<Account>, AccountError>, ClaimError> {
        let mut session = Session::open(&self.url).await?;
        let limit = if session.is_mariadb {
            format!("SET SESSION max_statement_time = {}", self.patience.as_secs_f64())
        } else {
            format!("SET SESSION max_execution_time = {}", self.patience.as_millis())
        };
        session.run(&limit).await?;
        session.run(&format!("SET SESSION lock_wait_timeout = {}", self.patience.as_secs().max(1))).await?;
        session.run("START TRANSACTION READ ONLY").await?;
        let found = match self.columns(&mut session).await {
            Ok(Ok(columns)) => match self.rows(&mut session, &columns, subject).await {
                Ok((_, true)) => Ok(None),
                Ok((rows, false)) => columns.account(rows),
                Err(error) => explain(&self.url, &error),
            },
            Ok(Err(error)) => Err(error),
            Err(error) => explain(&self.url, &error),
        };
        // It is known by now; how the goodbye goes changes nothing about it.
        let _ = session.conn.disconnect().await;
        Ok(found)
    }

    async fn columns(&self, session: &mut Session<'_>) -> Result<Result<Columns, AccountError>, Error> {
        let all = session.conn.prep(format!("SELECT * FROM (\n{}\n) AS q", self.query)).await?;
        let names: Vec<String> = all.columns().iter().map(|column| column.name_str().into_owned()).collect();
        Ok(Columns::among(names.iter().map(String::as_str)))
    }

    async fn rows(&self, session: &mut Session<'_>, columns: &Columns, subject: &str) -> Result<Rows, Error> {
        let select = columns.select(&self.query, |name| format!("CAST(q.{} AS CHAR)", quote(name, '`')));
        let subjects = vec![Value::Bytes(subject.as_bytes().to_vec()); self.subjects];
        let rows = session.conn.exec(select, Params::Positional(subjects)).await?;
        let rows = rows.into_iter().map(|(role, is_active)| [role, is_active]).collect();
        if session.conn.get_warnings() == 0 {
            return Ok((rows, false));
        }
        let warnings: Vec<(String, u16, String)> = session.conn.query("SHOW WARNINGS").await?;
        Ok((rows, warnings.iter().any(|(_, code, _)| CUT.contains(code))))
    }
}

impl Accounts for MySqlAccounts {
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

fn explain(url: &ServerUrl, error: &Error) -> Result<Option<Account>, AccountError> {
    let lost = |cause: &str| AccountError::Unavailable(url.scrub(&format!("{}: {cause}", url.masked())));
    match error {
        // A value that is none of the column's type names no account. What the server says would repeat the value.
        Error::Server(server) if server.state.starts_with("22") => Ok(None),
        // MariaDB's and MySQL's codes for a statement that took too long.
        Error::Server(server) if matches!(server.code, 1969 | 3024) => Err(lost("the query took too long")),
        Error::Server(server) if ["42", "21", "25"].iter().any(|class| server.state.starts_with(class)) => {
            Err(AccountError::Query(url.scrub(&server.message)))
        }
        Error::Driver(wrong) => Err(AccountError::Query(url.scrub(&wrong.to_string()))),
        other => Err(lost(&other.to_string())),
    }
}
