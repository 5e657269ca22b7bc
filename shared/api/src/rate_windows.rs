//! Limits how often something is done in a window of fixed length. Counters are stored under a keyed hash of the subject.

use std::iter::successors;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use runtime::http::{Problem, RateLimit, RequestContext};

use crate::{mutation::Mutations, problems::store_problem};

const MINUTE_S: i64 = 60;
/// How many times more each wider network may do than the one inside it.
const WIDER: u64 = 4;

impl Mutations {
    /// Counts one use of a window by a subject, such as an account or an address. Returns the uses in the window of `now`, this
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

    /// Counts one use, and refuses those above `quota` in a window. Returns what is left.
    ///
    /// # Errors
    /// 429 with the seconds until the next window.
    pub async fn limit(
        &self,
        policy: &'static str,
        subject: &[u8],
        (window_s, quota): (i64, u64),
        now: Timestamp,
    ) -> Result<RateLimit, Problem> {
        let uses = self.count(policy, subject, window_s, now).await?;
        check_quota(policy, uses, (window_s, quota), now)
    }

    /// Counts one use by each of the networks that a client is in, the narrowest first. Returns the uses by each, this one
    /// included, with its quota: `quota` for the narrowest, and four times as many for each wider one.
    ///
    /// # Errors
    /// A 500 if a counter cannot be written.
    pub async fn count_networks(
        &self,
        window: &str,
        networks: &[String],
        (window_s, quota): (i64, u64),
        now: Timestamp,
    ) -> Result<Vec<(u64, u64)>, Problem> {
        let uses = networks.iter().map(|network| self.count(window, network.as_bytes(), window_s, now));
        Ok(try_join_all(uses).await?.into_iter().zip(quotas(quota)).collect())
    }

    /// Counts one use by each of these networks as [`count_networks`](Self::count_networks) does, and refuses those above the
    /// quota of one of them. Returns what is left for the narrowest.
    ///
    /// # Errors
    /// 429 with the seconds until the next window.
    pub async fn limit_networks(
        &self,
        policy: &'static str,
        networks: &[String],
        (window_s, quota): (i64, u64),
        now: Timestamp,
    ) -> Result<RateLimit, Problem> {
        let counts = self.count_networks(policy, networks, (window_s, quota), now).await?;
        let mut narrowest = None;
        for (uses, quota) in counts {
            let limit = check_quota(policy, uses, (window_s, quota), now)?;
            narrowest.get_or_insert(limit);
        }
        narrowest.ok_or_else(|| Problem::internal("the client is in no network"))
    }

    /// Counts an attempt at what belongs to an address: for the widest network of the client, and for all networks together.
    /// `limits` has the window and the quota of both. The first refuses a client who guesses before it uses up the second, which
    /// would lock the owner of the address out.
    ///
    /// # Errors
    /// 429 with the seconds until the next window.
    pub async fn limit_address(
        &self,
        policy: &'static str,
        address: &str,
        client: &RequestContext,
        limits: [(i64, u64); 2],
        now: Timestamp,
    ) -> Result<(), Problem> {
        let [of_network, of_all] = limits;
        let network = client.networks().pop().unwrap_or_default();
        self.limit(policy, format!("{network} {address}").as_bytes(), of_network, now).await?;
        self.limit(policy, address.as_bytes(), of_all, now).await.map(drop)
    }

    /// Counts a request that everyone can send and that reads the table, and refuses those above the quota of one of the
    /// networks of the client.
    ///
    /// # Errors
    /// 429 with the seconds until the next minute.
    pub async fn limit_open_read(&self, client: &RequestContext, now: Timestamp) -> Result<(), Problem> {
        let limit = (MINUTE_S, self.quotas.open_reads_per_minute);
        self.limit_networks("reads", &client.networks(), limit, now).await.map(drop)
    }

    /// Counts a mutating request of an account, and refuses those above its quota.
    pub(crate) async fn limit_writes(&self, account: domain::AccountId, now: Timestamp) -> Result<(), Problem> {
        let limit = (MINUTE_S, self.quotas.writes_per_minute);
        self.limit("writes", account.0.as_bytes(), limit, now).await.map(drop)
    }
}

/// Returns the quotas of networks that contain each other, the narrowest first.
fn quotas(narrowest: u64) -> impl Iterator<Item = u64> {
    successors(Some(narrowest), |quota| Some(quota.saturating_mul(WIDER)))
}

/// Returns what is left of a quota after this many uses.
///
/// # Errors
/// A 429: there were more.
fn check_quota(
    policy: &'static str,
    uses: u64,
    (window_s, quota): (i64, u64),
    now: Timestamp,
) -> Result<RateLimit, Problem> {
    let limit = RateLimit {
        policy,
        quota,
        window_seconds: window_s.unsigned_abs(),
        remaining: quota.saturating_sub(uses),
        reset_seconds: (window_s - now.as_second().rem_euclid(window_s)).unsigned_abs(),
    };
    if uses > quota { Err(Problem::rate_limited(limit)) } else { Ok(limit) }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn check(uses: u64, second: i64, outcome: Result<u64, ()>, reset_seconds: u64) {
        let limit = check_quota("address", uses, (MINUTE_S, 10), Timestamp::from_second(second).unwrap());
        let response = match &limit {
            Ok(limit) => (*limit, ()).into_response(),
            Err(problem) => problem.clone().into_response(),
        };
        assert_eq!(limit.map(|limit| limit.remaining).map_err(|problem| assert_eq!(problem.status(), 429)), outcome);
        let remaining = outcome.unwrap_or(0);
        let expected = format!("\"address\";r={remaining};t={reset_seconds}");
        assert_eq!(response.headers()["ratelimit"].to_str().unwrap(), expected);
        let retry_after = response.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap().to_owned());
        assert_eq!(retry_after, outcome.err().map(|()| reset_seconds.to_string()));
    }

    #[test]
    fn request_over_the_quota_is_told_when_the_window_ends() {
        check(1, 1_800_000_000, Ok(9), 60);
        check(10, 1_800_000_059, Ok(0), 1);
        check(11, 1_800_000_059, Err(()), 1);
        check(u64::MAX, 1_800_000_030, Err(()), 30);
    }

    #[test]
    fn wider_network_has_a_larger_quota() {
        assert_eq!(quotas(30).take(3).collect::<Vec<_>>(), [30, 120, 480]);
        assert_eq!(quotas(u64::MAX).nth(1), Some(u64::MAX));
    }
}
