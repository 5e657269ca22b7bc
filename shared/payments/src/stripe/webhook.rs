//! The events of Stripe that are handled: <https://docs.stripe.com/api/events/types>.
//!
//! Of an event only what a fact needs is read. An account may be shared with other sellers; what is not about a checkout of
//! ours is nothing to us.

use domain::payments::payment::{PaymentFact, PaymentReference};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    error::WebhookError,
    objects::{Disputed, Refund, Warning},
    signature,
};
use crate::{WebhookEvent, kept};

/// The events that are handled. `charge.refunded` is not among them, as it has the sum of a charge's refunds and not which
/// one was new: `refund.*` has each by its id.
pub const HANDLED_EVENTS: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
];

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    livemode: Option<bool>,
}

#[derive(Deserialize)]
struct Event<T> {
    data: Data<T>,
}

#[derive(Deserialize)]
struct Data<T> {
    object: T,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    client_reference_id: Option<String>,
    #[serde(default)]
    payment_status: String,
}

/// Checks who sent the event and when, and reads it.
pub(crate) fn read(
    body: &[u8],
    header: &str,
    secrets: &[String],
    live: bool,
    now: Timestamp,
) -> Result<WebhookEvent, WebhookError> {
    signature::check(body, header, secrets, now)?;
    read_trusted(body, live)
}

/// Reads an event that is known to be Stripe's.
pub(super) fn read_trusted(body: &[u8], live: bool) -> Result<WebhookEvent, WebhookError> {
    let head: Head = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("type"))?;
    // Thin events say it nowhere, and none of them is handled.
    if head.livemode.is_some_and(|is_live| is_live != live) {
        return Err(WebhookError::Mode);
    }
    if !HANDLED_EVENTS.contains(&head.kind.as_str()) {
        return Ok(WebhookEvent::Ignored);
    }
    if head.livemode.is_none() {
        return Err(WebhookError::Unreadable("livemode"));
    }
    match head.kind.as_str() {
        "checkout.session.async_payment_failed" => Ok(object::<Session>(body)?.about(PaymentFact::Failed)),
        "checkout.session.expired" => Ok(object::<Session>(body)?.about(PaymentFact::Expired)),
        kind if kind.starts_with("checkout.session.") => object::<Session>(body)?.question(),
        kind if kind.starts_with("charge.dispute.") => {
            object::<Disputed>(body)?.event(kind == "charge.dispute.funds_withdrawn")
        }
        "radar.early_fraud_warning.created" => object::<Warning>(body)?.event(),
        _ => object::<Refund>(body)?.event(),
    }
}

impl Session {
    fn ours(&self) -> Option<domain::PaymentId> {
        self.client_reference_id.as_deref().and_then(kept::payment_id)
    }

    fn question(&self) -> Result<WebhookEvent, WebhookError> {
        let Some(payment) = self.ours() else { return Ok(WebhookEvent::Ignored) };
        let checkout = kept::stripe_id(&self.id).ok_or(WebhookError::Unreadable("id"))?;
        Ok(WebhookEvent::Poll { payment, checkout, paid: self.payment_status == "paid" })
    }

    fn about(&self, fact: PaymentFact) -> WebhookEvent {
        self.ours().map_or(WebhookEvent::Ignored, |payment| {
            WebhookEvent::Report(PaymentReference::Payment(payment), fact.into())
        })
    }
}

fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, WebhookError> {
    let event: Event<T> = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("object"))?;
    Ok(event.data.object)
}
