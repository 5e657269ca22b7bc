//! Turns HTTP requests into calls of handlers, and their results into responses.
//!
//! A function is an axum `Router` behind the HTTP API. [`run`] turns API Gateway's event into a request and every outcome, panics
//! included, into a response. `lambda_http` makes the request; input on which it would panic is refused before, so that no caller
//! can cause a 5xx.
//!
//! Handlers take their input through the strict extractors of this module, and fail with a [`Problem`].

mod body;
mod caller;
mod conditional;
mod edge;
mod gateway;
mod idempotency;
mod json_tree;
mod problem;
mod query;
mod rate_limit;
mod server;
#[cfg(test)]
mod tests;

pub use body::StrictJson;
pub use caller::{Caller, RECENT_S, RequestContext, STAFF_RECENT_S};
pub use conditional::{IfMatch, etag};
pub use idempotency::{BodilessRequest, Idempotency, MutatingRequest};
pub use problem::{InvalidField, Problem};
pub use query::{StrictPath, StrictQuery};
pub use rate_limit::RateLimit;
pub use server::{Server, run};
