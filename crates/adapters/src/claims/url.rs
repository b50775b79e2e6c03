//! Database URLs as applications have them in their configuration.
//!
//! Nothing here connects or looks at a file system, except [`FileUrl::locate`]. No error and no `Display`
//! shows a password.

mod file;
mod server;
mod tls;

#[cfg(test)]
mod tests;

use std::fmt;

use upsweep_engine::ports::ClaimError;

pub use file::FileUrl;
pub use server::{Host, ServerUrl};
pub(crate) use tls::{Refusal, most_telling};
pub use tls::{Roots, Tls, TlsMode};

/// Which kind of database a URL means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB: which of them, the server says.
    MySql,
    /// SQLite.
    Sqlite,
}

/// A parsed database URL.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A PostgreSQL server.
    Postgres(ServerUrl),
    /// A MySQL or MariaDB server.
    MySql(ServerUrl),
    /// An SQLite file.
    Sqlite(FileUrl),
}

impl DatabaseUrl {
    /// Reads a URL, in the spellings of drivers and of SQLAlchemy (`postgresql+asyncpg://…`).
    ///
    /// # Errors
    /// [`ClaimError::Url`], which says what to write instead and never repeats what may hold a password.
    pub fn parse(url: &str) -> Result<Self, ClaimError> {
        let url = url.trim();
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(mistake("the database URL has no scheme", ACCEPTED));
        };
        let (engine, driver) = match scheme.split_once('+') {
            Some((engine, driver)) => (engine, Some(driver)),
            None => (scheme, None),
        };
        let parsed = match engine.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => server::parse(Engine::Postgres, rest).map(Self::Postgres),
            "mysql" | "mariadb" => server::parse(Engine::MySql, rest).map(Self::MySql),
            "sqlite" | "sqlite3" => file::parse(rest, driver.is_some()).map(Self::Sqlite),
            _ => Err(format!("the database URL's scheme is '{}', which is not supported; {ACCEPTED}", shown(scheme))),
        };
        parsed.map_err(ClaimError::Url)
    }

    /// The URL without its password and without its options.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Postgres(server) | Self::MySql(server) => server.masked(),
            Self::Sqlite(file) => file.to_string(),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const ACCEPTED: &str = "write postgresql://user:password@host/database, mysql://user:password@host/database, \
                        mariadb://… or sqlite:///path/to/file (SQLAlchemy's +driver spellings are understood too)";

fn mistake(problem: &str, advice: &str) -> ClaimError {
    ClaimError::Url(format!("{problem}: {advice}"))
}

/// A scheme worth repeating; anything else might be a secret in the wrong place.
fn shown(scheme: &str) -> &str {
    let plain = scheme.len() <= 32 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
    if plain { scheme } else { "…" }
}

/// Decodes `%20` and the like; an invalid sequence stands for itself.
fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| "the database URL is not UTF-8 once percent-decoded".to_owned())
}
