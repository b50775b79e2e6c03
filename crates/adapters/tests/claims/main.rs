//! The conformance suite of the port `ClaimSource`, against real databases and against memory.

mod conformance;
mod db;
mod mysql;
mod postgres;
mod sql;
mod sqlite;
mod tls;
