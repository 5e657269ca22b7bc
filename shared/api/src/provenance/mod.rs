//! Describes the API of provenance: what a file tells about how it was made.

pub mod check;
