//! Accounts of the application: whether a subject may still sign in, and its role now.

mod mysql;
mod postgres;
mod sqlite;

use std::time::Duration;

use upsweep_engine::ports::ClaimError;

use crate::claims::sql::{Dialect, around_subject};
use crate::claims::url::DatabaseUrl;

/// Where accounts are looked up. Calls block; from asynchronous code they belong on a thread for blocking work.
pub trait Accounts: Send + Sync {
    /// The account of a subject; `None` when there is none. The subject is data, never a part of the query.
    ///
    /// # Errors
    /// [`AccountError`]; then nothing is known about the subject, and nobody may pass.
    fn look_up(&self, subject: &str) -> Result<Option<Account>, AccountError>;
}

/// What the application says of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its role; `None` where the query tells none, empty where it is NULL.
    pub role: Option<String>,
    /// Whether it may sign in; true where the query does not tell.
    pub is_active: bool,
}

/// Why an account could not be looked up. No message holds the subject.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The query cannot be meant so, or the database will not run it.
    #[error("auth_user_query: {0}")]
    Query(String),
    /// Several rows are no answer.
    #[error("auth_user_query gives more than one row for a subject; let it find exactly one account")]
    Several,
    /// The database is away, or did not answer in time.
    #[error("{0}")]
    Unavailable(String),
}

/// The accounts that `query` finds in the database behind a URL. Nothing is connected yet. The database may work on one
/// query for as long as `patience`, and a look-up may take twice that, connecting included.
///
/// # Errors
/// [`AccountError::Query`] for a query that is not one SELECT with `:subject` in it, or a URL that cannot be
/// understood.
pub fn open(url: &str, query: &str, patience: Duration) -> Result<Box<dyn Accounts>, AccountError> {
    let around = |dialect| around_subject(query, dialect).map_err(AccountError::Query);
    Ok(match DatabaseUrl::parse(url).map_err(|error| AccountError::Query(error.to_string()))? {
        DatabaseUrl::Postgres(server) => {
            Box::new(postgres::PostgresAccounts::new(server, &around(Dialect::Postgres)?, patience))
        }
        DatabaseUrl::MySql(server) => Box::new(mysql::MySqlAccounts::new(server, &around(Dialect::MySql)?, patience)),
        DatabaseUrl::Sqlite(file) => Box::new(sqlite::SqliteAccounts::new(file, &around(Dialect::Sqlite)?, patience)),
    })
}

impl AccountError {
    /// A session that cannot be had, or was lost.
    fn of_session(error: &ClaimError) -> Self {
        match error {
            ClaimError::Url(said) => Self::Query(said.clone()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// The columns that count, as they are spelled in the query's answer.
struct Columns {
    role: Option<String>,
    is_active: Option<String>,
}

impl Columns {
    fn among<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, AccountError> {
        let mut found = Self { role: None, is_active: None };
        for name in names {
            for (wanted, place) in [("role", &mut found.role), ("is_active", &mut found.is_active)] {
                if name.eq_ignore_ascii_case(wanted) && place.replace(name.to_owned()).is_some() {
                    return Err(AccountError::Query(format!("its answer has two columns {wanted}; keep one of them")));
                }
            }
        }
        if found.role.is_none() && found.is_active.is_none() {
            return Err(AccountError::Query("its answer must have the column role, is_active, or both".to_owned()));
        }
        Ok(found)
    }

    /// The query around the user's own that gives the text of exactly two cells. Two rows are enough to know that
    /// there is more than one.
    fn select(&self, inner: &str, text: impl Fn(&str) -> String) -> String {
        let cell = |name: &Option<String>| name.as_deref().map_or_else(|| "NULL".to_owned(), &text);
        format!("SELECT {}, {} FROM (\n{inner}\n) AS q LIMIT 2", cell(&self.role), cell(&self.is_active))
    }

    /// The account that the rows tell of; a cell is its text, or NULL.
    fn account(&self, rows: Vec<[Option<String>; 2]>) -> Result<Option<Account>, AccountError> {
        let mut rows = rows.into_iter();
        let [role, is_active] = match (rows.next(), rows.next()) {
            (None, _) => return Ok(None),
            (Some(_), Some(_)) => return Err(AccountError::Several),
            (Some(row), None) => row,
        };
        Ok(Some(Account {
            role: self.role.is_some().then(|| role.unwrap_or_default()),
            is_active: self.is_active.is_none() || is_true(is_active.as_deref())?,
        }))
    }
}

/// Databases spell what is true in many ways. What is neither true nor false is a mistake, not a yes.
fn is_true(text: Option<&str>) -> Result<bool, AccountError> {
    const TRUE: [&str; 6] = ["1", "t", "true", "y", "yes", "\u{1}"];
    const FALSE: [&str; 8] = ["", "0", "f", "false", "n", "no", "\0", "0.0"];
    let Some(text) = text.map(|text| text.trim_matches(' ').to_ascii_lowercase()) else { return Ok(false) };
    match (TRUE.contains(&text.as_str()), FALSE.contains(&text.as_str())) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(AccountError::Query(
            "is_active is neither true nor false; let the query compare, as in status = 'active' AS is_active"
                .to_owned(),
        )),
    }
}

fn too_slow(database: &str) -> AccountError {
    AccountError::Unavailable(format!("{database}: the look-up of an account took too long"))
}
