//! The promises of the policy, and the tests that show them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use domain::privacy::promise::PROMISES;
use serde_json::json;

use crate::env::{
    test_env::TestEnv,
    trial::{test_names, tests},
};

tests![every_promise_names_the_tests_that_show_it, policy_states_whether_each_promise_is_kept,];

/// Returns the numbers of the promises that a test is named after: `p7_p8_..` shows P7 and P8.
fn shown_by(test: &str) -> BTreeSet<u8> {
    let name = test.rsplit("::").next().unwrap_or_default();
    let marks = name.split('_').map_while(|part| {
        let digits = part.trim_start_matches(|ticket: char| ticket.is_ascii_lowercase());
        digits.parse().ok().map(|number: u8| (part, number))
    });
    marks.filter(|(mark, number)| *mark == format!("p{number}")).map(|(_, number)| number).collect()
}

async fn every_promise_names_the_tests_that_show_it(_: &'static TestEnv) -> Result<()> {
    let names = test_names();
    for promise in &PROMISES {
        let there: BTreeSet<_> =
            names.iter().filter(|test| shown_by(test).contains(&promise.number)).map(String::as_str).collect();
        let named: BTreeSet<_> = api::privacy::policy::tests_of(promise.number).into_iter().collect();
        let differences: Vec<_> = there.symmetric_difference(&named).collect();
        ensure!(
            differences.is_empty(),
            "P{}: named in tests/promises.txt or a test, and not in both: {differences:#?}",
            promise.number
        );
    }
    Ok(())
}

async fn policy_states_whether_each_promise_is_kept(env: &'static TestEnv) -> Result<()> {
    let policy = env.visitor()?.get("/v1/privacy/policy").await?.is(200)?.json;
    let shown = policy["promises"].as_array().context("no promises")?;
    ensure!(shown.len() == PROMISES.len(), "{} promises", shown.len());
    for (promise, shown) in PROMISES.iter().zip(shown) {
        ensure!(shown["number"] == promise.number && shown["quote"] == promise.quote, "{shown}");
        ensure!(shown["tests"] == json!(api::privacy::policy::tests_of(promise.number)), "{shown}");
    }
    Ok(())
}
