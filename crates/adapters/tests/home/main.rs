//! The conformance suite of the port `Home`, against a directory and against memory.

mod conformance;
mod local;
mod rig;
