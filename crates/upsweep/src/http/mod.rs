//! The service over HTTP: the classic contract, the API, and what an operator expects beside them.

pub(crate) mod app;
pub(crate) mod auth;
pub(crate) mod classic;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod layers;
pub(crate) mod metrics;
pub(crate) mod problem;
mod problem_docs;
pub(crate) mod request_id;
pub(crate) mod scrape;
pub(crate) mod server;
pub(crate) mod tls;
pub(crate) mod v1;

#[cfg(test)]
pub(crate) mod testing;
