//! The end-to-end suite: the real template and the real functions on a stack of its own, seen as a client sees them.
//!
//! The stack is brought up on free ports before the first test and taken down after the last. Tests run in parallel and
//! each makes its own people. What must hold of everything that they left behind is looked at afterwards.

mod afterwards;
mod journey;
mod submitting;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(None)).exit_code();
    }
    // Two cores serve the stack as well.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let world = match World::start() {
        Ok(world) => world,
        Err(error) => {
            eprintln!("the stack did not start: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let tests = libtest_mimic::run(&arguments, trials(Some(world)));
    let left = libtest_mimic::run(&arguments, afterwards::trials(world));
    let stopped = world.stop();
    if let Err(error) = &stopped {
        eprintln!("the stack did not stop: {error:#}");
    }
    if tests.has_failed() || left.has_failed() || stopped.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Every test but what is looked at afterwards. Without a world they can only be listed.
fn trials(world: Option<&'static World>) -> Vec<Trial> {
    [journey::trials(world), submitting::trials(world)].into_iter().flatten().collect()
}
