//! Receives instant payment notifications, and queues those about our payments for verification.
//!
//! Anyone can post here. A body costs a place in the queue, and a question to PayPal, only if it names a payment that is known,
//! or says that one was paid that may have been deleted since; if the same bytes were not applied before; and within a rate
//! for each network. Everything else gets the same empty 200, which is all that PayPal expects
//! ([IPN](https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/)), and leaves nothing behind.
//!
//! The body is queued unchanged. `paypal-verify` asks PayPal whether it is genuine. If it cannot be queued, or there are too
//! many, the response is 5xx or 429, and PayPal sends it again for up to four days. A repeat is queued again until one was
//! applied, and has no further effect.
//!
//! A body with what looks like a card number is not stored. PayPal never sends one, but a buyer may have typed one into a text
//! field, so an alarm is raised.

use std::sync::Arc;

use api::{Mutations, Routes, payments::webhooks::PAYPAL, store_problem};
use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::payments::payment::PaymentProvider;
use http::StatusCode;
use lifecycle::payments::APPLIED_IPN;
use payments::MessageClaim;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, RequestContext},
    telemetry::{Metric, metric},
};
use store::{IpnNotification, Queue, Records};

const MINUTE_S: i64 = 60;

struct AppState {
    mutations: Mutations,
    records: Records,
    queue: Queue,
    /// Whether PayPal can be paid with. If not, nothing arrives for a payment that is not known.
    sells_with_paypal: bool,
    rate_per_minute: u64,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not valid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let state = AppState {
        mutations: Mutations::open(&environment, &clients).await?,
        records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
        queue: Queue::new(clients.sqs().clone(), environment.required("NOTIFICATION_QUEUE_URL")?),
        sells_with_paypal: lifecycle::payments::payment_providers(&environment)?.contains(&PaymentProvider::Paypal),
        rate_per_minute: environment.integer("WEBHOOK_RATE_PER_MINUTE")?,
    };
    Ok(routes().into_router().with_state(Arc::new(state)))
}

fn routes() -> Routes<Arc<AppState>> {
    Routes::new().operation(&PAYPAL, receive)
}

async fn receive(
    State(state): State<Arc<AppState>>,
    context: RequestContext,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let now = clock::now();
    let body = body.map_err(|_| Problem::body_too_large())?;
    if body.is_empty() {
        return Err(Problem::invalid("body", "must not be empty"));
    }
    let Ok(claim) = payments::ipn_claim(&body) else { return Ok(StatusCode::OK) };
    if !state.concerns_us(&claim).await? {
        return Ok(StatusCode::OK);
    }
    let (window, window_s) = APPLIED_IPN;
    if state.mutations.is_counted(window, &body, window_s, now).await? {
        return Ok(StatusCode::OK);
    }
    let limit = (MINUTE_S, state.rate_per_minute);
    state.mutations.limit_networks("ipn-network", &context.networks(), limit, now).await?;
    if payments::ipn_has_card_number(&body) {
        tracing::error!("notification with a possible card number was dropped, see it in the PayPal account");
        metric(Metric::PaymentMismatches, 1, &["paypal"]);
        return Ok(StatusCode::OK);
    }
    let notification = IpnNotification { raw: STANDARD.encode(&body) };
    state.queue.send(&notification, 0).await.map_err(store_problem)?;
    Ok(StatusCode::OK)
}

impl AppState {
    async fn concerns_us(&self, claim: &MessageClaim) -> Result<bool, Problem> {
        if claim.is_paid && self.sells_with_paypal {
            return Ok(true);
        }
        lifecycle::payments::is_known(&self.mutations.table, &self.records, claim).await.map_err(store_problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("paypal-ipn"));
    }
}
