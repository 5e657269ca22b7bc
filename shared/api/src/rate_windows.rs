//! Limits how often something is done in a window of fixed length. Counters are stored under a keyed hash of the subject.

use jiff::Timestamp;
use runtime::http::{Problem, RateLimit};

use crate::{mutation::Mutations, problems::store_problem};

impl Mutations {
    /// Counts one use of a window by a subject, such as an account or a network. Returns the uses in the window of `now`, this
    /// one included.
    ///
    /// # Errors
    /// A 500 if the counter cannot be written.
    pub async fn count(&self, window: &str, subject: &[u8], window_s: i64, now: Timestamp) -> Result<u64, Problem> {
        let hash = self.sealer().await?.keyed_hash(&format!("window {window}"), subject);
        self.table.count_in_window(window, &hash, window_s, now).await.map_err(store_problem)
    }

    /// Says whether this subject was counted in the window of `now`.
    ///
    /// # Errors
    /// A 500 if the counter cannot be read.
    pub async fn is_counted(
        &self,
        window: &str,
        subject: &[u8],
        window_s: i64,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let hash = self.sealer().await?.keyed_hash(&format!("window {window}"), subject);
        self.table.is_counted_in_window((window, &hash), window_s, now).await.map_err(store_problem)
    }

    /// Counts one use, and refuses those above `quota` in a window.
    ///
    /// # Errors
    /// 429 with the seconds until the next window.
    pub async fn limit(
        &self,
        policy: &'static str,
        subject: &[u8],
        (window_s, quota): (i64, u64),
        now: Timestamp,
    ) -> Result<(), Problem> {
        if self.count(policy, subject, window_s, now).await? <= quota {
            return Ok(());
        }
        Err(Problem::rate_limited(RateLimit {
            policy,
            quota,
            window_seconds: window_s.unsigned_abs(),
            remaining: 0,
            reset_seconds: (window_s - now.as_second().rem_euclid(window_s)).unsigned_abs(),
        }))
    }
}
