//! Runs cargo from programs that cargo started, and builds the binaries of the functions.

mod environment;
mod progress;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use interpreters::{Progress, workspace};
use serde_json::Value;

use crate::progress::Output;

/// Returns a cargo command in the folder of the workspace, without the variables that belong to the package of the caller.
///
/// Build scripts such as the one of `ring` ask to run again when `CARGO_MANIFEST_DIR` or `CARGO_PKG_NAME` change. With the
/// variables of the caller, each caller would rebuild what the one before it has built.
#[must_use]
pub fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    clean(&mut command);
    command.current_dir(workspace()).stdin(Stdio::null());
    command
}

/// Removes the variables that belong to the package of the caller from a command that starts cargo itself.
pub fn clean(command: &mut Command) {
    environment::clean(command, std::env::vars_os().map(|(name, _)| name));
}

/// Returns the names of all functions, sorted: the folders in `functions/`.
///
/// # Errors
/// The folder cannot be read.
pub fn functions() -> Result<Vec<String>> {
    let folder = workspace().join("functions");
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds these binaries in the profile of the caller, and returns the folder that holds them.
///
/// Selects all packages of the workspace, so that each crate has the features of every other build of the workspace and
/// is built once. Reports crates built of all to `progress`. A repeat builds what has changed.
///
/// # Errors
/// Cargo cannot be run, or a crate does not compile: with the messages of the compiler.
pub fn build(bins: &[String], progress: &mut dyn Progress) -> Result<PathBuf> {
    let mut command = command();
    command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]);
    for bin in bins {
        command.args(["--bin", bin]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    // Cargo hides its progress when nothing shows it; here this program does.
    command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    command.env("CARGO_TERM_COLOR", "never");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo cannot be run: install Rust, or put cargo on the PATH")?;
    let artifacts = child.stdout.take().context("cargo has no output")?;
    let messages = child.stderr.take().context("cargo has no messages")?;
    let wanted = bins.to_vec();
    let folder = thread::spawn(move || folder_of(artifacts, &wanted));
    let said = follow(messages, progress)?;
    if !child.wait()?.success() {
        bail!("the build failed: fix what the compiler reports and try again\n{said}");
    }
    folder.join().ok().flatten().context("cargo built none of the binaries")
}

/// Passes progress on, and returns the other lines.
fn follow(messages: impl Read, progress: &mut dyn Progress) -> Result<String> {
    let mut said = String::new();
    let mut messages = BufReader::new(messages);
    let mut line = Vec::new();
    loop {
        line.clear();
        if messages.read_until(b'\n', &mut line)? == 0 {
            return Ok(said);
        }
        // Each state of the progress bar ends with a carriage return.
        for part in String::from_utf8_lossy(&line).split(['\r', '\n']) {
            match progress::parse(part) {
                Output::Progress(text) => progress.detail(&text),
                Output::Line(text) => {
                    said.push_str(text);
                    said.push('\n');
                }
                Output::Nothing => {}
            }
        }
    }
}

fn folder_of(artifacts: impl Read, bins: &[String]) -> Option<PathBuf> {
    let mut folder = None;
    for line in BufReader::new(artifacts).lines().map_while(Result::ok) {
        let Ok(artifact) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(executable) = artifact.get("executable").and_then(Value::as_str).map(Path::new) else { continue };
        if executable.file_name().is_some_and(|name| bins.iter().any(|bin| name == bin.as_str())) {
            folder = executable.parent().map(Path::to_path_buf);
        }
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo sets these for this test as it does for any program that it starts.
    #[test]
    fn cargo_is_started_without_the_variables_of_this_test() {
        let started = command();
        let removed: Vec<_> = started.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            assert!(std::env::var_os(name).is_some() && removed.contains(&name.as_ref()), "{name}");
        }
    }
}
