//! Ledgers: Upsweep's own state.

pub mod memory;
pub mod sqlite;
mod sums;
pub(crate) mod telling;
