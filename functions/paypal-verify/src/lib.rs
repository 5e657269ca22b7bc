//! Verifies queued notifications of PayPal, and applies them.
//!
//! Only a notification that would count costs a question to PayPal: a malformed one, or one about something else, is dropped. PayPal is
//! asked with the same bytes. It answers `VERIFIED`, `INVALID`, or nothing that can be understood. Unless it is verified, a
//! notification about a known payment is tried again; nothing is credited meanwhile. `INVALID` counts as no answer there, as PayPal has
//! said so of genuine notifications; it is measured. A notification that was not verified in the end moves to the dead-letter queue,
//! which raises an alarm. It waits there for a redrive, four days at most, as it contains the payer's name and address. One about
//! an unknown payment is dropped if PayPal did not send it, or if there are no keys of PayPal.
//!
//! A verified notification must still match our own order: receiver, order, amount, currency. A repeat changes nothing, and once a
//! notification is applied, `paypal-ipn` recognises its repeats.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::payments::payment::PaymentProvider;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use lifecycle::payments::{KEYS_S, PaymentError, PaymentService, ROTATED_KEYS_S};
use payments::{IpnError, Verification, WebhookEvent};
use runtime::{
    Error,
    clients::Clients,
    clock, events, sqs,
    telemetry::{Metric, metric},
};
use serde_json::Value;
use store::{IpnNotification, Table};

/// Why a notification was not applied. It is tried again.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error("PayPal does not answer whether it sent the notification")]
    Unknown,
    #[error("PayPal answers that it did not send a notification about a known payment")]
    Invalid,
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

/// Handles events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Arc::new(Clients::new(&environment)?);
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        let service = Arc::new(PaymentService::open(&environment, &clients, table)?);
        Ok(move |event: LambdaEvent<Value>| {
            let service = service.clone();
            async move {
                let handle =
                    async |record: sqs::Record<IpnNotification>| verify(&service, &record.body, clock::now()).await;
                Ok(sqs::handle_batch(event, handle).await?)
            }
        })
    })
    .await
}

async fn verify(service: &PaymentService, notification: &IpnNotification, now: Timestamp) -> Result<(), VerifyError> {
    let Ok(raw) = STANDARD.decode(&notification.raw) else {
        tracing::error!("notification is not base64: it was not queued by paypal-ipn");
        return Ok(());
    };
    let Ok(claim) = payments::ipn_claim(&raw) else {
        tracing::error!("body is not a notification: it was not queued by paypal-ipn");
        return Ok(());
    };
    let mut providers = service.providers(KEYS_S, now).await?;
    let mut read = providers.read_ipn(&raw);
    if matches!(read, Err(IpnError::NotConfigured)) {
        // PayPal may have been turned on since.
        providers = service.providers(ROTATED_KEYS_S, now).await?;
        read = providers.read_ipn(&raw);
    }
    let read = match read {
        Ok(WebhookEvent::Poll { .. } | WebhookEvent::Ignored) => return Ok(()),
        Err(IpnError::NotConfigured) if !service.knows(&claim).await? => {
            tracing::warn!("notification about an unknown payment was dropped, as there are no keys of PayPal");
            return Ok(());
        }
        // Whether staff must look depends on whether PayPal sent it.
        read => read,
    };
    match providers.verify_ipn(&raw).await.map_err(PaymentError::from)? {
        Verification::Verified => {}
        Verification::Invalid if service.knows(&claim).await? => {
            metric(Metric::RefusedWebhooks, 1, &["paypal"]);
            return Err(VerifyError::Invalid);
        }
        Verification::Invalid => {
            tracing::warn!("PayPal did not send a notification about an unknown payment");
            return Ok(());
        }
        Verification::Unknown => return Err(VerifyError::Unknown),
    }
    let applied = match read {
        Ok(event) => service.apply_message(PaymentProvider::Paypal, &event, now).await,
        Err(error) => {
            mismatch(&error);
            Ok(())
        }
    };
    match applied {
        Err(error) if error.is_mismatch() => mismatch(&error),
        applied => applied?,
    }
    Ok(service.remember_ipn(&raw, now).await?)
}

/// Raises the alarm. A repeat would not help: staff must look.
fn mismatch(error: &dyn std::error::Error) {
    tracing::error!(error = %error, "verified notification cannot be about our orders");
    metric(Metric::PaymentMismatches, 1, &["paypal"]);
}
