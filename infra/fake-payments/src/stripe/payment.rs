//! A checkout session with its payment, refunds and disputes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// German value added tax, in percent.
const TAX_PERCENT: i64 = 19;

/// A checkout session with its payment. Times are Unix seconds, as at Stripe. Amounts are minor units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payment {
    /// The id of the session.
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) params: SessionParams,
    pub(crate) status: Status,
    /// The last attempt to pay. A declined attempt may be followed by another.
    pub(crate) attempt: Option<PaymentAttempt>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
}

/// The parameters that the session was created with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionParams {
    pub(crate) name: String,
    pub(crate) currency: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    /// How tax relates to the price, if it is computed.
    pub(crate) tax: Option<TaxBehavior>,
    pub(crate) makes_invoice: bool,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// The metadata of the payment intent and its charge.
    pub(crate) payment_metadata: BTreeMap<String, String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
}

/// <https://docs.stripe.com/api/prices/object#price_object-tax_behavior>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxBehavior {
    Exclusive,
    Inclusive,
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
pub(crate) struct PaymentAttempt {
    pub(crate) intent: String,
    pub(crate) charge: String,
    pub(crate) created: i64,
    pub(crate) method: Method,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) outcome: PaymentOutcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// A card. The number is not kept.
    Card { fingerprint: String, last4: String },
    /// A SEPA direct debit, which succeeds or fails days after the session completed.
    Debit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentOutcome {
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
    /// The length of the merchant's text, at most 150,000 in all of the evidence.
    #[serde(default)]
    pub(crate) evidence_characters: usize,
    /// The withdrawals and reinstatements, oldest first.
    pub(crate) balance_transactions: Vec<BalanceTransaction>,
}

/// A change of the merchant's balance. A withdrawal is negative.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BalanceTransaction {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
}

/// <https://docs.stripe.com/api/disputes/object#dispute_object-status>. The `Warning*` statuses are
/// those of an inquiry, which moves no money.
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
    /// A decided dispute goes on: <https://docs.stripe.com/changelog> of 2026-10-28.
    AppealNeedsResponse,
    AppealUnderReview,
}

impl SessionParams {
    pub(crate) fn subtotal(&self) -> i64 {
        self.unit_amount.saturating_mul(self.quantity)
    }

    /// Returns the tax, rounded half up.
    pub(crate) fn tax(&self) -> i64 {
        let of_percent = |whole| {
            let doubled = self.subtotal().saturating_mul(2 * TAX_PERCENT).saturating_add(whole);
            doubled / (2 * whole)
        };
        match self.tax {
            None => 0,
            Some(TaxBehavior::Exclusive) => of_percent(100),
            Some(TaxBehavior::Inclusive) => of_percent(100 + TAX_PERCENT),
        }
    }

    /// Returns what the buyer pays. A price with the tax in it is subtotal and total.
    pub(crate) fn total(&self) -> i64 {
        match self.tax {
            Some(TaxBehavior::Exclusive) => self.subtotal().saturating_add(self.tax()),
            _ => self.subtotal(),
        }
    }
}

impl Payment {
    pub(crate) fn is_paid(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.outcome == PaymentOutcome::Succeeded)
    }

    /// Returns whether the session is open but expires at or before `now`, in Unix seconds.
    pub(crate) fn is_overdue(&self, now: i64) -> bool {
        self.status == Status::Open && now >= self.expires_at
    }

    /// Returns the sum of the succeeded and pending refunds.
    pub(crate) fn refunded(&self) -> i64 {
        let is_active = |refund: &&Refund| matches!(refund.status, RefundStatus::Pending | RefundStatus::Succeeded);
        self.refunds.iter().filter(is_active).map(|refund| refund.amount).sum()
    }

    /// Returns the status that the dashboard shows.
    pub(crate) fn label(&self) -> &'static str {
        match (self.status, self.attempt.as_ref().map(|attempt| attempt.outcome)) {
            (Status::Expired, _) => "expired",
            (Status::Open, None) => "open",
            (Status::Open, Some(_)) => "declined",
            (Status::Complete, Some(PaymentOutcome::Failed)) => "failed",
            (Status::Complete, Some(PaymentOutcome::Succeeded)) => "paid",
            (Status::Complete, _) => "unpaid",
        }
    }
}

impl Dispute {
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.status, DisputeStatus::WarningClosed | DisputeStatus::Won | DisputeStatus::Lost)
    }

    pub(crate) fn is_inquiry(&self) -> bool {
        use DisputeStatus::{WarningClosed, WarningNeedsResponse, WarningUnderReview};
        matches!(self.status, WarningNeedsResponse | WarningUnderReview | WarningClosed)
    }

    /// Returns the sum of the balance transactions, which is 0 or negative.
    pub(crate) fn net_balance(&self) -> i64 {
        self.balance_transactions.iter().map(|transaction| transaction.amount).sum()
    }
}
