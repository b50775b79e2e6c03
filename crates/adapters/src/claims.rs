//! Claims out of real databases, behind the engine's port `ClaimSource`.

pub mod memory;
pub(crate) mod mysql;
pub(crate) mod names;
pub(crate) mod postgres;
pub(crate) mod runtime;
pub(crate) mod sql;
pub(crate) mod sqlite;
mod tls;
pub mod url;

use upsweep_engine::ports::{ClaimError, ClaimSource};

pub use memory::MemoryClaims;
pub use mysql::MySqlClaims;
pub use postgres::PostgresClaims;
pub use sqlite::SqliteClaims;

use self::url::DatabaseUrl;

/// Receives the cells of one rule's rows.
type CellSink<'a> = dyn FnMut(&[Option<&[u8]>]) + 'a;

/// The database behind a URL. Nothing is connected yet.
///
/// # Errors
/// [`ClaimError::Url`] for a URL that cannot be understood.
pub fn open(url: &str) -> Result<Box<dyn ClaimSource>, ClaimError> {
    Ok(match DatabaseUrl::parse(url)? {
        DatabaseUrl::Postgres(server) => Box::new(PostgresClaims::new(server)),
        DatabaseUrl::MySql(server) => Box::new(MySqlClaims::new(server)),
        DatabaseUrl::Sqlite(file) => Box::new(SqliteClaims::new(file)),
    })
}
