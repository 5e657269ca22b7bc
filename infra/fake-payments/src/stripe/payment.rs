//! One checkout session and all that came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// German value added tax, in percent; it comes on top of the price.
const TAX_PERCENT: i64 = 19;

/// A checkout session with its payment. Times are seconds since 1970, as Stripe writes them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payment {
    /// The id of the session.
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) purchase: Purchase,
    pub(crate) status: Status,
    /// The last attempt to pay; a refused one may be followed by another.
    pub(crate) attempt: Option<Attempt>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
}

/// What the session was created with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Purchase {
    pub(crate) name: String,
    pub(crate) currency: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    pub(crate) automatic_tax: bool,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// The metadata of the payment intent, which its charge copies.
    pub(crate) payment_metadata: BTreeMap<String, String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

/// A payment intent and its charge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) intent: String,
    pub(crate) charge: String,
    pub(crate) created: i64,
    pub(crate) method: Method,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) result: Outcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// A card, of which no more is kept than what a charge shows.
    Card { fingerprint: String, last4: String },
    /// A direct debit, whose money comes days later.
    Debit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Succeeded,
    Pending,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) status: RefundStatus,
}

/// <https://docs.stripe.com/api/refunds/object#refund_object-status>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Canceled,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) status: DisputeStatus,
    /// The money that went out and came back, in this order.
    pub(crate) movements: Vec<Movement>,
}

/// Money that left the balance (a negative amount) or came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Movement {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
}

/// <https://docs.stripe.com/api/disputes/object#dispute_object-status>. A warning is an inquiry: no money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DisputeStatus {
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl Purchase {
    pub(crate) fn subtotal(&self) -> i64 {
        self.unit_amount.saturating_mul(self.quantity)
    }

    /// Half a unit is rounded up.
    pub(crate) fn tax(&self) -> i64 {
        if self.automatic_tax { self.subtotal().saturating_mul(TAX_PERCENT).saturating_add(50) / 100 } else { 0 }
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal().saturating_add(self.tax())
    }
}

impl Payment {
    pub(crate) fn paid(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.result == Outcome::Succeeded)
    }

    /// Whether it should have expired by `now`, in seconds since 1970.
    pub(crate) fn overdue(&self, now: i64) -> bool {
        self.status == Status::Open && now >= self.expires_at
    }

    /// What went back to the buyer, or is on its way.
    pub(crate) fn refunded(&self) -> i64 {
        let standing = |refund: &&Refund| matches!(refund.status, RefundStatus::Pending | RefundStatus::Succeeded);
        self.refunds.iter().filter(standing).map(|refund| refund.amount).sum()
    }

    /// One word for the list.
    pub(crate) fn state(&self) -> &'static str {
        match (self.status, self.attempt.as_ref().map(|attempt| attempt.result)) {
            (Status::Expired, _) => "expired",
            (Status::Open, None) => "open",
            (Status::Open, Some(_)) => "refused",
            (Status::Complete, Some(Outcome::Failed)) => "failed",
            (Status::Complete, Some(Outcome::Succeeded)) => "paid",
            (Status::Complete, _) => "unpaid",
        }
    }
}

impl Dispute {
    pub(crate) fn closed(&self) -> bool {
        matches!(self.status, DisputeStatus::WarningClosed | DisputeStatus::Won | DisputeStatus::Lost)
    }

    pub(crate) fn inquiry(&self) -> bool {
        use DisputeStatus::{WarningClosed, WarningNeedsResponse, WarningUnderReview};
        matches!(self.status, WarningNeedsResponse | WarningUnderReview | WarningClosed)
    }

    /// What the balance lacks because of it: zero or less.
    pub(crate) fn balance(&self) -> i64 {
        self.movements.iter().map(|movement| movement.amount).sum()
    }
}
