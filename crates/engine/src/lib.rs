//! Upsweep's engine: what is done, in which order, and what is noted before and after.
//!
//! The pure core (`upsweep-plan`) decides; this crate carries out over the traits in [`ports`]. It is
//! synchronous and single-threaded on purpose, so that a simulation can drive the real thing step by step.
//!
//! The story of a clean-up: [`binding`] (is this the right store?), [`survey`] (what is there and who
//! claims it), [`planning`] (what would go), [`apply`] (hide it, intent before effect), [`archive`] (copy it),
//! [`restore`] and [`purge`] (bring it back, or free it), [`recover`] (finish what a crash interrupted), and [`runs`],
//! which tells them in order.

pub mod apply;
pub mod archive;
pub mod binding;
mod claims;
pub mod drain;
pub mod error;
mod hashed;
pub mod planning;
pub mod ports;
pub mod purge;
pub mod recover;
pub mod report;
pub mod restore;
mod retrieve;
pub mod runs;
mod selection;
pub mod survey;
pub mod world;
