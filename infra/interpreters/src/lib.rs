//! What the build and the local stack run that is not Rust: Python environments with pinned packages, and Node, from the
//! machine or out of such an environment. So Rust and Python are all that a machine needs.

mod node;
mod python;

use std::path::Path;

pub use node::{Node, node};
pub use python::python;

/// Hears what the slow steps of a start are doing.
pub trait Progress {
    /// A step begins; the one before it is done.
    fn step(&mut self, step: &str);
    /// What the step is at.
    fn detail(&mut self, detail: &str);
}

/// Tells nobody.
impl Progress for () {
    fn step(&mut self, _step: &str) {}
    fn detail(&mut self, _detail: &str) {}
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}
