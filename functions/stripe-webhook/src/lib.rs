//! `POST /v1/webhooks/stripe`: what Stripe says.
//!
//! The signature is checked over the raw body before anything else is looked at. An event about a checkout makes us ask
//! Stripe and fulfil what is paid; one about a refund, a dispute or a warning of fraud is taken at its word. Nothing of an
//! event is kept but what a payment has fields for.
//!
//! No event is remembered: a payment grants once whatever is said how often, so an event that failed half way is done by
//! its repeat. What we cannot do now is answered with 5xx, so that Stripe sends it again
//! (<https://docs.stripe.com/webhooks#retries>).

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, routing::post};
use domain::{
    PaymentId,
    payments::payment::{PaymentProvider, PaymentReference, UnclaimedPayment},
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lifecycle::payments::{KEYS_S, PaymentError, PaymentService, ROTATED_KEYS_S};
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

/// The routes.
///
/// # Errors
/// A variable is missing or no good; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let name = environment.required("TABLE")?;
    clients.warm_dynamodb(&name).await;
    let table = Table::new(clients.dynamodb().clone(), name);
    let payments = PaymentService::open(&environment, &clients, table.clone())?;
    let app = Arc::new(App { table, payments });
    Ok(Router::new().route("/v1/webhooks/stripe", post(take)).with_state(app))
}

struct App {
    table: Table,
    payments: PaymentService,
}

async fn take(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Problem> {
    let now = clock::now();
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match app.read(&body, signature, now).await? {
        WebhookEvent::Poll { payment, checkout, paid } => app.ask(payment, paid.then_some(checkout), now).await,
        WebhookEvent::Report(reference, said) => app.payments.apply_event(&reference, &said, now).await.map(drop),
        WebhookEvent::Ignored => Ok(()),
    }
    .or_else(|error| match error {
        // Sent again it would be as wrong.
        error if error.is_mismatch() => {
            tracing::error!(error = %error, "an event is not about the payment that it names");
            metric(Metric::PaymentMismatches, 1, &["stripe"]);
            Ok(())
        }
        error => Err(Problem::internal(error)),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

impl App {
    /// A signature that does not fit may be made with a secret that is newer than ours.
    async fn read(&self, body: &[u8], signature: &str, now: Timestamp) -> Result<WebhookEvent, Problem> {
        for at_most_s in [KEYS_S, ROTATED_KEYS_S] {
            let providers = self.payments.providers(at_most_s, now).await.map_err(Problem::internal)?;
            match providers.read_event(body, signature, now) {
                Err(WebhookError::Forged) => {}
                Err(error) if error.retryable() => return Err(Problem::internal(error)),
                Err(error) => return Err(Problem::invalid("stripe-signature", error.to_string())),
                Ok(notice) => return Ok(notice),
            }
        }
        Err(Problem::invalid("stripe-signature", WebhookError::Forged.to_string()))
    }

    async fn ask(&self, id: PaymentId, paid_as: Option<String>, now: Timestamp) -> Result<(), PaymentError> {
        let reference = PaymentReference::Payment(id);
        let found = match self.table.find_payment(&reference).await? {
            Some((account, id)) => self.table.payment(account, id).await?,
            None => None,
        };
        let fulfilled = match found {
            Some(payment) => self.payments.fulfil(&payment, now).await?,
            None => None,
        };
        match (fulfilled, paid_as) {
            (None, Some(checkout)) => {
                self.payments
                    .record_unclaimed(&UnclaimedPayment::new(id, PaymentProvider::Stripe, checkout, None, now))
                    .await
            }
            _ => Ok(()),
        }
    }
}
