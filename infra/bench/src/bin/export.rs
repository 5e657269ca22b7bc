//! `cargo run -p bench --bin export`: what memory `export-archive` needs at its peak for archives of any size.
//!
//! Makes an archive of each size that is asked for, and prints a line about each. An invocation has a minute here, so the
//! large ones take several: each goes on from where the one before stopped.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use bench::{
    build,
    function::Function,
    large::{Holdings, Large},
};
use clap::Parser;

/// Makes archives and measures memory.
#[derive(Parser)]
struct Arguments {
    /// The profile to build in.
    #[arg(long, default_value = "release")]
    profile: String,
    /// The number of generations and the size of each image in bytes, as `10000x500000`.
    #[arg(default_values = ["10x500000", "1000x500000", "10000x500000"])]
    sizes: Vec<String>,
    /// The file to write the last archive to. Without it no archive is kept.
    #[arg(long)]
    archive: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let binary = build(&arguments.profile)?.join("export-archive");
    for (number, size) in arguments.sizes.iter().enumerate() {
        let (generations, image_bytes) = size.split_once('x').context("a size is like 10000x500000")?;
        let holdings = Holdings { generations: generations.parse()?, image_bytes: image_bytes.parse()? };
        let archive = arguments.archive.as_deref().filter(|_| number + 1 == arguments.sizes.len());
        let large = Large::start(holdings, archive).await?;
        let mut function = Function::start(&binary, &large.aws).await?;
        let (began, at_rest) = (Instant::now(), function.peak_memory_kib()?);
        let (invocations, bytes) = large.export(&mut function, None).await?;
        report(&format!(
            "{generations} generations, {} MB in {} parts: {invocations} invocations, {:.1} s, peak {:.1} MiB, before {:.1} MiB",
            bytes / 1_000_000,
            large.parts().await,
            began.elapsed().as_secs_f64(),
            mebibytes(function.peak_memory_kib()?),
            mebibytes(at_rest),
        ));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn report(line: &str) {
    println!("{line}");
}
