//! The development loop: the stack with the Vite dev server in front, and functions that are swapped as they change.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{local, report};

/// The port of the Vite dev server. `vite.config.ts` names it too.
const WEB_PORT: u16 = 5173;
/// How often the sources and the processes are checked.
const CHECK: Duration = Duration::from_millis(500);
/// The folders whose Rust files are part of functions.
const SOURCES: [&str; 2] = ["functions", "shared"];

/// Runs the stack and the Vite dev server until Ctrl-C. Builds and swaps the functions whenever a Rust file changes.
///
/// # Errors
/// The stack or the dev server cannot be started, or one of them ended.
pub(crate) fn run(root: &Path) -> Result<()> {
    ensure!(
        TcpListener::bind(("127.0.0.1", WEB_PORT)).is_ok(),
        "port {WEB_PORT} is taken: stop what listens there, the Vite dev server needs it"
    );
    let web = root.join("functions/site/web");
    let node = interpreters::node(&mut ())?;
    drop(node.install(&web, "the packages of the web client", &mut ())?);
    let mut npm = node.command("npm");
    let mut processes = [
        start(npm.args(["run", "--silent", "dev"]).current_dir(&web), "the Vite dev server")?,
        start(
            cargo_build::command()
                .args(["run", "--quiet", "--package", "local", "--", "--web"])
                .arg(format!("http://localhost:{WEB_PORT}")),
            "the stack",
        )?,
    ];
    let ended = swap_until_one_ends(root, &mut processes);
    for (child, _) in &mut processes {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

fn start(command: &mut Command, name: &'static str) -> Result<(Child, &'static str)> {
    let child = command.stdin(Stdio::null()).spawn().with_context(|| format!("{name} cannot be started"))?;
    Ok((child, name))
}

fn swap_until_one_ends(root: &Path, processes: &mut [(Child, &'static str)]) -> Result<()> {
    let mut built = last_change(root)?;
    loop {
        for (child, name) in &mut *processes {
            if let Some(status) = child.try_wait()? {
                // Ctrl-C ends both; the stack then has saved its data.
                if status.success() {
                    return Ok(());
                }
                bail!("{name} ended with {status}");
            }
        }
        thread::sleep(CHECK);
        let changed = last_change(root)?;
        if changed != built {
            built = changed;
            let started = Instant::now();
            match swap(root) {
                Ok(()) => report(&format!("functions are up to date ({:.1} s)", started.elapsed().as_secs_f64())),
                // The next change may mend it.
                Err(error) => report(&format!("{error:#}")),
            }
        }
    }
}

/// Returns when a Rust file of the functions was last changed.
fn last_change(root: &Path) -> Result<Option<SystemTime>> {
    let mut folders: Vec<_> = SOURCES.map(|folder| root.join(folder)).into();
    let mut last = None;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type()))?;
            if kind?.is_dir() {
                // Packages of npm are thousands of files, and no Rust.
                folders.extend((path.file_name() != Some("node_modules".as_ref())).then_some(path));
            } else if path.extension() == Some("rs".as_ref()) {
                // An editor may replace the file at this moment.
                last = last.max(fs::metadata(&path).and_then(|file| file.modified()).ok());
            }
        }
    }
    Ok(last)
}

/// Builds the functions and replaces the code of those that changed in the running stack. A repeat replaces nothing.
fn swap(root: &Path) -> Result<()> {
    let functions = cargo_build::functions()?;
    let folder = cargo_build::build(&functions, &mut ())?;
    local::aws(root, |command| command.arg("swap").arg(folder).args(functions))
}
