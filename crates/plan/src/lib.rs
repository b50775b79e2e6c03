//! The pure core of Upsweep.
//!
//! Everything that decides lives here and is a function of its arguments: no clock, no I/O, no async.
//! Read it in the order of the data: [`key`] and [`listing`] (what the store holds), [`claim`] and
//! [`template`] (what the database says), [`matching`] (who claims what), [`verdict`] and
//! [`reconcile`] (what follows), [`plan`] (the immutable result), [`guard`] (whether it is absurd) and
//! [`lifecycle`] (what may happen to one object afterwards).

pub mod action;
pub mod claim;
pub mod fold;
pub mod glob;
mod group_index;
pub mod guard;
pub mod key;
pub mod lifecycle;
pub mod listing;
pub mod matching;
mod pattern_index;
pub mod plan;
pub mod policy;
pub mod reconcile;
pub mod template;
pub mod timetext;
pub mod variant;
pub mod verdict;
