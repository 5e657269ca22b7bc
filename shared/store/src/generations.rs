//! Generations, with their uploads, share links and gallery entries in the table.

pub(crate) mod gallery;
pub(crate) mod generation;
pub(crate) mod share;
pub(crate) mod upload;
