//! The wire: what clients send and get, and the OpenAPI document of it.
//!
//! The document is made from the types that the functions really decode and encode, and from one table of operations that
//! a test holds equal to the routes of the template.

mod document;
mod operations;
pub mod requests;
pub mod views;

pub use document::document;
pub use operations::{OPERATIONS, Operation};
