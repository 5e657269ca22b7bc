//! What verifies signatures, read again when it may have been rotated.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use runtime::Error;

/// How old, and how far in the future, a report may be, in seconds. Both providers say so.
const TOLERANCE_S: i64 = 300;
/// The age in seconds at which keys are read again for a report that they do not verify.
const ROTATED_S: i64 = 60;

/// Why a report is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is not signed in the way that the provider documents")]
    Unsigned,
    #[error("it is not signed by the provider")]
    Forged,
    #[error("it was signed more than five minutes ago, or later than now")]
    Stale,
}

/// Holds keys, and when they were read.
pub(crate) struct Verifier<K>(Mutex<Option<(Arc<K>, Timestamp)>>);

impl<K> Default for Verifier<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K> Verifier<K> {
    /// Checks with keys that were read in the last `known_s` seconds. If they do not verify the report, checks with keys of the last
    /// minute.
    pub(crate) async fn verify<F: Future<Output = Result<K, Error>>>(
        &self,
        known_s: i64,
        now: Timestamp,
        load: impl Fn() -> F,
        check: impl Fn(&K) -> Result<(), Refused>,
    ) -> Result<Result<(), Refused>, Error> {
        let mut checked = Err(Refused::Forged);
        for at_most_s in [known_s, ROTATED_S] {
            let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let known = found.filter(|(_, since)| (0..at_most_s).contains(&now.duration_since(*since).as_secs()));
            let keys = match known {
                Some((keys, _)) => keys,
                None => {
                    let keys = Arc::new(load().await?);
                    *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&keys), now));
                    keys
                }
            };
            checked = check(&keys);
            if checked != Err(Refused::Forged) {
                break;
            }
        }
        Ok(checked)
    }
}

/// Checks the time of a signature, in seconds since 1970.
pub(crate) fn check_time(signed_at: &str, now: Timestamp) -> Result<(), Refused> {
    let signed_at: i64 = signed_at.parse().map_err(|_| Refused::Unsigned)?;
    let age = now.as_second().checked_sub(signed_at).map(i64::saturating_abs);
    if age.is_some_and(|age| age <= TOLERANCE_S) { Ok(()) } else { Err(Refused::Stale) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn keys_are_read_again_for_a_forged_report_at_most_once_a_minute() {
        let (verifier, loaded) = (Verifier::default(), Cell::new(0));
        let verify = async |second: i64, checked: Result<(), Refused>| {
            let load = || {
                loaded.set(loaded.get() + 1);
                std::future::ready(Ok(()))
            };
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(verifier.verify(3_600, now, load, |()| checked).await.unwrap(), checked);
            loaded.get()
        };
        assert_eq!(verify(0, Ok(())).await, 1);
        assert_eq!(verify(59, Err(Refused::Forged)).await, 1);
        assert_eq!(verify(60, Err(Refused::Stale)).await, 1, "the keys have verified it");
        assert_eq!(verify(60, Err(Refused::Forged)).await, 2);
        assert_eq!(verify(119, Err(Refused::Forged)).await, 2);
        assert_eq!(verify(60 + 3_599, Ok(())).await, 2);
        assert_eq!(verify(60 + 3_600, Ok(())).await, 3);
    }
}
