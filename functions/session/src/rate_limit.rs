//! Limits requests per route: by the networks that send them, by the address in them from one network, and by the address
//! from all networks together.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{AccountId, Credits, accounts::second_factor::CODES_PER_HOUR};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Problem, RequestContext},
    telemetry::{Metric, metric},
};

use crate::{app::App, fields::Email};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;
/// The seconds in which one network may send [`ADDRESS_RATE_PER_NETWORK`] requests to one route about one address.
const ADDRESS_WINDOW_S: i64 = 10 * MINUTE_S;
/// The requests to one route about one address that one network may send in ten minutes.
const ADDRESS_RATE_PER_NETWORK: u64 = 20;
/// The requests to one route about one address from all networks together in an hour: changing networks does not help to
/// guess passwords or codes. It takes nine networks to use it up, so a stranger does not lock the owner out from one.
const ADDRESS_RATE_PER_HOUR: u64 = 1_000;

/// Counts the request for its networks before it is handled.
pub(crate) async fn limit_network(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let networks: Vec<_> = context.networks().iter().map(|network| format!("{} {network}", route(&path))).collect();
    let limit = (MINUTE_S, app.config.rate_per_minute);
    let limit = app.mutations.limit_networks("network", &networks, limit, clock::now()).await?;
    let response = next.run(request).await;
    // A refusal by the limit of the address has its own headers.
    Ok(if response.status() == StatusCode::TOO_MANY_REQUESTS { response } else { (limit, response).into_response() })
}

impl App {
    /// Counts the request for its address, registered or not: for the widest network of the client, and for all networks.
    ///
    /// # Errors
    /// A 429 with the time after which to try again.
    pub(crate) async fn limit_address(
        &self,
        path: &MatchedPath,
        client: &RequestContext,
        email: &Email,
    ) -> Result<(), Problem> {
        let subject = format!("{} {}", route(path), email.as_str());
        let limits = [(ADDRESS_WINDOW_S, ADDRESS_RATE_PER_NETWORK), (HOUR_S, ADDRESS_RATE_PER_HOUR)];
        self.mutations.limit_address("address", &subject, client, limits, clock::now()).await
    }

    /// Counts an account for each network that it is opened from. Says whether one of them opens too many today.
    ///
    /// # Errors
    /// A 500: a counter cannot be written.
    pub(crate) async fn opens_too_many_accounts(&self, networks: &[String], now: Timestamp) -> Result<bool, Problem> {
        let limit = (DAY_S, self.config.accounts_per_network_per_day);
        let counts = self.mutations.count_networks("accounts", networks, limit, now).await?;
        Ok(counts.into_iter().any(|(accounts, quota)| accounts > quota))
    }

    /// Counts an account that gets welcome credits. Returns how many it gets: none once too many accounts got some today.
    ///
    /// # Errors
    /// A 500: the counter cannot be written.
    pub(crate) async fn grant_welcome(&self, now: Timestamp) -> Result<Credits, Problem> {
        let settings = self.mutations.table.settings(now).await.map_err(api::store_problem)?;
        if settings.welcome.grants_per_day == 0 {
            return Ok(Credits::ZERO);
        }
        let nth = self.mutations.count("welcome-grants", b"all accounts", DAY_S, now).await?;
        let credits = settings.welcome.of(nth);
        if credits < settings.welcome.credits {
            metric(Metric::WithheldWelcomes, 1, &[]);
            tracing::warn!(
                "an account got no welcome credits: see welcome.grants_per_day in the settings of the service"
            );
        }
        Ok(credits)
    }

    /// Counts a code or passkey that is tried for the second factor of an account.
    ///
    /// # Errors
    /// A 429 with the time after which to try again.
    pub(crate) async fn limit_second_factor(&self, account: AccountId, now: Timestamp) -> Result<(), Problem> {
        self.mutations.limit("second-factor", account.0.as_bytes(), (HOUR_S, CODES_PER_HOUR), now).await.map(drop)
    }
}

/// Returns the last segment of a path, by which the requests to a route are counted.
fn route(path: &MatchedPath) -> &str {
    let path = path.as_str();
    path.rsplit('/').next().unwrap_or(path)
}
