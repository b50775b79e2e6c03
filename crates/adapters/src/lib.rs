//! Upsweep's adapters.

pub mod audio;
pub mod claims;
