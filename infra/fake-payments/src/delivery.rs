//! Webhook deliveries: what was sent, to which attempts, with which result.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    Stripe,
    Paypal,
}

/// One webhook message. The body never changes; a Stripe event gets a new signature with each attempt, as at Stripe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Counts from 1.
    pub(crate) id: usize,
    pub(crate) provider: Provider,
    /// The id of the Stripe session or PayPal order that it is about.
    pub(crate) object_id: String,
    /// The type of an event; the `payment_status` or `txn_type` of a PayPal notification.
    pub(crate) event_type: String,
    pub(crate) body: String,
    #[serde(flatten)]
    pub(crate) status: DeliveryStatus,
    pub(crate) attempts: Vec<DeliveryAttempt>,
    /// How many postbacks or verifications asked PayPal whether it sent this message.
    #[serde(default)]
    pub(crate) postbacks: u32,
    /// Of an event of PayPal. Other messages of PayPal are notifications.
    #[serde(default)]
    pub(crate) transmission: Option<Transmission>,
}

/// The transmission of an event of PayPal: the same for each attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transmission {
    pub(crate) id: String,
    pub(crate) time: String,
    /// PayPal's is made with RSA. Only PayPal itself is asked about this one.
    pub(crate) signature: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum DeliveryStatus {
    /// Is sent as soon as the webhook's address is known, lower sequence numbers first.
    Due { sequence: u64 },
    /// Waits for a release.
    Held,
    /// Was answered with 2xx.
    Delivered,
    /// No attempt was answered with 2xx.
    Failed,
    /// Was discarded by a control request before it was sent.
    Dropped,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryAttempt {
    pub(crate) at: Timestamp,
    /// `None` if no response arrived.
    pub(crate) status: Option<u16>,
}

impl DeliveryStatus {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Due { .. } => "due",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}
