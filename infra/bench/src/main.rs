//! `cargo run --release -p bench`: what each function costs beside the least that a Rust function can be, and what each event
//! costs in calls to AWS. Prints it, and writes it to `infra/bench/RESULTS.md`.

mod measure;
mod report;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bench::cpu::{self, CpuShare};
use bench::events::EVENTS;
use clap::Parser;
use fake_aws::tls::Tls;

use crate::measure::Measured;

/// Measures every function of the workspace.
#[derive(Parser)]
struct Arguments {
    /// The profile to build in. Only `release` tells what a deployment does, and takes more than half an hour to build.
    #[arg(long, default_value = "release")]
    profile: String,
    /// A folder of binaries that are built already, to be measured instead: those of a deployment are in
    /// `target/<target triple>/release`, and `hello` is built like them. Functions that are not there are left out.
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Cold starts of each function: over HTTP, over TLS, and over TLS with a share of a CPU.
    #[arg(long, default_value_t = 21)]
    rounds: u32,
    /// Where the results go.
    #[arg(long)]
    output: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        cfg!(not(debug_assertions)),
        "the time in which the fake AWS answers is a part of what is measured: cargo run --release -p bench"
    );
    // What is measured, as in the command.
    let (binaries, measured) = match arguments.binaries {
        Some(folder) => (folder, format!("--binaries FOLDER --rounds {}", arguments.rounds)),
        None => {
            let measured = format!("--profile {} --rounds {}", arguments.profile, arguments.rounds);
            (bench::build(&arguments.profile)?, measured)
        }
    };
    let mut functions = vec![Measured::new(&binaries, "hello", "events/openapi/read.json")?];
    for event in EVENTS {
        // The first of each function: they lie together.
        let is_built = binaries.join(event.function()).exists();
        if is_built && functions.last().is_some_and(|last| last.name != event.function()) {
            functions.push(Measured::new(&binaries, event.function(), event.path)?);
        }
    }
    let tls = Tls::new(&binaries)?;
    let share = CpuShare::new();
    // In turn, so that whatever else the machine does falls on all alike.
    for round in 0..arguments.rounds {
        // At another point of the period in each round: a process that has used up its share waits for the rest of it.
        let after = cpu::PERIOD * round / arguments.rounds;
        for function in &mut functions {
            function.start_once().await?;
            function.start_once_over_tls(&tls).await?;
            if let Ok(share) = &share {
                function.start_once_with_share(&tls, share, after).await?;
            }
        }
    }
    for function in &mut functions {
        function.run_warm().await?;
    }
    let output = arguments.output.unwrap_or_else(|| stack::workspace().join("infra/bench/RESULTS.md"));
    let text = report::markdown(&functions, (&measured, arguments.rounds), share.err())?;
    report::print(&text);
    std::fs::write(&output, text).with_context(|| format!("{} cannot be written", output.display()))
}
