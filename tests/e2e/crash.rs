//! Crash tests: a function is stopped at each of its AWS calls in turn, before the call is sent, and after it is done but
//! before its response arrives. Then the system continues; credits are conserved and every generation has ended.
//!
//! The calls are not listed here: the function counts them, and a test ends with the first run that makes fewer calls. So a
//! new call is covered automatically. Each test has its stack to itself, and `sweep` takes its `now` from the event.

mod accounts;
mod catalogue;
mod generations;
mod moderation;
mod payments;
mod privacy;
mod staff;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that each need a stack to themselves.
pub fn exclusive_trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [
        // They take the longest: the others run beside them.
        privacy::trials(envs),
        payments::trials(envs),
        generations::trials(envs),
        staff::trials(envs),
        moderation::trials(envs),
        catalogue::trials(envs),
        accounts::trials(envs),
    ]
    .into_iter()
    .flatten()
    .collect()
}
