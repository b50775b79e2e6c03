//! Claims out of real databases, behind the engine's port `ClaimSource`.

mod names;
mod sql;
pub mod url;
