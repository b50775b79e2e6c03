//! Ledgers: Upsweep's own state.

pub mod memory;
pub mod sqlite;
