//! The end-to-end suite: the real template and the real functions on a stack of its own, seen as a client sees them.
//!
//! The stack is brought up on free ports before the first test and taken down after the last. Tests run in parallel and
//! each makes its own people. Deaths, journeys in time and messages that are held back would disturb the others: each of
//! these has one of two more stacks to itself while it runs. What must hold of everything that they left behind is looked at
//! afterwards.

mod afterwards;
mod authorization;
mod bad_input;
mod browser;
mod buying;
mod canaries;
mod card_numbers;
mod contract;
mod corrections;
mod crash;
mod deaths;
mod erasure;
mod exports;
mod fraud;
mod holds;
mod journey;
mod money_model;
mod notifications;
mod observability;
mod outbound;
mod paypal_messages;
mod policy;
mod privileges;
mod providers;
mod reconciliation;
mod refunds_and_disputes;
mod sessions;
mod site;
mod staff_access;
mod stripe_messages;
mod submitting;
mod support;
mod template;
mod unclaimed;
mod unpacked;
mod uploads;
mod world;

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use crate::world::{TestEnv, TestEnvs};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        let all = trials(None).into_iter().chain(alone(None)).collect();
        return libtest_mimic::run(&arguments, all).exit_code();
    }
    // Two cores serve the stack as well.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("TLS is set up already");
        return ExitCode::FAILURE;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the suite did not run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything passed. A stack is brought up only for tests that are asked for.
fn run(arguments: &Arguments) -> Result<bool> {
    let mut passed = true;
    let mut worlds = Vec::new();
    let threads = arguments.test_threads.unwrap_or(1);
    if wanted(arguments, &trials(None)) > 0 {
        let world = TestEnv::start()?;
        worlds.push(world);
        passed &= !libtest_mimic::run(arguments, trials(Some(TestEnvs::new(vec![world; threads])))).has_failed();
    }
    let names = ["crash-1", "crash-2"].into_iter().take(wanted(arguments, &alone(None)));
    let own = names.map(crash::world).collect::<Result<Vec<_>>>()?;
    if !own.is_empty() {
        worlds.extend(&own);
        let one_for_each = Arguments { test_threads: Some(own.len()), ..arguments.clone() };
        passed &= !libtest_mimic::run(&one_for_each, alone(Some(TestEnvs::new(own)))).has_failed();
    }
    let whole = arguments.filter.is_none() && arguments.skip.is_empty();
    let all = Arguments { filter: None, ..arguments.clone() };
    for world in &worlds {
        passed &= !libtest_mimic::run(&all, looks(Some(TestEnvs::new(vec![world; threads])))).has_failed();
    }
    if whole {
        let together = vec![observability::whole(&worlds), afterwards::whole(&worlds)];
        passed &= !libtest_mimic::run(&all, together).has_failed();
    }
    passed &= !libtest_mimic::run(&all, privileges::trials(&worlds, whole)).has_failed();
    for world in worlds {
        world.stop()?;
    }
    Ok(passed)
}

/// How many of them are asked for.
fn wanted(arguments: &Arguments, trials: &[Trial]) -> usize {
    let is_meant = |name: &str, text: &str| if arguments.exact { name == text } else { name.contains(text) };
    let is_wanted = |name: &str| {
        arguments.filter.as_ref().is_none_or(|filter| is_meant(name, filter))
            && !arguments.skip.iter().any(|skipped| is_meant(name, skipped))
    };
    trials.iter().filter(|trial| is_wanted(trial.name())).count()
}

/// Every test but what is looked at afterwards. Without worlds they can only be listed.
fn trials(worlds: Option<&'static TestEnvs>) -> Vec<Trial> {
    let files = [
        authorization::trials(worlds),
        bad_input::trials(worlds),
        browser::trials(worlds),
        buying::trials(worlds),
        canaries::trials(worlds),
        contract::trials(worlds),
        corrections::trials(worlds),
        erasure::trials(worlds),
        exports::trials(worlds),
        fraud::trials(worlds),
        journey::trials(worlds),
        outbound::trials(worlds),
        policy::trials(worlds),
        providers::trials(worlds),
        refunds_and_disputes::trials(worlds),
        sessions::trials(worlds),
        staff_access::trials(worlds),
        site::trials(worlds),
        submitting::trials(worlds),
        support::trials(worlds),
        uploads::trials(worlds),
    ];
    files.into_iter().flatten().collect()
}

/// What each world is looked at for when its tests are done, in this order.
fn looks(worlds: Option<&'static TestEnvs>) -> Vec<Trial> {
    let mut looks = observability::looks(worlds);
    looks.extend(afterwards::trials(worlds));
    looks.push(canaries::look(worlds));
    looks.push(outbound::look(worlds));
    looks
}

/// The names of all tests, by file and name.
fn names() -> BTreeSet<String> {
    let all = trials(None).into_iter().chain(alone(None)).chain(looks(None));
    all.map(|trial| trial.name().to_owned()).collect()
}

/// Those that have a stack to themselves while they run.
fn alone(worlds: Option<&'static TestEnvs>) -> Vec<Trial> {
    let files = [
        crash::trials(worlds),
        deaths::trials(worlds),
        holds::trials(worlds),
        money_model::trials(worlds),
        observability::trials(worlds),
        card_numbers::trials(worlds),
        notifications::trials(worlds),
        paypal_messages::trials(worlds),
        stripe_messages::trials(worlds),
        reconciliation::trials(worlds),
        unclaimed::trials(worlds),
    ];
    files.into_iter().flatten().collect()
}
