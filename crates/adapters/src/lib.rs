//! Upsweep's adapters: what the engine's ports look like against real databases, directories and clocks.

pub mod claims;
