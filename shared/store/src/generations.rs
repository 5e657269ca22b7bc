//! Generations, with their uploads and share links in the table.

pub(crate) mod generation;
pub(crate) mod share;
pub(crate) mod upload;
