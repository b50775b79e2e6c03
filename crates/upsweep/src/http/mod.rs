//! The service over HTTP: the classic contract, the API, and what an operator expects beside them.

pub(crate) mod auth;
pub(crate) mod problem;
pub(crate) mod request_id;
pub(crate) mod v1;
