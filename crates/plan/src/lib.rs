//! The pure core of Upsweep.
//!
//! Everything that decides lives here and is a function of its arguments: no clock, no I/O, no async.
//! Read it in the order of the data: [`key`] and [`listing`] (what the store holds), [`claim`] and
//! [`template`] (what the database says), [`matching`] (who claims what), [`verdict`] and
//! [`reconcile`] (what follows), [`plan`] (the immutable result), [`guard`] (whether it is absurd) and
//! [`lifecycle`] (what may happen to one object afterwards). Beside them stand [`hold`] (what a person keeps),
//! [`baseline`] (what the last good survey found) and [`audit`] (the chain of records that tells it all).

pub mod action;
pub mod audit;
pub mod baseline;
pub mod claim;
pub mod exclude;
pub mod fold;
pub mod folders;
pub mod glob;
mod group_index;
pub mod guard;
mod held;
pub mod hold;
pub mod key;
pub mod lifecycle;
pub mod listing;
pub mod marks;
pub mod matching;
pub mod mend;
pub mod moment;
mod pattern_index;
pub mod plan;
pub mod policy;
pub mod recheck;
pub mod reconcile;
pub mod relink;
pub mod selection;
pub mod standing;
pub mod template;
pub mod timetext;
pub mod variant;
pub mod verdict;
