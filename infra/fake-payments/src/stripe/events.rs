//! Stripe's events.

use serde_json::Value;

/// All event types that the fake can send.
pub(crate) const EVENT_TYPES: [&str; 15] = [
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// A change of an object.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) event_type: &'static str,
    pub(crate) object: Value,
    /// The changed fields with their values before the change.
    pub(crate) previous: Option<Value>,
}

impl Event {
    pub(crate) fn new(event_type: &'static str, object: Value) -> Self {
        Self { event_type, object, previous: None }
    }

    pub(crate) fn with_previous(self, previous: Value) -> Self {
        Self { previous: Some(previous), ..self }
    }
}
