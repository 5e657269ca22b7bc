//! Tests of moderation: reports, decisions, appeals, and the mails about them.

mod gate;
mod reports;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [gate::trials(envs), reports::trials(envs)].into_iter().flatten().collect()
}
