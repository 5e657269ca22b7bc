//! Builds the local stack and the functions in one call of cargo, and then runs the stack. Or deploys to AWS.
//!
//! This program has few dependencies, so that it says within seconds how far the build is. One call of cargo builds each
//! crate once: two calls that select other packages would resolve other features, and build most crates twice.

mod deploy;

use std::env::args_os;
use std::ffi::OsString;
use std::io::{IsTerminal, Write, stderr};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use interpreters::{Progress, disk, python, workspace};

const HELP: &str = include_str!("help.txt");
/// Free space that a first build needs, and that a later one needs at most.
const FIRST_BUILD_BYTES: u64 = 8_000_000_000;
const LATER_BUILD_BYTES: u64 = 1_000_000_000;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "-h" || argument == "--help") {
        print(HELP);
        return ExitCode::SUCCESS;
    }
    let ended = match arguments.first().and_then(|command| command.to_str()) {
        Some(command @ ("deploy" | "certificate-request" | "certificate" | "destroy")) => {
            deploy::run(command, arguments.get(1..).unwrap_or_default())
        }
        _ => run(&arguments).map(|never| match never {}),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Replaces this process with the stack, or returns why it cannot.
fn run(arguments: &[OsString]) -> Result<std::convert::Infallible> {
    let local = workspace().join(".local");
    disk::require_writable(&local)?;
    let target = std::env::current_exe()?;
    let target = target.parent().unwrap_or(workspace());
    let needed = if target.join("stack").exists() { LATER_BUILD_BYTES } else { FIRST_BUILD_BYTES };
    disk::require_free(target, needed, "the build")?;

    let mut bins = cargo_build::functions()?;
    bins.push("stack".to_owned());
    // pip waits for the network most of the time: it installs while cargo compiles.
    let installing = thread::spawn(|| python("venv", "the local AWS", "infra/stack/requirements.txt", &mut ()));
    let mut lines = Lines::default();
    lines.step("Building the stack and the functions");
    let built = cargo_build::build(&bins, &mut lines);
    lines.finish();
    let folder = built?;
    if !installing.is_finished() {
        lines.step("Installing the local AWS (once)");
    }
    installing.join().map_err(|_| anyhow!("the installation of the local AWS panicked"))??;
    lines.finish();
    Err(start(&folder, arguments))
}

/// Returns only if the stack cannot be started.
fn start(folder: &Path, arguments: &[OsString]) -> anyhow::Error {
    let stack = folder.join("stack");
    let error = Command::new(&stack).arg("--functions").arg(folder).args(arguments).exec();
    Err::<(), _>(error)
        .with_context(|| format!("{} cannot be run", stack.display()))
        .err()
        .unwrap_or_else(|| anyhow!("-"))
}

/// Shows a step on one line of a terminal, or else on a line of its own from time to time.
#[derive(Default)]
struct Lines {
    step: Option<(String, Instant)>,
    printed: Option<Instant>,
}

const TERMINAL_PAUSE: Duration = Duration::from_millis(100);
const LOG_PAUSE: Duration = Duration::from_secs(10);
const WIDTH: usize = 100;

impl Lines {
    fn finish(&mut self) {
        if let Some((step, started)) = self.step.take() {
            let start = if stderr().is_terminal() { "\r\x1b[K" } else { "" };
            print(&format!("{start}{step} ({:.1} s)\n", started.elapsed().as_secs_f64()));
        }
    }
}

impl Progress for Lines {
    fn step(&mut self, step: &str) {
        self.finish();
        print(&if stderr().is_terminal() { format!("{step} ...") } else { format!("{step} ...\n") });
        self.step = Some((step.to_owned(), Instant::now()));
        self.printed = None;
    }

    fn detail(&mut self, detail: &str) {
        let Some((step, started)) = &self.step else { return };
        let (terminal, seconds) = (stderr().is_terminal(), started.elapsed().as_secs());
        let pause = if terminal { TERMINAL_PAUSE } else { LOG_PAUSE };
        if self.printed.is_some_and(|printed| printed.elapsed() < pause) {
            return;
        }
        self.printed = Some(Instant::now());
        let line: String = format!("{step}: {detail}").chars().take(WIDTH).collect();
        print(&if terminal { format!("\r\x1b[K{line} ({seconds} s)") } else { format!("{line} ({seconds} s)\n") });
    }
}

fn print(text: &str) {
    let mut output = stderr();
    // Without a terminal there is nobody to tell.
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
