//! A breaker for each provider, in this process: while one is open, generations with another offer go there.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::generations::generation::ProviderFailure;
use jiff::{SignedDuration, Timestamp};

use crate::ask::ProviderAnswer;

/// Failures in a row that open a breaker.
const FAILURES: u32 = 3;
/// How long it is open, unless the provider asks for longer.
const OPEN_S: u32 = 30;
/// The longest time that it is open.
const MAX_OPEN_S: u32 = 600;

/// The breakers of all providers.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<BTreeMap<String, Breaker>>);

#[derive(Clone, Copy, Debug, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breakers {
    /// Says whether the provider is skipped at `now`.
    pub(crate) fn is_open(&self, provider: &str, now: Timestamp) -> bool {
        let breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.get(provider).and_then(|breaker| breaker.open_until).is_some_and(|until| now < until)
    }

    /// Records a response: failures in a row open the breaker, and any other response closes it.
    pub(crate) fn record(&self, provider: &str, answer: &ProviderAnswer, now: Timestamp) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = breakers.entry(provider.to_owned()).or_default();
        let asked_s = match answer {
            ProviderAnswer::Failed(
                ProviderFailure::Throttled { retry_after_s } | ProviderFailure::Fault { retry_after_s },
            ) => *retry_after_s,
            ProviderAnswer::Refused(_) | ProviderAnswer::Unconfirmed => None,
            _ => {
                *breaker = Breaker::default();
                return;
            }
        };
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            let open_s = asked_s.unwrap_or(0).clamp(OPEN_S, MAX_OPEN_S);
            breaker.open_until = Some(now + SignedDuration::from_secs(open_s.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn throttled(retry_after_s: Option<u32>) -> ProviderAnswer {
        ProviderAnswer::Failed(ProviderFailure::Throttled { retry_after_s })
    }

    #[test]
    fn three_failures_in_a_row_open_the_breaker_of_that_provider_for_a_time() {
        let breakers = Breakers::default();
        for second in 0..3 {
            assert!(!breakers.is_open("fal", at(second)));
            breakers.record("fal", &throttled(None), at(second));
        }
        assert!(breakers.is_open("fal", at(31)) && !breakers.is_open("replicate", at(31)));
        assert!(!breakers.is_open("fal", at(32)));
        breakers.record("fal", &throttled(Some(120)), at(40));
        assert!(breakers.is_open("fal", at(159)) && !breakers.is_open("fal", at(160)));
    }

    #[test]
    fn response_between_failures_closes_the_breaker() {
        let breakers = Breakers::default();
        for second in 0..6 {
            breakers.record("fal", &throttled(None), at(second));
            breakers.record("fal", &throttled(None), at(second));
            breakers.record("fal", &ProviderAnswer::Done, at(second));
        }
        assert!(!breakers.is_open("fal", at(6)));
    }
}
