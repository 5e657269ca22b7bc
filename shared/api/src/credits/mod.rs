//! Describes the API of credits.

pub mod statement;
