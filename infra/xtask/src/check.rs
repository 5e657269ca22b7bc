//! Runs the checks that take seconds, or minutes where crates must be built.

use std::{path::Path, time::Instant};

use anyhow::{Result, ensure};

use crate::{circles, refuse, report, words};

/// Runs format, lints, words and circles in this order.
///
/// # Errors
/// The first check that fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    step("words", || refuse(&words::check(root)?, words::ADVICE))?;
    step("circles", || refuse(&circles::check(root)?, circles::ADVICE))
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    let result = check();
    let outcome = if result.is_ok() { "passed" } else { "failed" };
    report(&format!("{name}: {outcome} in {:.1} s", started.elapsed().as_secs_f64()));
    result
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let status = cargo_build::command().args(arguments).status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}
