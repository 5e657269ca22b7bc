//! Tests of staff access.

mod access;
mod cases;
mod desk;
mod members;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [access::trials(envs), cases::trials(envs), desk::trials(envs), members::trials(envs)]
        .into_iter()
        .flatten()
        .collect()
}
