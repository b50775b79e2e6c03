//! Upsweep's adapters.

pub mod audio;
