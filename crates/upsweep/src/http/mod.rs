//! The service over HTTP: the classic contract, the API, and what an operator expects beside them.

pub(crate) mod auth;
mod classic_docs;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod problem;
pub(crate) mod request_id;
pub(crate) mod v1;

#[cfg(test)]
mod testing;
