//! What every command says, word for word, as people and as scripts get it.
//!
//! Each story is a transcript of the real program on a site of its own: `<command>/<case>.txt`, and `.json` beside it
//! for what scripts read. `UPSWEEP_UPDATE_GOLDEN=1` writes them anew; what changed is reviewed with `git diff`.
//!
//! Needs the feature `test-clock`, with which the program's clock can be shifted.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "operators and applications write, rename and remove files")]

mod normal;
#[path = "../support/mod.rs"]
mod support;
mod tale;

mod acting;
mod configuring;
mod explaining;
mod keeping;
mod mending;
mod overview;
mod planning;
mod running;
mod shape;
