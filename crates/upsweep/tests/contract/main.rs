//! The contract of `upsweep serve`, as its callers were promised it, with the real program, real databases, and tokens
//! made by a library of another language.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]
#![allow(unreachable_pub, reason = "shared by the stories")]

#[path = "../support/mod.rs"]
#[macro_use]
mod support;
#[path = "../support/serve.rs"]
#[allow(dead_code, reason = "other test files use what these do not")]
mod serve;

mod accounts;
mod acting;
mod asking;
mod away;
mod choosing;
mod ending;
mod fuzzing;
mod habits;
mod keys;
mod living;
mod looking;
mod many;
mod missing;
mod people;
mod refusing;
mod scene;
mod starting;
mod stuck;
#[cfg(feature = "test-clock")]
mod timely;
mod tokens;
