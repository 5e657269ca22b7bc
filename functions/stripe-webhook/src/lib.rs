//! Receives Stripe's events.
//!
//! The signature is checked over the raw body before anything else. After an event about a checkout Stripe is polled, and what
//! is paid is fulfilled. An event about a refund, a dispute or a fraud warning is applied as it is. Nothing of an event is
//! stored except the fields that a payment has. A value that is not known here moves nothing: it is acknowledged and measured.
//!
//! Events are not recorded: a payment is granted once however many events arrive, so an event that failed half way is completed
//! by its repeat. A failure on our side gets 5xx, and Stripe sends the event again
//! (<https://docs.stripe.com/webhooks#retries>).

use std::sync::Arc;

use api::{Routes, payments::webhooks::STRIPE, store_problem};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
};
use domain::payments::payment::PaymentProvider;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lifecycle::payments::{KEYS_S, PaymentService, ROTATED_KEYS_S};
use payments::{WebhookError, WebhookEvent};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::Problem,
    telemetry::{Metric, metric},
};
use store::Table;

/// The largest event in bytes. The evidence of a dispute may have 150,000 characters, each of which JSON may write as six bytes.
const EVENT_LIMIT: usize = 1024 * 1024;

struct AppState {
    payments: PaymentService,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not valid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let name = environment.required("TABLE")?;
    clients.warm_dynamodb(&name).await;
    let table = Table::new(clients.dynamodb().clone(), name, environment.integer("INDEX_SHARDS")?);
    let payments = PaymentService::open(&environment, &clients, table)?;
    Ok(routes().into_router().layer(DefaultBodyLimit::max(EVENT_LIMIT)).with_state(Arc::new(AppState { payments })))
}

fn routes() -> Routes<Arc<AppState>> {
    Routes::new().operation(&STRIPE, receive)
}

async fn receive(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let now = clock::now();
    let body = body.map_err(|_| Problem::body_too_large())?;
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let event = state.verify(&body, signature, now).await?;
    let applied = state.payments.apply_message(PaymentProvider::Stripe, &event, now).await;
    match applied {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // A repeat would have the same mistake.
        Err(error) if error.is_mismatch() => {
            tracing::error!(error = %error, "event does not match the payment that it names");
            metric(Metric::PaymentMismatches, 1, &["stripe"]);
            Ok(StatusCode::NO_CONTENT)
        }
        Err(error) => Err(store_problem(error)),
    }
}

impl AppState {
    /// Verifies the signature, and decodes the event. If the signature does not match, the secret may have been rotated, and
    /// without keys Stripe may have been turned on, so they are read again once.
    async fn verify(&self, body: &[u8], signature: &str, now: Timestamp) -> Result<WebhookEvent, Problem> {
        let mut refused = WebhookError::Forged;
        for at_most_s in [KEYS_S, ROTATED_KEYS_S] {
            let providers = self.payments.providers(at_most_s, now).await.map_err(Problem::internal)?;
            match providers.read_event(body, signature, now) {
                Ok(event) => return Ok(event),
                Err(error) => refused = error,
            }
            if !matches!(refused, WebhookError::Forged | WebhookError::NotConfigured) {
                break;
            }
        }
        if refused.is_alarming() {
            tracing::error!(error = %refused, "event refused");
            metric(Metric::RefusedWebhooks, 1, &["stripe"]);
        }
        Err(if refused.retryable() {
            Problem::internal(refused)
        } else {
            Problem::invalid("stripe-signature", refused.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("stripe-webhook"));
    }
}
