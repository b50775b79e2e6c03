//! The conformance suite of the port `Ledger`, against SQLite and against memory.

mod conformance;
mod desk;
mod errands;
mod holds;
mod memories;
mod old;
mod pages;
mod sqlite;
mod trail;
mod trail_on_disk;
