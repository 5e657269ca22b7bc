//! The functions' binaries.

use std::path::PathBuf;

use anyhow::Result;
use interpreters::Progress;

/// Says where the functions' binaries come from.
#[derive(Clone, Debug)]
pub enum Functions {
    /// `cargo build` builds them at the start, in the profile of this crate.
    BuiltByCargo,
    /// A folder holds them, each under the name of its function.
    In(PathBuf),
}

impl Functions {
    /// Returns the folder that holds them all.
    pub(crate) fn locate(&self, progress: &mut dyn Progress) -> Result<PathBuf> {
        match self {
            Self::In(folder) => Ok(folder.clone()),
            Self::BuiltByCargo => {
                progress.step("Building the functions");
                cargo_build::build(&cargo_build::functions()?, progress)
            }
        }
    }
}
