//! Describes the HTTP API: its operations, the types that they take and return, and what the handlers of all functions
//! share.
//!
//! An operation is declared once, beside its types (`operations!` in a file of its area). A function binds handlers to
//! operations with [`Routes`]; the OpenAPI document, the authorization tests and the benchmark read [`operations()`].

pub mod accounts;
mod active_account;
pub mod catalogue;
pub mod credits;
mod document;
pub mod generations;
pub mod moderation;
mod mutation;
mod operation;
mod operations;
mod paging;
pub mod payments;
pub mod privacy;
mod problems;
pub mod provenance;
mod rate_windows;
mod routes;
pub mod staff;
mod staff_guard;
mod state;
pub mod support;

pub use active_account::{active, require_active_account};
pub use document::document;
pub use mutation::{Mutation, MutationError, MutationResponse, Mutations, contended};
pub use operation::{Operation, Parameter, RequestBody, SchemaType};
pub use operations::{SHOW_DOCUMENT, operations, operations_of};
pub use paging::{MAX_PAGE, PageQuery, Paging};
pub use problems::{refusal_problem, store_problem};
pub use routes::Routes;
pub use staff_guard::{Staff, StaffDirectory, own_account, require_staff, roles_of};
pub use state::{AppState, open_bucket};
