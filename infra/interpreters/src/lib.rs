//! Provides what the build and the local stack run that is not Rust: Python environments with pinned packages, and Node.js
//! of the machine or from such an environment. A machine needs only Rust and Python.

pub mod disk;
mod node;
mod python;

use std::path::Path;

pub use node::{Node, node};
pub use python::python;

/// Receives what the slow steps of a start are doing.
pub trait Progress {
    /// Reports that a step begins and the step before it is done.
    fn step(&mut self, step: &str);
    /// Reports how far the current step is.
    fn detail(&mut self, detail: &str);
}

/// Discards all reports.
impl Progress for () {
    fn step(&mut self, _step: &str) {}
    fn detail(&mut self, _detail: &str) {}
}

/// Returns the folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}
