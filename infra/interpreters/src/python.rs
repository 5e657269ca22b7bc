//! Python environments, each created once for the versions that its requirements pin.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Progress, workspace};

/// Returns the interpreter of the environment `.local/{folder}`, with the packages that the file `requirements` of the
/// workspace pins. Installs them unless they are installed; `what` names them in progress and errors. One process at a time
/// installs, the others wait.
///
/// # Errors
/// Python or its `venv` module is missing, the folder cannot be written to, or the package index cannot be reached.
pub fn python(folder: &str, what: &str, requirements: &str, progress: &mut dyn Progress) -> Result<PathBuf> {
    let parent = workspace().join(".local");
    let folder = parent.join(folder);
    fs::create_dir_all(&parent).with_context(|| format!("{} cannot be created", parent.display()))?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    let requirements = workspace().join(requirements);
    let pinned = fs::read_to_string(&requirements).with_context(|| format!("no {}", requirements.display()))?;

    let python = folder.join("bin/python");
    // Written last: an installation that was cut off has none.
    let installed = folder.join("installed.txt");
    // The interpreter is a link to the one of the machine, which an upgrade of Python breaks.
    if python.exists() && fs::read_to_string(&installed).is_ok_and(|versions| versions == pinned) {
        return Ok(python);
    }
    progress.step(&format!("Installing {what} (once)"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    create_environment(&folder)?;
    install(&python, what, &requirements, progress)?;
    fs::write(installed, pinned)?;
    Ok(python)
}

fn create_environment(folder: &Path) -> Result<()> {
    let created = Command::new("python3").args(["-m", "venv"]).arg(folder).stdin(Stdio::null()).output();
    match created {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!(
            "python3 -m venv failed: install Python's venv module (python3-venv on Debian and Ubuntu): {}",
            last_line(&output.stdout).or_else(|| last_line(&output.stderr)).unwrap_or_default()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("python3 is missing: install Python 3.10 or newer with its venv module")
        }
        Err(error) => Err(error).context("python3 cannot be run"),
    }
}

fn install(python: &Path, what: &str, requirements: &Path, progress: &mut dyn Progress) -> Result<()> {
    let mut pip = Command::new(python)
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"])
        .arg("--requirement")
        .arg(requirements)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the environment's Python cannot be run")?;
    if let Some(output) = pip.stdout.take() {
        for line in BufReader::new(output).lines() {
            progress.detail(line?.trim());
        }
    }
    let ended = pip.wait_with_output()?;
    if !ended.status.success() {
        let reason = last_line(&ended.stderr).unwrap_or_default();
        bail!("pip cannot install {what}: check the connection to the package index and try again: {reason}");
    }
    Ok(())
}

fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}
