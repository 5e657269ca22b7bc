//! Tests of exports, erasures, legal holds and the policy page.

mod erasure;
mod exports;
mod holds;
mod policy;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [erasure::trials(envs), exports::trials(envs), policy::trials(envs)].into_iter().flatten().collect()
}

/// Lists the tests of this area that each need a stack to themselves.
pub fn exclusive_trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [holds::trials(envs)].into_iter().flatten().collect()
}
