//! Stores of files.

pub mod local;
pub mod memory;
