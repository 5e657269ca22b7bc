//! Tests of the credit statement, of promotions and of gifts.

pub mod gifts;
pub mod promotions;
mod statements;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [gifts::trials(envs), promotions::trials(envs), statements::trials(envs)].into_iter().flatten().collect()
}
