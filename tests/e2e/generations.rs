//! Tests of generations, uploads, the gallery and share links.

mod gallery;
mod images_and_videos;
mod providers;
mod shares;
mod submission;
mod uploads;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [
        gallery::trials(envs),
        images_and_videos::trials(envs),
        providers::trials(envs),
        shares::trials(envs),
        submission::trials(envs),
        uploads::trials(envs),
    ]
    .into_iter()
    .flatten()
    .collect()
}
