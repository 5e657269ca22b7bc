//! Tests of support tickets, with and without an account.

mod guest_tickets;
mod tickets;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [guest_tickets::trials(envs), tickets::trials(envs)].into_iter().flatten().collect()
}
