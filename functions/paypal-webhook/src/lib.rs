//! Receives the events of PayPal's webhook: the second source, beside IPN, of the same facts.
//!
//! Anyone can post here. An event costs a question to PayPal only if it names a payment that is known, or says that one was paid
//! that may have been deleted since, and within a rate for each network. PayPal then says whether it signed the event for our
//! webhook, whose id is in the payments secret. After an approved order the next sweep polls the checkout, and captures it
//! unless the buyer's browser did. Everything else is applied as it is, and a repeat changes nothing.
//!
//! Any response but 2xx makes PayPal send the event again, for three days
//! (<https://developer.paypal.com/api/rest/webhooks/rest/>): while PayPal does not verify it, while there are too many, and
//! after a failure on our side.

use std::sync::Arc;

use api::{Mutations, Routes, payments::webhooks::PAYPAL_EVENT, store_problem};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
};
use domain::payments::payment::PaymentProvider;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lifecycle::payments::{KEYS_S, PaymentError, PaymentService, ROTATED_KEYS_S};
use payments::{MessageClaim, PaypalSignature, Verification, WebhookError, WebhookEvent};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, RequestContext},
    telemetry::{Metric, metric},
};

/// The largest event in bytes. A dispute has all messages of buyer and seller.
const EVENT_LIMIT: usize = 1024 * 1024;
const MINUTE_S: i64 = 60;

struct AppState {
    mutations: Mutations,
    payments: PaymentService,
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
    let mutations = Mutations::open(&environment, &clients).await?;
    let state = AppState {
        payments: PaymentService::open(&environment, &clients, mutations.table.clone())?,
        mutations,
        sells_with_paypal: lifecycle::payments::payment_providers(&environment)?.contains(&PaymentProvider::Paypal),
        rate_per_minute: environment.integer("WEBHOOK_RATE_PER_MINUTE")?,
    };
    Ok(routes().into_router().layer(DefaultBodyLimit::max(EVENT_LIMIT)).with_state(Arc::new(state)))
}

fn routes() -> Routes<Arc<AppState>> {
    Routes::new().operation(&PAYPAL_EVENT, receive)
}

async fn receive(
    State(state): State<Arc<AppState>>,
    context: RequestContext,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let now = clock::now();
    let body = body.map_err(|_| Problem::body_too_large())?;
    let signature = PaypalSignature::from_headers(|name| headers.get(name)?.to_str().ok());
    let signature = signature.ok_or_else(|| Problem::invalid("paypal-transmission-sig", "is not signed by PayPal"))?;
    let event =
        payments::read_paypal_event(&body).map_err(|_| Problem::invalid("body", "is not an event of PayPal"))?;
    if !state.concerns_us(&event.claim).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let limit = (MINUTE_S, state.rate_per_minute);
    state.mutations.limit_networks("paypal-network", &context.networks(), limit, now).await?;
    state.verify(&body, &signature, &event.claim, now).await?;
    match state.apply(event.events, now).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(ApplyError::Payment(error)) if !error.is_mismatch() => Err(store_problem(error)),
        // A repeat would have the same mistake.
        Err(error) => {
            tracing::error!(error = %error, "verified event does not match the payment that it names");
            metric(Metric::PaymentMismatches, 1, &["paypal"]);
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

/// Why a verified event was not applied.
#[derive(Debug, thiserror::Error)]
enum ApplyError {
    #[error(transparent)]
    Unreadable(#[from] WebhookError),
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl AppState {
    async fn concerns_us(&self, claim: &MessageClaim) -> Result<bool, Problem> {
        if claim.is_paid && self.sells_with_paypal {
            return Ok(true);
        }
        self.payments.knows(claim).await.map_err(store_problem)
    }

    /// Returns if PayPal says that it signed the event for our webhook. If it does not, the id of the webhook may have been
    /// changed, so it is read again once.
    ///
    /// # Errors
    /// 400 if it did not, or there is no id of a webhook, 500 if PayPal does not answer.
    async fn verify(
        &self,
        body: &[u8],
        signature: &PaypalSignature,
        claim: &MessageClaim,
        now: Timestamp,
    ) -> Result<(), Problem> {
        for at_most_s in [KEYS_S, ROTATED_KEYS_S] {
            if !self.payments.providers(at_most_s, now).await.map_err(Problem::internal)?.has_paypal_webhook() {
                continue;
            }
            let ask = |providers: Arc<payments::PaymentProviders>| async move {
                providers.verify_paypal_event(body, signature, now).await
            };
            match self.payments.call(now, ask).await.map_err(Problem::internal)? {
                Verification::Verified => return Ok(()),
                Verification::Invalid => {}
                Verification::Unknown => {
                    return Err(Problem::internal("PayPal does not say whether it signed the event"));
                }
            }
        }
        if self.payments.knows(claim).await.map_err(store_problem)? {
            tracing::error!(
                "PayPal does not confirm an event about a known payment: compare paypal_webhook_id with the webhook"
            );
            metric(Metric::RefusedWebhooks, 1, &["paypal"]);
        }
        Err(Problem::invalid("paypal-transmission-sig", "is not a signature of PayPal for this webhook"))
    }

    async fn apply(&self, events: Result<Vec<WebhookEvent>, WebhookError>, now: Timestamp) -> Result<(), ApplyError> {
        for event in events? {
            self.payments.apply_message(PaymentProvider::Paypal, &event, now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("paypal-webhook"));
    }
}
