//! The conformance suite of the port `Ledger`, against SQLite and against memory.

mod conformance;
mod desk;
mod sqlite;
