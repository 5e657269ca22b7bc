//! Commands for development: `cargo xtask <command>`. It needs nothing but cargo, so there is nothing to install first.

mod check;
mod circles;
mod dev;
mod local;
mod words;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

/// Commands for development.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Refuses words that the glossary replaced.
    Words,
    /// Refuses files of one crate that import each other, directly or through others.
    Circles,
    /// Runs the cheap checks of a change: format, lints, words, circles. Prints the time of each, stops at the first failure.
    Check,
    /// Runs the local stack with the Vite dev server in front, and swaps functions as their code changes.
    Dev,
    /// Runs the end-to-end tests whose names contain a text, on a stack that is kept from one run to the next.
    Test {
        /// A part of the name of a test.
        name: String,
    },
    /// Prints the log of a function of the running local stack as it grows, until Ctrl-C.
    Logs {
        /// The name of the function: its folder in `functions/`.
        function: String,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    match command {
        Command::Words => refuse(&words::check(&root)?, words::ADVICE),
        Command::Circles => refuse(&circles::check(&root)?, circles::ADVICE),
        Command::Check => check::run(&root),
        Command::Dev => dev::run(&root),
        Command::Test { name } => test(name),
        Command::Logs { function } => local::aws(&root, |aws| aws.args(["logs", function])),
    }
}

fn refuse(found: &[String], advice: &str) -> Result<()> {
    ensure!(found.is_empty(), "{}\n{} found: {advice}", found.join("\n"), found.len());
    Ok(())
}

/// Selects the whole workspace, so that the functions that the tests build have the same features.
fn test(name: &str) -> Result<()> {
    let arguments = ["test", "--workspace", "--test", "e2e", "--", name];
    let status = cargo_build::command().args(arguments).env("E2E_KEEP_STACK", "1").status()?;
    ensure!(status.success(), "a test failed");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a tool for the terminal")]
fn report(line: &str) {
    eprintln!("{line}");
}
