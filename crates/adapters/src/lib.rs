//! Upsweep's adapters.

pub mod accounts;
pub mod archive;
pub mod audio;
pub mod claims;
mod encoded;
pub mod home;
pub mod ledger;
pub mod store;
