//! Tests of sessions, second factors, the profile and its corrections.

mod corrections;
mod limits;
mod passkeys;
mod profile;
mod second_factor;
mod sessions;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    let trials = [
        corrections::trials(envs),
        limits::trials(envs),
        passkeys::trials(envs),
        profile::trials(envs),
        second_factor::trials(envs),
        sessions::trials(envs),
    ];
    trials.into_iter().flatten().collect()
}
