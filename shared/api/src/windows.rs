//! How often: calls of a kind by somebody, in windows of a fixed length. What is counted lies under a keyed hash.

use jiff::Timestamp;
use runtime::http::{Problem, RateLimit};

use crate::{Mutations, store_problem};

impl Mutations {
    /// How often this was done by, or about, `who` in the window that `now` lies in, this time included.
    ///
    /// # Errors
    /// Our own problem.
    pub async fn count(&self, window: &str, who: &[u8], window_s: i64, now: Timestamp) -> Result<u64, Problem> {
        let hash = self.sealer().await?.keyed_hash(&format!("window {window}"), who);
        self.table.count_in_window(window, &hash, window_s, now).await.map_err(store_problem)
    }

    /// Counts, and refuses what is more than `quota` in a window.
    ///
    /// # Errors
    /// 429 with the time to come back.
    pub async fn limit(
        &self,
        policy: &'static str,
        who: &[u8],
        (window_s, quota): (i64, u64),
        now: Timestamp,
    ) -> Result<(), Problem> {
        if self.count(policy, who, window_s, now).await? <= quota {
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
