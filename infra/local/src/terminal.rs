//! What the person at the terminal reads: progress and errors on standard error, results on standard output.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use local::Progress;

const TICK: Duration = Duration::from_millis(100);

/// A line of results.
#[expect(clippy::print_stdout, reason = "the one place of this program that prints its results")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// A line about what is going on or wrong.
#[expect(clippy::print_stderr, reason = "the one place of this program that prints its progress")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}

/// The steps of a start: a spinner on a terminal, otherwise a line for each.
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
    /// The last step is done.
    pub(crate) fn finish(&mut self) {
        if let Some(step) = self.current.take() {
            step.spinner.finish_and_clear();
            complain(&format!("{} ({:.1} s)", step.name, step.started.elapsed().as_secs_f64()));
        }
    }
}

impl Progress for Steps {
    fn step(&mut self, step: &str) {
        self.finish();
        let spinner = if stderr().is_terminal() {
            ProgressBar::new_spinner().with_style(style("{spinner} {prefix} {elapsed} {wide_msg:.dim}"))
        } else {
            complain(&format!("{step} ..."));
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

/// A style of this program's own templates; a template that does not parse is shown as the plain spinner.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
