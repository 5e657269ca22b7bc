//! Describes the API of the documents of the operator, the catalogue and the settings: their versions, and what models earn and
//! cost.

pub mod documents;
pub mod margins;
pub mod settings;
pub mod versions;
