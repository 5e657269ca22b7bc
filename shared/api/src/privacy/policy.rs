//! Describes the policy: each promise, how it is kept, and the tests that show it. The web client shows it as a page.

use domain::privacy::promise::{PROMISES, Promise};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Lists every promise of the policy, how it is kept, and the tests that show it.
    SHOW = get("/v1/privacy/policy", "openapi").public()
        .returns::<Policy>(200);
}

/// Shows the policy.
#[derive(Serialize, ToSchema)]
pub struct Policy {
    /// The promises, in the order of their numbers.
    pub promises: Vec<PromiseView>,
}

/// Shows a promise.
#[derive(Serialize, ToSchema)]
pub struct PromiseView {
    /// The number: 7 is P7.
    pub number: u8,
    /// The promise, word for word, in English.
    pub quote: &'static str,
    /// How it is kept, in English.
    pub implementation: &'static str,
    /// The end-to-end tests that show that it is kept. Empty if it is not kept yet.
    pub tests: Vec<&'static str>,
}

impl Policy {
    /// Lists all promises.
    #[must_use]
    pub fn of_all_promises() -> Self {
        Self { promises: PROMISES.iter().map(PromiseView::from).collect() }
    }
}

impl From<&Promise> for PromiseView {
    fn from(&Promise { number, quote, implementation }: &Promise) -> Self {
        Self { number, quote, implementation, tests: tests_of(number) }
    }
}

/// The end-to-end tests that show each promise.
const SHOWN_BY: &str = include_str!("../../../../tests/promises.txt");

/// Lists the end-to-end tests that show the promise with this number; none if nothing shows it yet.
#[must_use]
pub fn tests_of(number: u8) -> Vec<&'static str> {
    let heading = format!("P{number}");
    let lines = SHOWN_BY.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with(' ')).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_numbered_and_each_has_a_heading_in_the_list_of_tests() {
        for (promise, number) in PROMISES.iter().zip(1..) {
            assert_eq!(promise.number, number);
        }
        let headings: Vec<_> = SHOWN_BY.lines().filter(|line| line.starts_with('P')).collect();
        let expected: Vec<_> = PROMISES.iter().map(|promise| format!("P{}", promise.number)).collect();
        assert_eq!(headings, expected);
    }

    #[test]
    fn tests_of_a_promise_are_named_after_it() {
        for promise in &PROMISES {
            for test in tests_of(promise.number) {
                assert!(
                    test.contains(&format!("p{}_", promise.number)),
                    "{test} is not named after P{}",
                    promise.number
                );
            }
        }
    }
}
