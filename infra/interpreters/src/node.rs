//! Node.js.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Progress, python, workspace};

/// Returns whether Vite supports this version: <https://vite.dev/guide/#scaffolding-your-first-vite-project>.
fn is_fit((major, minor): (u32, u32)) -> bool {
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        _ => major >= 24,
    }
}

/// Runs Node.js and npm.
pub struct Node {
    /// The folder of the environment that contains it; `None` if it is the machine's.
    folder: Option<PathBuf>,
}

/// Returns the machine's Node.js if its version is supported, or else installs one under `.local`. A repeat installs
/// nothing.
///
/// # Errors
/// Node.js is missing and cannot be installed.
pub fn node(progress: &mut dyn Progress) -> Result<Node> {
    if version().is_some_and(is_fit) {
        return Ok(Node { folder: None });
    }
    let python = python("venv-node", "Node.js", "infra/interpreters/requirements.txt", progress)?;
    Ok(Node { folder: python.parent().map(Path::to_path_buf) })
}

impl Node {
    /// Installs exactly what the lock file in `folder` names, unless it is installed. Runs no script of a package.
    /// One process at a time installs or builds in the folder: the others wait until the returned lock is dropped.
    ///
    /// # Errors
    /// The registry cannot be reached, or a package differs from the lock file.
    pub fn install(&self, folder: &Path, what: &str, progress: &mut dyn Progress) -> Result<File> {
        let name = folder.file_name().context("the folder has no name")?.to_string_lossy().into_owned();
        let locks = workspace().join(".local");
        fs::create_dir_all(&locks).with_context(|| format!("{} cannot be created", locks.display()))?;
        let lock = File::create(locks.join(format!("npm-{name}.lock")))?;
        lock.lock()?;
        let file = folder.join("package-lock.json");
        let pinned = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        // Written last: an installation that was cut off has none.
        let installed = folder.join("node_modules/.installed");
        if fs::read_to_string(&installed).is_ok_and(|versions| versions == pinned) {
            return Ok(lock);
        }
        progress.step(&format!("Installing {what} (once)"));
        self.npm(
            folder,
            &["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            &[],
        )
        .with_context(|| format!("npm cannot install {what}: check the connection to the registry and try again"))?;
        fs::write(installed, pinned)?;
        Ok(lock)
    }

    /// Runs npm in `folder`, adds `variables` to the environment of this process, and returns its standard output.
    ///
    /// # Errors
    /// npm failed: with its output.
    pub fn npm(&self, folder: &Path, arguments: &[&str], variables: &[(&str, &Path)]) -> Result<String> {
        let output = self
            .command("npm")
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .context("npm cannot be run")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("npm {}: {said}{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(said)
    }

    /// Returns a command that runs `node` or `npm`.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let Some(folder) = &self.folder else { return Command::new(name) };
        let mut command = Command::new(folder.join(name));
        // npm starts node, and what it starts does so too.
        let mut path = OsString::from(folder);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command.env("PATH", path);
        command
    }
}

fn version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let has_npm = Command::new("npm").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().is_ok();
    has_npm.then(|| parse(&String::from_utf8_lossy(&output.stdout)))?
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_parsed_as_node_prints_it() {
        assert_eq!(parse("v20.20.2\n"), Some((20, 20)));
        assert_eq!(parse("v24.1.0"), Some((24, 1)));
        assert_eq!(parse("command not found"), None);
    }

    #[test]
    fn only_versions_that_vite_supports_are_accepted() {
        let taken = |major| [11, 12, 18, 19].map(|minor| is_fit((major, minor)));
        assert_eq!(taken(18), [false; 4]);
        assert_eq!(taken(20), [false, false, false, true]);
        assert_eq!(taken(21), [false; 4]);
        assert_eq!(taken(22), [false, true, true, true]);
        assert_eq!(taken(23), [false; 4]);
        assert_eq!(taken(24), [true; 4]);
    }
}
