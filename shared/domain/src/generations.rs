//! Generations with their uploads, settings and share links.

pub mod budget;
pub mod generation;
pub mod output;
pub mod settings;
pub mod share;
pub mod submission;
pub mod upload;
