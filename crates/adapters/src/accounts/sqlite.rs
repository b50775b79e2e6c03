//! Accounts from an SQLite file.

use std::sync::mpsc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode};

use super::{Account, AccountError, Accounts, Columns};
use crate::claims::names::quote;
use crate::claims::sqlite::open_file;
use crate::claims::url::FileUrl;

/// A query on an SQLite file, which every look-up opens anew.
pub(super) struct SqliteAccounts {
    url: FileUrl,
    query: String,
    patience: Duration,
}

impl SqliteAccounts {
    /// `around` is the text around the subjects.
    pub(super) fn new(url: FileUrl, around: &[&str], patience: Duration) -> Self {
        Self { url, query: around.join("?1"), patience }
    }

    fn read(&self, connection: &Connection, subject: &str) -> Result<Result<Option<Account>, AccountError>, Error> {
        let columns = {
            let all = connection.prepare(&self.query)?;
            match Columns::among(all.column_names().into_iter()) {
                Ok(columns) => columns,
                Err(error) => return Ok(Err(error)),
            }
        };
        let select = columns.select(&self.query, |name| format!("q.{}", quote(name, '"')));
        let mut select = connection.prepare(&select)?;
        let mut rows = select.query([subject])?;
        let mut found = vec![];
        while let Some(row) = rows.next()? {
            found.push([text(row.get_ref(0)?), text(row.get_ref(1)?)]);
        }
        Ok(columns.account(found))
    }
}

fn text(cell: ValueRef<'_>) -> Option<String> {
    match cell {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

impl Accounts for SqliteAccounts {
    fn look_up(&self, subject: &str) -> Result<Option<Account>, AccountError> {
        let (connection, _) = open_file(&self.url, self.patience).map_err(|error| AccountError::of_session(&error))?;
        let patience = self.patience;
        let handle = connection.get_interrupt_handle();
        let (done, over) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if over.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                    handle.interrupt();
                }
            });
            let found = self.read(&connection, subject).unwrap_or_else(|error| Err(self.explain(&error)));
            drop(done);
            found
        })
    }
}

impl SqliteAccounts {
    fn explain(&self, error: &Error) -> AccountError {
        match error {
            Error::SqlInputError { msg, .. } => AccountError::Query(msg.clone()),
            other if other.sqlite_error_code() == Some(ErrorCode::Unknown) => AccountError::Query(other.to_string()),
            other if other.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                super::too_slow(&self.url.to_string())
            }
            other => AccountError::Unavailable(format!("{}: {other}", self.url)),
        }
    }
}
