//! The end-to-end suite: the real template and the real functions on a stack of its own, seen as a client sees them.
//!
//! The stack is brought up on free ports before the first test and taken down after the last. Tests run in parallel and
//! each makes its own people. Deaths, journeys in time and messages that are held back, which would disturb the others, have
//! a second stack and go one by one. What must hold of everything that they left behind is looked at afterwards.

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

use crate::world::World;

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
    if any_wanted(arguments, trials(None)) {
        let world = World::start()?;
        worlds.push(world);
        passed &= !libtest_mimic::run(arguments, trials(Some(world))).has_failed();
    }
    if any_wanted(arguments, alone(None)) {
        let world = crash::world()?;
        worlds.push(world);
        let one_by_one = Arguments { test_threads: Some(1), ..arguments.clone() };
        passed &= !libtest_mimic::run(&one_by_one, alone(Some(world))).has_failed();
    }
    let whole = arguments.filter.is_none() && arguments.skip.is_empty();
    let all = Arguments { filter: None, ..arguments.clone() };
    for world in &worlds {
        passed &= !libtest_mimic::run(&all, looks(Some(world))).has_failed();
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

fn any_wanted(arguments: &Arguments, trials: Vec<Trial>) -> bool {
    let wanted = |name: &str| match &arguments.filter {
        Some(filter) if arguments.exact => name == filter,
        Some(filter) => name.contains(filter.as_str()),
        None => true,
    };
    trials.iter().any(|trial| wanted(trial.name()))
}

/// Every test but what is looked at afterwards. Without a world they can only be listed.
fn trials(world: Option<&'static World>) -> Vec<Trial> {
    let files = [
        authorization::trials(world),
        bad_input::trials(world),
        browser::trials(world),
        buying::trials(world),
        canaries::trials(world),
        contract::trials(world),
        corrections::trials(world),
        erasure::trials(world),
        exports::trials(world),
        fraud::trials(world),
        journey::trials(world),
        outbound::trials(world),
        policy::trials(world),
        providers::trials(world),
        refunds_and_disputes::trials(world),
        sessions::trials(world),
        staff_access::trials(world),
        site::trials(world),
        submitting::trials(world),
        support::trials(world),
        uploads::trials(world),
    ];
    files.into_iter().flatten().collect()
}

/// What each world is looked at for when its tests are done, in this order.
fn looks(world: Option<&'static World>) -> Vec<Trial> {
    let mut looks = observability::looks(world);
    looks.extend(afterwards::trials(world));
    looks.push(canaries::look(world));
    looks.push(outbound::look(world));
    looks
}

/// The names of all tests, by file and name.
fn names() -> BTreeSet<String> {
    let all = trials(None).into_iter().chain(alone(None)).chain(looks(None));
    all.map(|trial| trial.name().to_owned()).collect()
}

/// Those that have a stack to themselves.
fn alone(world: Option<&'static World>) -> Vec<Trial> {
    let files = [
        crash::trials(world),
        deaths::trials(world),
        holds::trials(world),
        money_model::trials(world),
        observability::trials(world),
        card_numbers::trials(world),
        notifications::trials(world),
        paypal_messages::trials(world),
        stripe_messages::trials(world),
        reconciliation::trials(world),
        unclaimed::trials(world),
    ];
    files.into_iter().flatten().collect()
}
