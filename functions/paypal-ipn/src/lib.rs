//! Receives instant payment notifications, and queues them for verification.
//!
//! The body is queued unchanged, and the response is an empty 200, which is all that PayPal expects
//! ([IPN](https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/)). `paypal-verify` asks PayPal whether the
//! notification is genuine. If it cannot be queued the response is 5xx, and PayPal sends it again for up to four days. A
//! repeat is queued again and has no further effect.
//!
//! A body with what looks like a card number is not stored. PayPal never sends one, but a buyer may have typed one into a text
//! field, so an alarm is raised.

use api::{Routes, payments::webhooks::PAYPAL};
use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use runtime::{
    Error,
    clients::Clients,
    config::Environment,
    http::Problem,
    telemetry::{Metric, metric},
};
use store::{IpnNotification, Queue};

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Clients::new(&environment)?;
    let queue = Queue::new(clients.sqs().clone(), environment.required("NOTIFICATION_QUEUE_URL")?);
    Ok(routes().into_router().with_state(queue))
}

fn routes() -> Routes<Queue> {
    Routes::new().operation(&PAYPAL, receive)
}

async fn receive(State(queue): State<Queue>, body: Result<Bytes, BytesRejection>) -> Result<StatusCode, Problem> {
    let body = body.map_err(|_| Problem::body_too_large())?;
    if body.is_empty() {
        return Err(Problem::invalid("body", "must not be empty"));
    }
    if payments::ipn_has_card_number(&body) {
        tracing::error!("notification with a possible card number was dropped, see it in the PayPal account");
        metric(Metric::PaymentMismatches, 1, &["paypal"]);
        return Ok(StatusCode::OK);
    }
    let notification = IpnNotification { raw: STANDARD.encode(&body) };
    queue.send(&notification, 0).await.map_err(Problem::internal)?;
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("paypal-ipn"));
    }
}
