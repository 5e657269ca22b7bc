//! The door of every HTTP route: what comes in is checked here, and what goes out has one manner.
//!
//! A function is an axum `Router` behind the HTTP API. [`run`] drives it: it turns API Gateway's event into a request, and
//! whatever happens inside, a panic included, into an answer. `lambda_http` makes the request, and what it would panic on is
//! refused first: a caller must not be able to cause a 5xx.
//!
//! Handlers take their input through the strict extractors of this module and refuse with a [`Problem`].

mod body;
mod caller;
mod conditional;
mod door;
mod edge;
mod gateway;
mod idempotency;
mod problem;
mod query;
mod rate_limit;
#[cfg(test)]
mod tests;
mod tree;

pub use body::StrictJson;
pub use caller::{Caller, RECENT_S, RequestContext, STAFF, Staff};
pub use conditional::{IfMatch, etag};
pub use door::run;
pub use idempotency::{BodilessRequest, Idempotency, MutatingRequest};
pub use problem::{InvalidField, Problem};
pub use query::{StrictPath, StrictQuery};
pub use rate_limit::RateLimit;
