//! The one place that reads the clock and asks for chance. Everything else takes them as arguments.

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// The time now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time so many milliseconds after 1970 began, which is how AWS counts; the end of time if that is beyond it.
#[must_use]
pub fn at_millisecond(since_epoch_ms: u64) -> Timestamp {
    i64::try_from(since_epoch_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// A version 7 id ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7)) made at `now`.
///
/// Ids sort by the millisecond they were made in; within one millisecond their order is chance.
/// A time before 1970 counts as 1970.
#[must_use]
pub fn uuid_at(now: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random::<10>()).into_uuid()
}

/// Bytes that nobody can guess, from the operating system.
#[must_use]
#[expect(clippy::expect_used, reason = "without entropy nothing secret can be made, so the process must not go on")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives entropy");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made_at() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-01T00:00:00.001Z".parse().unwrap();
        assert!(uuid_at(early) < uuid_at(late));
        assert_eq!(uuid_at(early).get_version_num(), 7);
    }

    #[test]
    fn ids_of_one_moment_differ() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_ne!(uuid_at(now), uuid_at(now));
    }

    #[test]
    fn a_time_before_the_epoch_still_gives_an_id() {
        assert_eq!(uuid_at(Timestamp::MIN).get_version_num(), 7);
    }
}
