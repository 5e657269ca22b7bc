//! `POST /v1/webhooks/paypal`: what somebody says who may be PayPal.
//!
//! The bytes are queued as they came, before anything is made of them, and then the answer is an empty 200, which is all
//! that PayPal wants ([IPN](https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/)). Whether PayPal said it is
//! found out behind the queue. If they cannot be queued the answer is 5xx, and PayPal sends them again for four days. A
//! repeat is queued again and changes nothing in the end.
//!
//! A body that carries what looks like a card number is not kept: PayPal never sends one. As a buyer may have written it into
//! a text of theirs, an alarm is raised.

use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use payments::cards;
use runtime::{
    Error,
    clients::Clients,
    config::Environment,
    http::Problem,
    telemetry::{Metric, metric},
};
use store::{IpnNotification, Queue};

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Clients::new(&environment)?;
    let queue = Queue::new(clients.sqs().clone(), environment.required("NOTIFICATION_QUEUE_URL")?);
    Ok(Router::new().route("/v1/webhooks/paypal", post(keep)).with_state(queue))
}

async fn keep(State(queue): State<Queue>, body: Result<Bytes, BytesRejection>) -> Result<StatusCode, Problem> {
    let body =
        body.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"))?;
    if body.is_empty() {
        return Err(Problem::invalid("body", "must not be empty"));
    }
    if cards::any_in_form(&body) {
        tracing::error!(
            "a notification carried what looks like a card number and was not kept: look what PayPal has to say"
        );
        metric(Metric::PaymentMismatches, 1, &["paypal"]);
        return Ok(StatusCode::OK);
    }
    let notification = IpnNotification { raw: STANDARD.encode(&body) };
    queue.send(&notification, 0).await.map_err(Problem::internal)?;
    Ok(StatusCode::OK)
}
