//! The conformance suite of the port `Store`, against real directories and against memory.

mod conformance;
mod hiding;
mod incoming;
mod links;
mod listing;
mod manifest;
mod quarantine;
mod rig;
mod system;
