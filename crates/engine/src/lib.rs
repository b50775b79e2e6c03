//! Upsweep's engine: what is done, in which order, and what is noted before and after.
//!
//! The pure core (`upsweep-plan`) decides; this crate carries out over the traits in [`ports`]. It is
//! synchronous and single-threaded on purpose, so that a simulation can drive the real thing step by step.
//!
//! The story of a clean-up: [`binding`] (is this the right store?), [`databases`] (whose rows?), [`survey`] (what is
//! there and who claims it), [`planning`] (what would go), [`apply`] (hide it, intent before effect), [`archive`]
//! (copy it), [`restore`] and [`purge`] (bring it back, or free it), [`recover`] (finish what a crash interrupted),
//! [`rebind`] and [`adopt`] (another database, another ledger), and [`runs`], which tells them in order. Beside them:
//! [`holds`] (what people want kept) and [`trail`] (what was done, told to an auditor).

pub mod adopt;
pub mod apply;
pub mod archive;
mod baseline;
pub mod binding;
mod claims;
pub mod databases;
mod desk;
pub mod drain;
pub mod error;
pub mod explain;
mod hashed;
mod hidden;
pub mod holds;
pub mod logs;
pub mod past;
pub mod planning;
pub mod ports;
pub mod purge;
pub mod rebind;
pub mod recover;
pub mod report;
pub mod restore;
mod retrieve;
pub mod runs;
mod selection;
pub mod situation;
pub mod survey;
pub mod trail;
mod watch;
pub mod world;
pub mod zone;
