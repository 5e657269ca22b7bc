//! Describes the API of the documents of the operator, the catalogue, the settings and the texts: their versions, and what models earn and
//! cost.

pub mod documents;
pub mod margins;
pub mod settings;
pub mod texts;
pub mod versions;
pub mod watch;
