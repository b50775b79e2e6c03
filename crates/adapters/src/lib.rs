//! Upsweep's adapters.

pub mod audio;
pub mod claims;
pub mod home;
pub mod ledger;
pub mod store;
