//! The functions' binaries, one at a time, without a stack around them: a stand-in for Lambda hands them the events of
//! `events/`, a stand-in for AWS answers what they ask and notes it.
//!
//! That shows what a stack cannot: how long the process takes by itself, and exactly which calls an event costs.

pub mod aws;
pub mod cpu;
pub mod events;
pub mod function;
pub mod large;
pub mod payments;
pub mod seed;
pub mod tls;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Builds every binary of the workspace in this profile, and answers with the folder that holds them.
///
/// # Errors
/// Cargo cannot be run, or says no.
pub fn build(profile: &str) -> Result<PathBuf> {
    let mut command = cargo_build::command();
    // All at once, since a part of the workspace would be built with other features, and so anew.
    command.args(["build", "--workspace", "--bins", "--profile", profile]);
    if !command.status().context("cargo cannot be run: put it on the PATH")?.success() {
        bail!("the functions do not build: mend what cargo says");
    }
    // This program lies in `<target>/<profile>`, as a test in `<target>/<profile>/deps`.
    let program = std::env::current_exe()?;
    let own = program.parent().map(|folder| if folder.ends_with("deps") { folder.parent() } else { Some(folder) });
    let target = own.flatten().and_then(Path::parent).context("this program does not lie where cargo puts it")?;
    Ok(target.join(if profile == "dev" { "debug" } else { profile }))
}
