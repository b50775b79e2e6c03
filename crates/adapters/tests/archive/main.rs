//! The conformance suite of the port `Archive`, against real directories and against memory.

mod conformance;
mod local;
mod rig;
