//! Token buckets for rate limits.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

/// A rate: `burst` at once, refilled evenly at `per_minute`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Tokens that refill in a minute.
    pub per_minute: u32,
    /// Tokens that the bucket holds.
    pub burst: u32,
}

/// A stored bucket: its level in thousandths of a token, and the time of that level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct TokenBucket {
    /// Thousandths of a token left.
    #[data(plain)]
    pub millitokens: u64,
    /// The time of this level.
    #[data(plain)]
    pub at: Timestamp,
}

/// The decision about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateDecision {
    /// Allowed; this bucket is left.
    Allowed(TokenBucket),
    /// Limited; the next token is available after this time.
    Limited {
        /// Seconds, at least 1.
        retry_after_s: u64,
    },
}

impl TokenBucket {
    /// The bucket of who has taken no token yet: it has refilled for so long that it is full at any rate.
    pub const UNUSED: Self = Self { millitokens: 0, at: Timestamp::UNIX_EPOCH };

    /// Takes one token. A clock that was set back refills nothing.
    #[must_use]
    pub fn take(self, rate: Rate, now: Timestamp) -> RateDecision {
        let elapsed_ms = u64::try_from(now.as_millisecond() - self.at.as_millisecond()).unwrap_or(0);
        let per_minute = u64::from(rate.per_minute.max(1));
        // A token a minute is a millitoken each 60 ms.
        let refilled = self.millitokens.saturating_add(elapsed_ms.saturating_mul(per_minute) / 60);
        let level = refilled.min(u64::from(rate.burst) * 1000);
        match level.checked_sub(1000) {
            Some(left) => RateDecision::Allowed(Self { millitokens: left, at: now.max(self.at) }),
            None => RateDecision::Limited { retry_after_s: ((1000 - level) * 60).div_ceil(per_minute * 1000).max(1) },
        }
    }

    /// Returns the whole tokens left.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        self.millitokens / 1000
    }
}

/// Counts events in an hour, which begins with the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct HourlyCount {
    /// When the hour began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub since: Option<Timestamp>,
    /// Events in it.
    #[data(plain)]
    pub events: u32,
}

impl HourlyCount {
    /// Says whether nothing was ever counted.
    #[must_use]
    pub const fn is_unused(&self) -> bool {
        self.since.is_none()
    }

    /// Counts an event, without a limit.
    #[must_use]
    pub fn counted(self, now: Timestamp) -> Self {
        match self.since.filter(|since| now < *since + HOUR) {
            Some(_) => Self { events: self.events.saturating_add(1), ..self },
            None => Self { since: Some(now), events: 1 },
        }
    }

    /// Counts an event if there were fewer than `limit` in this hour.
    ///
    /// # Errors
    /// There were not. Returns the seconds until the hour ends, at least 1.
    pub fn count(self, limit: u32, now: Timestamp) -> Result<Self, u64> {
        let end = self.since.map(|since| since + HOUR).filter(|end| now < *end);
        match end {
            Some(end) if self.events >= limit => Err(u64::try_from(end.duration_since(now).as_secs()).unwrap_or(0) + 1),
            _ => Ok(self.counted(now)),
        }
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::*,
        test_runner::{Config, RngSeed},
    };

    use super::*;

    const RATE: Rate = Rate { per_minute: 6, burst: 2 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn take(bucket: TokenBucket, second: i64) -> Result<TokenBucket, u64> {
        match bucket.take(RATE, at(second)) {
            RateDecision::Allowed(bucket) => Ok(bucket),
            RateDecision::Limited { retry_after_s } => Err(retry_after_s),
        }
    }

    #[test]
    fn burst_is_allowed_then_the_caller_waits_for_one_token() {
        let bucket = take(TokenBucket::UNUSED, 0).unwrap();
        let bucket = take(bucket, 0).unwrap();
        assert_eq!(take(bucket, 0), Err(10));
        assert_eq!(take(bucket, 7), Err(3));
        assert_eq!(take(bucket, 10).unwrap().tokens(), 0);
    }

    #[test]
    fn hour_begins_with_its_first_event_and_allows_the_limit() {
        let mut count = HourlyCount::default();
        for second in [0, 1800, 3599] {
            count = count.count(3, at(second)).unwrap();
        }
        assert_eq!(count.count(3, at(3599)), Err(2));
        assert_eq!(count.count(4, at(3599)).unwrap().events, 4);
        assert_eq!(count.count(3, at(3600)).unwrap(), HourlyCount { since: Some(at(3600)), events: 1 });
    }

    #[test]
    fn bucket_is_capped_and_a_clock_set_back_refills_nothing() {
        assert_eq!(take(TokenBucket::UNUSED, 3600).unwrap().tokens(), 1);
        let empty = TokenBucket { millitokens: 0, at: at(100) };
        assert_eq!(take(empty, 0), Err(10));
    }

    proptest! {
        #![proptest_config(Config { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() })]

        #[test]
        fn caller_that_waits_gets_a_token_and_none_exceeds_the_rate(
            per_minute in 1..100_u32,
            burst in 1..100_u32,
            waits_ms in prop::collection::vec(0..20_000_i64, 1..200),
        ) {
            let rate = Rate { per_minute, burst };
            let (mut now, mut bucket, mut taken) = (at(0), TokenBucket::UNUSED, 0);
            for wait_ms in waits_ms {
                now += jiff::SignedDuration::from_millis(wait_ms);
                match bucket.take(rate, now) {
                    RateDecision::Allowed(rest) => (bucket, taken) = (rest, taken + 1),
                    RateDecision::Limited { retry_after_s } => {
                        let told = now + jiff::SignedDuration::from_secs(i64::try_from(retry_after_s).unwrap());
                        prop_assert!(matches!(bucket.take(rate, told), RateDecision::Allowed(_)));
                        let early = told - jiff::SignedDuration::from_millis(1_100);
                        prop_assert!(early < now || !matches!(bucket.take(rate, early), RateDecision::Allowed(_)));
                    }
                }
                let passed_ms = i64::try_from(now.duration_since(at(0)).as_millis()).unwrap();
                prop_assert!(taken <= i64::from(burst) + passed_ms * i64::from(per_minute) / 60_000);
            }
        }
    }
}
