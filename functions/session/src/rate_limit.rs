//! Limits requests per route in windows of a minute: by the network that sends them, and by the address in them. Counts are
//! stored under keyed hashes, so the table contains neither addresses nor networks.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{AccountId, accounts::second_factor::CODES_PER_HOUR};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Problem, RateLimit, RequestContext},
};

use crate::{app::App, fields::Email};

const WINDOW_S: i64 = 60;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// The requests to one route about one address in a minute, from all networks together: changing networks does not help to
/// guess passwords or codes.
const ADDRESS_RATE_PER_MINUTE: u64 = 10;

/// Counts the request for its network before it is handled.
pub(crate) async fn limit_network(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let limit = app.count("network", app.config.rate_per_minute, path.as_str(), &context.client_network()).await?;
    let response = next.run(request).await;
    // A refusal by the limit of the address has its own headers.
    Ok(if response.status() == StatusCode::TOO_MANY_REQUESTS { response } else { (limit, response).into_response() })
}

impl App {
    /// Counts the request for its address, registered or not.
    ///
    /// # Errors
    /// A 429 with the time after which to try again.
    pub(crate) async fn limit_address(&self, path: &MatchedPath, email: &Email) -> Result<(), Problem> {
        self.count("address", ADDRESS_RATE_PER_MINUTE, path.as_str(), email.as_str()).await.map(drop)
    }

    /// Counts an account that this network opens. Returns how many it opened today, this one included.
    ///
    /// # Errors
    /// A 500: the count failed.
    pub(crate) async fn count_account(&self, network: &str, now: Timestamp) -> Result<u64, Problem> {
        let hash = self.sealer().await?.keyed_hash("window accounts", network.as_bytes());
        self.table.count_in_window("accounts", &hash, DAY_S, now).await.map_err(api::store_problem)
    }

    async fn count(&self, policy: &'static str, quota: u64, path: &str, subject: &str) -> Result<RateLimit, Problem> {
        let now = clock::now();
        let hash = self.sealer().await?.keyed_hash(&format!("window {policy}"), subject.as_bytes());
        let route = path.rsplit('/').next().unwrap_or(path);
        let hits = self.table.count_in_window(&format!("{route}-{policy}"), &hash, WINDOW_S, now).await;
        check_quota((policy, quota, WINDOW_S), hits.map_err(api::store_problem)?, now)
    }

    /// Counts a code that is tried for the second factor of an account.
    ///
    /// # Errors
    /// A 429 with the time after which to try again.
    pub(crate) async fn limit_second_factor(&self, account: AccountId, now: Timestamp) -> Result<(), Problem> {
        const POLICY: &str = "second-factor";
        let hash = self.sealer().await?.keyed_hash(&format!("window {POLICY}"), account.0.as_bytes());
        let hits = self.table.count_in_window(POLICY, &hash, HOUR_S, now).await.map_err(api::store_problem)?;
        check_quota((POLICY, CODES_PER_HOUR, HOUR_S), hits, now).map(drop)
    }
}

/// Returns what is left of the quota after this many requests.
///
/// # Errors
/// A 429: the quota is used up.
fn check_quota(
    (policy, quota, window_s): (&'static str, u64, i64),
    hits: u64,
    now: Timestamp,
) -> Result<RateLimit, Problem> {
    let limit = RateLimit {
        policy,
        quota,
        window_seconds: window_s.unsigned_abs(),
        remaining: quota.saturating_sub(hits),
        reset_seconds: (window_s - now.as_second().rem_euclid(window_s)).unsigned_abs(),
    };
    if hits > quota { Err(Problem::rate_limited(limit)) } else { Ok(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hits: u64, second: i64, outcome: Result<u64, ()>, reset_seconds: u64) {
        let limit = check_quota(("address", 10, WINDOW_S), hits, Timestamp::from_second(second).unwrap());
        let response = match &limit {
            Ok(limit) => (*limit, ()).into_response(),
            Err(problem) => problem.clone().into_response(),
        };
        assert_eq!(limit.map(|limit| limit.remaining).map_err(|problem| assert_eq!(problem.status(), 429)), outcome);
        let remaining = outcome.unwrap_or(0);
        let expected = format!("\"address\";r={remaining};t={reset_seconds}");
        assert_eq!(response.headers()["ratelimit"].to_str().unwrap(), expected);
    }

    #[test]
    fn request_over_the_quota_is_told_when_the_window_ends() {
        check(1, 1_800_000_000, Ok(9), 60);
        check(10, 1_800_000_059, Ok(0), 1);
        check(11, 1_800_000_059, Err(()), 1);
        check(u64::MAX, 1_800_000_030, Err(()), 30);
    }
}
