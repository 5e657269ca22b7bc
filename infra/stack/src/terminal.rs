//! Output to the terminal: progress and errors on standard error, results on standard output.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use stack::Progress;

const TICK: Duration = Duration::from_millis(100);

/// Prints a line of results.
#[expect(clippy::print_stdout, reason = "the one place of this program that prints its results")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}

/// Prints a line of progress or an error.
#[expect(clippy::print_stderr, reason = "the one place of this program that prints its progress")]
pub(crate) fn report(line: &str) {
    eprintln!("{line}");
}

/// Shows the steps of a start: a spinner on a terminal, otherwise a line for each.
#[derive(Default)]
pub(crate) struct Steps {
    current: Option<Step>,
}

struct Step {
    name: String,
    started: Instant,
    spinner: ProgressBar,
}

impl Steps {
    /// Ends the last step.
    pub(crate) fn finish(&mut self) {
        if let Some(step) = self.current.take() {
            step.spinner.finish_and_clear();
            report(&format!("{} ({:.1} s)", step.name, step.started.elapsed().as_secs_f64()));
        }
    }
}

impl Progress for Steps {
    fn step(&mut self, step: &str) {
        self.finish();
        let spinner = if stderr().is_terminal() {
            ProgressBar::new_spinner().with_style(style("{spinner} {prefix} {elapsed} {wide_msg:.dim}"))
        } else {
            report(&format!("{step} ..."));
            ProgressBar::hidden()
        };
        spinner.set_prefix(step.to_owned());
        spinner.enable_steady_tick(TICK);
        self.current = Some(Step { name: step.to_owned(), started: Instant::now(), spinner });
    }

    fn detail(&mut self, detail: &str) {
        if let Some(step) = &self.current {
            step.spinner.set_message(detail.to_owned());
        }
    }
}

/// Returns a style; a template that does not parse gives the plain spinner.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
