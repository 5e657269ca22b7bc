//! Commands for development: `cargo xtask <command>`. It needs nothing but cargo, so there is nothing to install first.

mod circles;
mod words;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
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
}

#[expect(clippy::print_stderr, reason = "a tool for the terminal")]
fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (found, advice) = match command {
        Command::Words => (words::check(&root)?, "say what the glossary says: docs/glossary.md"),
        Command::Circles => (circles::check(&root)?, "move what both files need below them"),
    };
    if found.is_empty() {
        return Ok(());
    }
    bail!("{}\n{} found: {advice}", found.join("\n"), found.len())
}
