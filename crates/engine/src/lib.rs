//! Upsweep's engine.

pub mod ports;
