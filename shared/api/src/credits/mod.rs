//! Describes the API of credits.

pub mod promotions;
pub mod statement;
