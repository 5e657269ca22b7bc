//! The end-to-end suite: runs the real template and the real functions on its own stacks and checks what a client sees.
//!
//! The suite starts a stack on free ports before the first test and stops it after the last one. Tests run in parallel, and
//! each creates its own users. A test that crashes functions, moves time forward or holds back messages would disturb others:
//! it gets one of five further stacks to itself while it runs. At the end the suite checks invariants over everything that
//! the tests stored, logged and measured.

mod accounts;
#[path = "../authenticator.rs"]
mod authenticator;
mod authorization;
mod bad_input;
mod browser;
mod canaries;
mod catalogue;
mod contract;
mod crash;
mod credits;
mod env;
mod generations;
mod invariants;
mod moderation;
mod observability;
mod outbound;
mod payments;
mod privacy;
mod privileges;
mod provenance;
mod site;
mod staff;
mod support;
mod template;

use std::{collections::BTreeSet, process::ExitCode, thread};

use anyhow::{Result, anyhow};
use libtest_mimic::{Arguments, Trial};

use crate::env::{
    faults::start_with_faults,
    test_env::{TestEnv, is_kept},
    trial::{TestEnvs, slowest_tests, store_test_names},
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        let all = trials(None).into_iter().chain(exclusive_trials(None)).collect();
        return libtest_mimic::run(&arguments, all).exit_code();
    }
    // Two cores serve the stack as well.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("a TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    store_test_names(names());
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the suite did not run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the selected tests and returns whether all passed. Starts only the stacks that the selection needs.
fn run(arguments: &Arguments) -> Result<bool> {
    let mut passed = true;
    let mut envs = Vec::new();
    let threads = arguments.test_threads.unwrap_or(1);
    if selected(arguments, &trials(None)) > 0 {
        let env = TestEnv::start()?;
        envs.push(env);
        passed &= !libtest_mimic::run(arguments, trials(Some(TestEnvs::new(vec![env; threads])))).has_failed();
    }
    for env in &envs {
        env.pause()?;
    }
    // Their tests wait for messages most of the time, so that there are more of them than cores.
    let own = start_own_stacks(selected(arguments, &exclusive_trials(None)).min(5))?;
    if !own.is_empty() {
        envs.extend(&own);
        let one_for_each = Arguments { test_threads: Some(own.len()), ..arguments.clone() };
        passed &= !libtest_mimic::run(&one_for_each, exclusive_trials(Some(TestEnvs::new(own)))).has_failed();
    }
    for env in &envs {
        env.resume()?;
    }
    let complete = arguments.filter.is_none() && arguments.skip.is_empty();
    let all = Arguments { filter: None, ..arguments.clone() };
    // The data of earlier runs, and of tests that failed in them, is checked by nobody.
    for env in envs.iter().filter(|_| !is_kept()) {
        // The checks must find this account: a stack may have none left, and a search that does not work finds none.
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(env.user())?;
        passed &= !libtest_mimic::run(&all, checks(Some(TestEnvs::new(vec![env; threads])))).has_failed();
    }
    if complete {
        let together = vec![observability::check_all_envs(&envs), invariants::check_all_envs(&envs)];
        passed &= !libtest_mimic::run(&all, together).has_failed();
    }
    passed &= !libtest_mimic::run(&all, privileges::trials(&envs, complete)).has_failed();
    for env in envs {
        env.stop()?;
    }
    println!("The slowest tests:");
    for (duration, name) in slowest_tests() {
        println!("{:6.1} s {name}", duration.as_secs_f64());
    }
    Ok(passed)
}

/// Starts this many stacks for tests that each need one to themselves.
fn start_own_stacks(count: usize) -> Result<Vec<&'static TestEnv>> {
    let starting: Vec<_> =
        (1..=count).map(|number| thread::spawn(move || start_with_faults(&format!("crash-{number}")))).collect();
    let started =
        starting.into_iter().map(|stack| stack.join().map_err(|_| anyhow!("the start of a stack panicked"))?);
    started.collect()
}

/// Counts the tests that the arguments select.
fn selected(arguments: &Arguments, trials: &[Trial]) -> usize {
    let matches = |name: &str, text: &str| if arguments.exact { name == text } else { name.contains(text) };
    let is_selected = |name: &str| {
        arguments.filter.as_ref().is_none_or(|filter| matches(name, filter))
            && !arguments.skip.iter().any(|skipped| matches(name, skipped))
    };
    trials.iter().filter(|trial| is_selected(trial.name())).count()
}

/// Lists the tests that share a stack. Without stacks they can only be listed.
fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    let files = [
        // They take the longest: the others run beside them.
        contract::trials(envs),
        accounts::trials(envs),
        authorization::trials(envs),
        bad_input::trials(envs),
        browser::trials(envs),
        canaries::trials(envs),
        catalogue::trials(envs),
        credits::trials(envs),
        moderation::trials(envs),
        generations::trials(envs),
        outbound::trials(envs),
        payments::trials(envs),
        privacy::trials(envs),
        provenance::trials(envs),
        site::trials(envs),
        staff::trials(envs),
        support::trials(envs),
    ];
    files.into_iter().flatten().collect()
}

/// Lists the checks that run on each stack after its tests, in this order.
fn checks(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    let mut checks = observability::checks(envs);
    checks.extend(invariants::trials(envs));
    checks.push(canaries::check(envs));
    checks.push(outbound::check(envs));
    checks
}

/// Returns the names of all tests and checks.
fn names() -> BTreeSet<String> {
    let all = trials(None).into_iter().chain(exclusive_trials(None)).chain(checks(None));
    all.map(|trial| trial.name().to_owned()).collect()
}

/// Lists the tests that each need a stack to themselves while they run.
fn exclusive_trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    let files = [
        crash::exclusive_trials(envs),
        observability::trials(envs),
        payments::exclusive_trials(envs),
        privacy::exclusive_trials(envs),
    ];
    files.into_iter().flatten().collect()
}
