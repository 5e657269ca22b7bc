//! How often: requests of one network to one route, and requests to one route about one address, each in windows of a
//! minute. What is counted lies under a keyed hash, so the table tells neither addresses nor networks.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Problem, RateLimit, RequestContext},
};

use crate::{App, fields::Email};

const WINDOW_S: i64 = 60;
const DAY_S: i64 = 24 * 3_600;
/// Requests to one route about one address, from wherever: nobody guesses many passwords or codes by changing networks.
const ADDRESS_RATE_PER_MINUTE: u64 = 10;

/// Counts the request for the network that it comes from, before anything else is done with it.
pub(crate) async fn limit_network(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let limit = app.count("network", app.config.rate_per_minute, path.as_str(), &context.client_network()).await?;
    let response = next.run(request).await;
    // A refusal by the other limit has said what it had to say.
    Ok(if response.status() == StatusCode::TOO_MANY_REQUESTS { response } else { (limit, response).into_response() })
}

impl App {
    /// Counts the request for the address that it is about, registered or not.
    ///
    /// # Errors
    /// 429 with the time to come back.
    pub(crate) async fn limit_address(&self, path: &MatchedPath, email: &Email) -> Result<(), Problem> {
        self.count("address", ADDRESS_RATE_PER_MINUTE, path.as_str(), email.as_str()).await.map(drop)
    }

    /// Counts an account that this network opens, and answers how many it opened today, this one included.
    ///
    /// # Errors
    /// Our own problem.
    pub(crate) async fn count_account(&self, network: &str, now: Timestamp) -> Result<u64, Problem> {
        let hash = self.sealer().await?.keyed_hash("window accounts", network.as_bytes());
        self.table.count_in_window("accounts", &hash, DAY_S, now).await.map_err(api::store_problem)
    }

    async fn count(&self, policy: &'static str, quota: u64, path: &str, who: &str) -> Result<RateLimit, Problem> {
        let now = clock::now();
        let hash = self.sealer().await?.keyed_hash(&format!("window {policy}"), who.as_bytes());
        let route = path.rsplit('/').next().unwrap_or(path);
        let hits = self.table.count_in_window(&format!("{route}-{policy}"), &hash, WINDOW_S, now).await;
        take(policy, quota, hits.map_err(api::store_problem)?, now)
    }
}

/// What is left after this many requests, or the refusal.
fn take(policy: &'static str, quota: u64, hits: u64, now: Timestamp) -> Result<RateLimit, Problem> {
    let limit = RateLimit {
        policy,
        quota,
        window_seconds: WINDOW_S.unsigned_abs(),
        remaining: quota.saturating_sub(hits),
        reset_seconds: (WINDOW_S - now.as_second().rem_euclid(WINDOW_S)).unsigned_abs(),
    };
    if hits > quota { Err(Problem::rate_limited(limit)) } else { Ok(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hits: u64, second: i64, outcome: Result<u64, ()>, reset_seconds: u64) {
        let taken = take("address", 10, hits, Timestamp::from_second(second).unwrap());
        let response = match &taken {
            Ok(limit) => (*limit, ()).into_response(),
            Err(problem) => problem.clone().into_response(),
        };
        assert_eq!(taken.map(|limit| limit.remaining).map_err(|problem| assert_eq!(problem.status(), 429)), outcome);
        let remaining = outcome.unwrap_or(0);
        let expected = format!("\"address\";r={remaining};t={reset_seconds}");
        assert_eq!(response.headers()["ratelimit"].to_str().unwrap(), expected);
    }

    #[test]
    fn the_last_of_a_window_passes_and_the_next_is_told_when_the_window_ends() {
        check(1, 1_800_000_000, Ok(9), 60);
        check(10, 1_800_000_059, Ok(0), 1);
        check(11, 1_800_000_059, Err(()), 1);
        check(u64::MAX, 1_800_000_030, Err(()), 30);
    }
}
