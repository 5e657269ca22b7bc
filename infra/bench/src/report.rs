//! Writes the results as Markdown.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use bench::events::{EVENTS, Outcome};

use crate::measure::Measured;

const ABOUT: &str = "\
One machine, with a fake Lambda and a fake AWS. Ratios carry over to Lambda, absolute times do not.

- **start**: from starting the process to its asking for the first event, which includes opening the connection to DynamoDB
  where a function does that; beside it how many times `hello`, a bare `lambda_runtime` built the same way, takes.
- **first**: the first request of a process, the calls to AWS included, over plain HTTP.
- **first over TLS**: the same with TLS 1.3 between function and AWS. Each service of AWS has an address and so a connection of its
  own, and a handshake in this request unless the start has opened it. Calls at the same time need a connection each. In brackets: the
  connections that this request opened.
- **at 128 MB**: the same with the CPU share of a function of 128 MB, 128/1769 of a CPU in periods of 20 ms, from the end of
  the start on; beside it what remains without the time that the fake AWS took to answer. Requests come at every point
  of the period in turn. What needs more than 1.4 ms of CPU has to wait for the next period.
- **warm CPU**: CPU time of the process for each further request.
- **peak**: `VmHWM` after all of them. **zip**: deflated, as Lambda counts it.
";
const CALLS: &str = "\
For a process that has answered one like it before. The test `infra/bench/tests/events.rs` fails on any other call.
";

/// The page.
///
/// `measured` is the command that was run, `no_share` is why no function got a share of a CPU, if that is so.
pub(crate) fn markdown(
    functions: &[Measured],
    (measured, rounds): (&str, u32),
    no_share: Option<anyhow::Error>,
) -> Result<String> {
    let floor = functions.first().context("nothing was measured")?.start();
    let mut page = format!("# What the functions cost\n\nWritten by `cargo run --release -p bench -- {measured}` ");
    writeln!(page, "on {}: medians of {rounds} cold starts in turn.\n\n{ABOUT}", std::env::consts::ARCH)?;
    writeln!(
        page,
        "| function | measured with | binary / zip, MB | start, ms | first, ms | first over TLS, ms \
         | at 128 MB, ms (beyond AWS) | warm CPU, ms | peak, MB |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|---|")?;
    for function in functions {
        let (took, beyond) = function.first_with_share();
        let with_share = match no_share {
            Some(_) => "not measured".to_owned(),
            None => format!("{:.2} ({:.2})", milliseconds(took), milliseconds(beyond)),
        };
        writeln!(
            page,
            "| {} | {} | {:.1} / {:.1} | {:.1} ({:.1}x) | {:.2} | {:.2} ({}) | {with_share} | {:.3} | {:.1} |",
            function.name,
            function.event.trim_start_matches("events/").trim_end_matches(".json"),
            megabytes(function.binary_bytes),
            megabytes(function.zip_bytes),
            milliseconds(function.start()),
            function.start().as_secs_f64() / floor.as_secs_f64(),
            milliseconds(function.first()),
            milliseconds(function.first_over_tls()),
            function.connections,
            milliseconds(function.warm_cpu),
            megabytes(function.peak_memory_kib * 1024),
        )?;
    }
    if let Some(error) = no_share {
        writeln!(page, "\nNot measured at 128 MB, as that takes a control group: {error:#}.")?;
    }
    writeln!(page, "\n## Calls to AWS for each event\n\n{CALLS}")?;
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
