//! The pure core of Upsweep.

pub mod claim;
pub mod fold;
pub mod glob;
pub mod key;
pub mod template;
pub mod timetext;
