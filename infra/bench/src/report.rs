//! The results as a page.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use bench::events::{EVENTS, Outcome};

use crate::measure::Measured;

const ABOUT: &str = "\
One machine, a stand-in for Lambda and one for AWS on the same machine, plain HTTP. Ratios carry over to Lambda, absolute
times do not.

- **start**: from starting the process to its asking for the first event, which includes opening the connection to DynamoDB
  where a function does that; beside it how many times `hello`, a bare `lambda_runtime` built the same way, takes.
- **first**: the first request of a process, the calls to AWS included.
- **warm CPU**: CPU time of the process for each further request.
- **peak**: `VmHWM` after all of them. **zip**: deflated, as Lambda counts it.
";
const NOT_MEASURED: &str = "\
Not measured: the first request over TLS, and at the CPU share of a 128 MB function. The functions trust Amazon's roots and no
others, in every profile, so no stand-in can speak TLS with them; and a CPU share needs control groups that not every machine
gives. Both are to be measured on Lambda.
";
const CALLS: &str = "\
For a process that has answered one like it before. The test `infra/bench/tests/events.rs` fails on any other call.
";

/// The page.
pub(crate) fn markdown(functions: &[Measured], profile: &str, rounds: usize) -> Result<String> {
    let floor = functions.first().context("nothing was measured")?.start();
    let mut page = format!("# What the functions cost\n\nWritten by `cargo run -p bench`, profile `{profile}`, ");
    writeln!(page, "medians of {rounds} cold starts in turn.\n\n{ABOUT}")?;
    writeln!(
        page,
        "| function | measured with | binary / zip, MB | start, ms | first, ms | warm CPU, ms | peak, MB |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|")?;
    for function in functions {
        writeln!(
            page,
            "| {} | {} | {:.1} / {:.1} | {:.1} ({:.1}x) | {:.2} | {:.3} | {:.1} |",
            function.name,
            function.event.trim_start_matches("events/").trim_end_matches(".json"),
            megabytes(function.binary_bytes),
            megabytes(function.zip_bytes),
            milliseconds(function.start()),
            function.start().as_secs_f64() / floor.as_secs_f64(),
            milliseconds(function.first()),
            milliseconds(function.warm_cpu),
            megabytes(function.peak_memory_kib * 1024),
        )?;
    }
    writeln!(page, "\n{NOT_MEASURED}\n## Calls to AWS for each event\n\n{CALLS}")?;
    writeln!(page, "| event | answer | calls | which |\n|---|---|---|---|")?;
    for event in EVENTS {
        let answer = match event.outcome {
            Outcome::Http(status) => status.to_string(),
            Outcome::Batch([]) => "all done".to_owned(),
            Outcome::Batch(failed) => format!("{} to be delivered again", failed.len()),
            Outcome::Done => "done".to_owned(),
        };
        let name = event.path.trim_start_matches("events/").trim_end_matches(".json");
        writeln!(page, "| {name} | {answer} | {} | {} |", event.calls.len(), event.calls.join(", "))?;
    }
    Ok(page)
}

/// On standard output.
#[expect(clippy::print_stdout, reason = "the one place of this program that prints its results")]
pub(crate) fn print(page: &str) {
    println!("{page}");
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a size that is shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
