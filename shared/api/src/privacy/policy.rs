//! Describes the policy page: each promise, how it is kept, and the tests that show it.

use domain::privacy::promise::{PROMISES, Promise};

use crate::operation::operations;

operations! {
    /// Shows the policy as an HTML page: each promise, how it is kept, and the tests that show it.
    SHOW = get("/v1/privacy/policy", "openapi").public()
        .responds(200);
}

/// Allows the page to load its own style only, by its hash ([CSP](https://www.w3.org/TR/CSP3/)).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-D8mPfsgH9C5CPxUddrpkmztunOGJpVQnl6/nanrsK0w='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;font:1rem/1.6 system-ui,sans-serif}\
body{max-width:46rem;margin:3rem auto;padding:0 1.25rem}\
h1{font-size:1.6rem;line-height:1.25}\
section{padding:1.25rem 0;border-top:1px solid color-mix(in srgb,currentColor 18%,transparent)}\
h2{font-size:1rem;margin:0}\
h2 a{color:inherit;margin-right:.5rem}\
p{margin:.4rem 0}\
code{font-size:.85em;overflow-wrap:anywhere}\
.open{font-weight:600;text-decoration:underline wavy}";

/// The end-to-end tests that show each promise.
const SHOWN_BY: &str = include_str!("../../../../tests/promises.txt");

/// Lists the end-to-end tests that show the promise with this number; none if nothing shows it yet.
#[must_use]
pub fn tests_of(number: u8) -> Vec<&'static str> {
    let heading = format!("P{number}");
    let lines = SHOWN_BY.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with(' ')).map(str::trim).collect()
}

/// Renders the page as HTML.
#[must_use]
pub fn page() -> String {
    let kept = PROMISES.iter().filter(|promise| !tests_of(promise.number).is_empty()).count();
    let promises: String = PROMISES.iter().map(section).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Darkroom privacy policy</title><style>{STYLE}</style></head><body><main>\
         <h1>Our promises, and the tests that show that they are kept</h1>\
         <p>{kept} of {} promises are kept. Each is shown by tests that run against the whole service and fail when the \
         promise is broken. <a href=\"inventory\">The data that is stored</a> is published too.</p>{promises}</main></body></html>",
        PROMISES.len()
    )
}

fn section(promise: &Promise) -> String {
    let Promise { number, quote, implementation } = promise;
    let tests = tests_of(*number);
    let shown = if tests.is_empty() {
        "<p class=\"open\">Not kept yet</p>".to_owned()
    } else {
        let items: String = tests.iter().map(|test| format!("<li><code>{test}</code></li>")).collect();
        format!("<details><summary>Shown by {}</summary><ul>{items}</ul></details>", count(tests.len()))
    };
    format!(
        "<section id=\"p{number}\"><h2><a href=\"#p{number}\">P{number}</a>\u{201c}{}\u{201d}</h2><p>{}.</p>{shown}</section>",
        escape(quote),
        escape(implementation)
    )
}

fn count(tests: usize) -> String {
    if tests == 1 { "1 test".to_owned() } else { format!("{tests} tests") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_style_of_the_page() {
        let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
        let hash = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest.as_ref());
        assert!(CONTENT_SECURITY_POLICY.contains(&format!("'sha256-{hash}'")), "the hash of the style is {hash}");
    }

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
