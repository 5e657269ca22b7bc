//! The promises, the tests that show them, and the page that says so.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use domain::privacy::promise::PROMISES;

use crate::{names, tests, world::TestEnv};

tests![every_promise_names_the_tests_that_show_it, the_page_says_of_every_promise_whether_it_is_kept,];

/// The numbers of the promises that a test is named after: `p7_p8_of_..` shows P7 and P8.
fn shown_by(test: &str) -> BTreeSet<u8> {
    let name = test.rsplit("::").next().unwrap_or_default();
    let marks = name.split('_').map_while(|part| {
        let digits = part.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
        digits.parse().ok().map(|number: u8| (part, number))
    });
    marks.filter(|(mark, number)| *mark == format!("p{number}")).map(|(_, number)| number).collect()
}

async fn every_promise_names_the_tests_that_show_it(_: &'static TestEnv) -> Result<()> {
    let names = names();
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

async fn the_page_says_of_every_promise_whether_it_is_kept(world: &'static TestEnv) -> Result<()> {
    let page = world.stranger()?.get("/v1/privacy/policy").await?.is(200)?;
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    ensure!(page.header("content-security-policy") == Some(api::privacy::policy::CONTENT_SECURITY_POLICY));
    let page = String::from_utf8(page.bytes)?;
    for promise in &PROMISES {
        let part = page.split("<section id=\"").find(|part| part.starts_with(&format!("p{}\"", promise.number)));
        let said = |text: &str| part.is_some_and(|part| part.contains(text));
        let tests = api::privacy::policy::tests_of(promise.number);
        let as_it_is = if tests.is_empty() { said("Not kept yet") } else { tests.iter().all(|test| said(test)) };
        ensure!(as_it_is, "P{}: {part:?}", promise.number);
    }
    Ok(())
}
