//! The events of Stripe that are handled: <https://docs.stripe.com/api/events/types>.
//!
//! Of an event only what a fact needs is read. An account may be shared with other sellers; what is not about a checkout of
//! ours is nothing to us.

use domain::{
    money::{Currency, Money},
    payments::payment::{Dispute, DisputeOutcome, PaymentFact, PaymentProvider, PaymentReference, RefundState},
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::signature;
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

/// Why an event is not believed, or not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Stripe is off.
    #[error("an event for Stripe, which is off here: turn it on, or remove the webhook endpoint in Stripe")]
    NotConfigured,
    /// No signature, or not one of Stripe's kind.
    #[error("the event has no signature")]
    Unsigned,
    /// None of the secrets signed this body.
    #[error("the event is not signed with any of the webhook secrets")]
    Forged,
    /// It was signed long ago, or in the future.
    #[error("the event was not signed just now")]
    Stale,
    /// Test money where real money is taken, or the other way round.
    #[error("the event is about the other kind of money, test or live")]
    Mode,
    /// Signed, but not as documented.
    #[error("the event is signed, but its {0} is not as documented")]
    Unreadable(&'static str),
}

impl WebhookError {
    /// Whether Stripe should send the event again (answer 5xx) or is to blame for it (answer 400).
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Self::NotConfigured | Self::Unreadable(_) => true,
            Self::Unsigned | Self::Forged | Self::Stale | Self::Mode => false,
        }
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    livemode: bool,
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

#[derive(Deserialize)]
struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: RefundStatus,
    payment_intent: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

#[derive(Deserialize)]
struct Disputed {
    id: String,
    amount: i64,
    currency: String,
    status: DisputeStatus,
    payment_intent: Option<String>,
}

/// <https://docs.stripe.com/api/disputes/object#dispute_object-status>
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DisputeStatus {
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    /// Settled before it became one.
    Prevented,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

#[derive(Deserialize)]
struct Warning {
    id: String,
    payment_intent: Option<String>,
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
    let head: Head = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("type"))?;
    if head.livemode != live {
        return Err(WebhookError::Mode);
    }
    match head.kind.as_str() {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
            object::<Session>(body)?.question()
        }
        "checkout.session.async_payment_failed" => Ok(object::<Session>(body)?.about(PaymentFact::Failed)),
        "checkout.session.expired" => Ok(object::<Session>(body)?.about(PaymentFact::Expired)),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            object::<Refund>(body)?.notice()
        }
        "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
            object::<Disputed>(body)?.notice(Dispute::default())
        }
        "charge.dispute.funds_withdrawn" => {
            object::<Disputed>(body)?.notice(Dispute { withdrawn: true, ..Dispute::default() })
        }
        "charge.dispute.funds_reinstated" => {
            object::<Disputed>(body)?.notice(Dispute { reinstated: true, ..Dispute::default() })
        }
        "radar.early_fraud_warning.created" => {
            let Warning { id, payment_intent } = object(body)?;
            about(payment_intent, PaymentFact::FraudWarning { id: own_id(&id)? })
        }
        _ => Ok(WebhookEvent::Ignored),
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

impl Refund {
    fn notice(self) -> Result<WebhookEvent, WebhookError> {
        let Ok(currency) = self.currency.parse::<Currency>() else { return Ok(WebhookEvent::Ignored) };
        let state = match self.status {
            RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Succeeded => RefundState::Succeeded,
            RefundStatus::Failed | RefundStatus::Canceled => RefundState::Reverted,
        };
        let amount = Money::new(self.amount, currency);
        about(self.payment_intent, PaymentFact::Refund { id: own_id(&self.id)?, amount, state })
    }
}

impl Disputed {
    /// `moved` is what the event itself says about the money.
    fn notice(self, moved: Dispute) -> Result<WebhookEvent, WebhookError> {
        let Ok(currency) = self.currency.parse::<Currency>() else { return Ok(WebhookEvent::Ignored) };
        use DisputeStatus as Is;
        let (formal, outcome) = match self.status {
            Is::WarningNeedsResponse | Is::WarningUnderReview | Is::WarningClosed | Is::Prevented => (false, None),
            Is::NeedsResponse | Is::UnderReview => (true, None),
            Is::Won => (true, Some(DisputeOutcome::Won)),
            Is::Lost => (true, Some(DisputeOutcome::Lost)),
        };
        let dispute = Dispute {
            amount: self.amount,
            formal,
            withdrawn: moved.withdrawn || self.status == Is::Lost,
            reinstated: moved.reinstated || self.status == Is::Won,
            outcome,
        };
        about(self.payment_intent, PaymentFact::Dispute { id: own_id(&self.id)?, currency, dispute })
    }
}

fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, WebhookError> {
    let event: Event<T> = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("object"))?;
    Ok(event.data.object)
}

/// Every checkout is paid through a payment intent, so what has none is not ours.
fn about(payment_intent: Option<String>, fact: PaymentFact) -> Result<WebhookEvent, WebhookError> {
    let Some(intent) = payment_intent else { return Ok(WebhookEvent::Ignored) };
    Ok(WebhookEvent::Report(PaymentReference::Transaction(PaymentProvider::Stripe, own_id(&intent)?), fact.into()))
}

fn own_id(text: &str) -> Result<String, WebhookError> {
    kept::stripe_id(text).ok_or(WebhookError::Unreadable("id"))
}
