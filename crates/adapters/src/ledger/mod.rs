//! Ledgers: Upsweep's own state.

pub mod memory;
pub mod sqlite;
pub(crate) mod telling;
