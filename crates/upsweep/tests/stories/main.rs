//! The stories that the guards are for, each told with the real program and a real database: the trouble, its
//! message, the command that it names, the harmless neighbour, and what a purge makes of it a week later.
//!
//! Needs the feature `test-clock`, with which the program's clock can be shifted.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

#[path = "../support/mod.rs"]
mod support;

mod blinded_role;
mod clocks;
mod column;
mod deleted_rows;
mod folder;
mod lost_rows;
mod mending;
mod narrowing;
mod staging;
mod tale;
mod too_large;
mod unmounted;
