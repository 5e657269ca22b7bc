//! The wire: what clients send and get, the OpenAPI document of it, and the manners that mutating routes share.
//!
//! The document is made from the types that the functions really decode and encode, and from one table of operations that
//! a test holds equal to the routes of the template.

pub mod access;
mod document;
mod holdings;
mod links;
mod living;
mod mutation;
mod operations;
mod page;
pub mod payments;
pub mod policy;
pub mod privacy;
mod refusals;
pub mod requests;
pub mod support;
pub mod views;
mod windows;

pub use document::document;
pub use holdings::AppState;
pub use links::{generation_view, media_views, token_hash};
pub use living::require_active_account;
pub use mutation::{Attempt, Mutation, MutationResponse, Mutations};
pub use operations::{OPERATIONS, Operation};
pub use page::{LARGEST_PAGE, PageQuery, Paging};
pub use refusals::{refusal_problem, store_problem};
