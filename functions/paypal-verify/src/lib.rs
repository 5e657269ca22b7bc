//! The queue of PayPal's notifications: ask PayPal whether it said so, then take it at its word.
//!
//! What is no message, or one that concerns nobody here, is let go: only what would count costs PayPal a question. It is
//! asked with the same bytes, and answers that it did, that it did not, or nothing that can be understood; then the message
//! comes back and is tried again, and nothing is credited meanwhile. What nobody could verify, time after time, ends among
//! the dead letters, which raise an alarm, and waits there for a redrive: four days at most, as the payer's name and address
//! are in it. What PayPal did say is still held against our own order: receiver, order, amount, currency. A repeat changes
//! nothing.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use lifecycle::payments::{KEYS_S, PaymentError, PaymentService};
use payments::{Verification, WebhookEvent};
use runtime::{
    Error,
    clients::Clients,
    clock, events, sqs,
    telemetry::{Metric, metric},
};
use serde_json::Value;
use store::{IpnNotification, Table};

/// Why a notification was not dealt with. It comes back.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error("PayPal could not say whether it said so")]
    Unknown,
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Arc::new(Clients::new(&environment)?);
        let table = Table::new(clients.dynamodb().clone(), environment.required("TABLE")?);
        let payments = Arc::new(PaymentService::open(&environment, &clients, table)?);
        Ok(move |event: LambdaEvent<Value>| {
            let payments = payments.clone();
            async move {
                let handle =
                    async |record: sqs::Record<IpnNotification>| verify(&payments, &record.body, clock::now()).await;
                Ok(sqs::handle_batch(event, handle).await?)
            }
        })
    })
    .await
}

async fn verify(payments: &PaymentService, notification: &IpnNotification, now: Timestamp) -> Result<(), VerifyError> {
    let Ok(raw) = STANDARD.decode(&notification.raw) else {
        tracing::error!("a notification is not base64: it was not queued by paypal-ipn");
        return Ok(());
    };
    let providers = payments.providers(KEYS_S, now).await?;
    let read = match providers.read_ipn(&raw) {
        Ok(WebhookEvent::Report(reference, said)) => Ok((reference, said)),
        Ok(WebhookEvent::Poll { .. } | WebhookEvent::Ignored) => return Ok(()),
        Err(error) if error.is_junk() => {
            tracing::warn!(error = %error, "what came in PayPal's name is not a message");
            return Ok(());
        }
        // Whether a person must look depends on who sent it.
        Err(error) => Err(error),
    };
    match providers.verify_ipn(&raw).await.map_err(PaymentError::from)? {
        Verification::Verified => {}
        Verification::Invalid => {
            tracing::warn!("PayPal did not send a notification that came in its name");
            return Ok(());
        }
        Verification::Unknown => return Err(VerifyError::Unknown),
    }
    match read {
        Ok((reference, said)) => match payments.apply_event(&reference, &said, now).await {
            Err(error) if error.is_mismatch() => mismatch(&error),
            heard => drop(heard?),
        },
        Err(error) => mismatch(&error),
    }
    Ok(())
}

/// It would be as wrong another time, so it is not tried again: a person must look.
fn mismatch(error: &dyn std::error::Error) {
    tracing::error!(error = %error, "PayPal said something that cannot be about our orders");
    metric(Metric::PaymentMismatches, 1, &["paypal"]);
}
