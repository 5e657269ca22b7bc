//! Reads the clock and the random source, in one place. All other code takes time and ids as arguments.

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// Returns the current time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Converts milliseconds since 1970, as AWS counts, to a time; [`Timestamp::MAX`] if they are beyond it.
#[must_use]
pub fn at_millisecond(since_epoch_ms: u64) -> Timestamp {
    i64::try_from(since_epoch_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// Makes a version 7 UUID ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7)) for `now`.
///
/// Ids sort by their millisecond; within one millisecond their order is random. A time before 1970 counts as 1970.
#[must_use]
pub fn uuid_at(now: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random::<10>()).into_uuid()
}

/// Returns unpredictable bytes from the operating system.
#[must_use]
#[expect(clippy::expect_used, reason = "without entropy no secret can be made, so the process must not go on")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives entropy");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-01T00:00:00.001Z".parse().unwrap();
        assert!(uuid_at(early) < uuid_at(late));
        assert_eq!(uuid_at(early).get_version_num(), 7);
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_ne!(uuid_at(now), uuid_at(now));
    }

    #[test]
    fn time_before_the_epoch_makes_an_id() {
        assert_eq!(uuid_at(Timestamp::MIN).get_version_num(), 7);
    }
}
