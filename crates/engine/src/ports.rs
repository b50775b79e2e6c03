//! What the engine needs of the world, as traits. Adapters implement them; one conformance suite per
//! port holds every adapter to the words here.

mod archive;
mod claims;
mod ledger;
mod store;
mod surroundings;

pub use archive::*;
pub use claims::*;
pub use ledger::*;
pub use store::*;
pub use surroundings::*;
