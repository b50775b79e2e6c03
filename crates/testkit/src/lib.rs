//! Real servers for Upsweep's tests: on 127.0.0.1, on free ports, in temporary folders, and gone when the
//! test is, even one that was killed.

mod keeper;
mod mariadb;
mod postgres;
mod python;
mod skip;
mod template;

pub use mariadb::MariaDb;
pub use postgres::Postgres;
pub use python::Python;
pub use skip::skip;
