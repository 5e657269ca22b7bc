//! Describes the API of the catalogue: its versions, and what its models earn and cost.

pub mod margins;
pub mod versions;
pub mod watch;
