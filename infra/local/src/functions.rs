//! The functions' binaries.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{Progress, workspace};

/// Where the functions' binaries come from.
#[derive(Clone, Debug)]
pub enum Functions {
    /// `cargo build` makes them now, in the profile in which this crate was built.
    BuiltByCargo,
    /// They lie in this folder, each under its function's name.
    In(PathBuf),
}

impl Functions {
    /// The folder that holds them all.
    pub(crate) fn locate(&self, progress: &mut dyn Progress) -> Result<PathBuf> {
        match self {
            Self::In(folder) => Ok(folder.clone()),
            Self::BuiltByCargo => build(progress),
        }
    }
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    manifest_path: PathBuf,
    executable: Option<PathBuf>,
}

/// All packages are built at once: features are then unified as in any other build of the workspace, and nothing is built
/// twice.
fn build(progress: &mut dyn Progress) -> Result<PathBuf> {
    progress.step("Building the functions");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let mut child = command
        .current_dir(workspace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo cannot be run: install Rust, or put cargo on the PATH")?;
    let artifacts = child.stdout.take().context("cargo has no output")?;
    let messages = child.stderr.take().context("cargo has no messages")?;
    let folder = thread::spawn(move || folder_of_functions(artifacts));
    let mut said = String::new();
    for line in BufReader::new(messages).lines() {
        let line = line?;
        progress.detail(line.trim());
        said.push_str(&line);
        said.push('\n');
    }
    if !child.wait()?.success() {
        bail!("the functions do not build: mend what cargo says and try again\n{said}");
    }
    folder.join().ok().flatten().context("the workspace has no functions")
}

fn folder_of_functions(artifacts: impl Read) -> Option<PathBuf> {
    let functions = workspace().join("functions");
    let mut folder = None;
    for line in BufReader::new(artifacts).lines().map_while(Result::ok) {
        let Ok(artifact) = serde_json::from_str::<Artifact>(&line) else { continue };
        if let Some(executable) = artifact.executable.filter(|_| artifact.manifest_path.starts_with(&functions)) {
            folder = executable.parent().map(Path::to_path_buf);
        }
    }
    folder
}
