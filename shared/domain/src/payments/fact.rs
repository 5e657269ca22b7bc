//! Facts about a payment, as providers report them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::PaymentId,
    money::{Currency, Money},
    registry::DataFields,
};

/// A payment provider.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PaymentProvider {
    /// Stripe Checkout.
    Stripe,
    /// PayPal Orders.
    Paypal,
}

impl PaymentProvider {
    /// Returns the name in keys, routes and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }
}

/// How a provider refers to a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentReference {
    /// By our id of it.
    Payment(PaymentId),
    /// By the provider's id of its transaction, as in [`PaymentReceipt::transaction`].
    Transaction(PaymentProvider, String),
}

/// What a provider reports of the money that it received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct PaymentReceipt {
    /// The provider.
    #[data(plain)]
    pub provider: PaymentProvider,
    /// The price of the package, without tax.
    #[data(nested)]
    pub net: Money,
    /// The amount that the buyer paid, with tax.
    #[data(nested)]
    pub total: Money,
    /// The provider's id of the transaction: a payment intent of Stripe, a capture of PayPal.
    #[data(plain)]
    pub transaction: String,
    /// The address that the provider sent its receipt to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub billing_email: Option<String>,
    /// The buyer's country, as [ISO 3166-1](https://www.iso.org/iso-3166-country-codes.html) writes it in two characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub country: Option<String>,
    /// When it was paid.
    #[data(plain)]
    pub at: Timestamp,
}

/// The state of a refund. A later one wins: a refund can still fail after it succeeded
/// (<https://docs.stripe.com/refunds#failed-refunds>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The money was returned, or is on its way.
    Succeeded,
    /// It failed or was canceled: the money was not returned.
    Reverted,
}

/// A refund, by the provider's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Refund {
    /// The returned amount, in the smallest unit of the currency of the payment.
    #[data(plain)]
    pub amount: i64,
    /// The state.
    #[data(plain)]
    pub state: RefundState,
}

/// The outcome of a dispute. If both are reported, `Won` came later: a lost dispute can be won on appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The buyer won.
    Lost,
    /// The operator won, or the buyer withdrew it.
    Won,
}

/// A dispute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Dispute {
    /// The disputed amount, in the smallest unit of the currency of the payment.
    #[data(plain)]
    pub amount: i64,
    /// Whether it is more than an inquiry.
    #[data(plain)]
    pub formal: bool,
    /// Whether the provider withdrew the money.
    #[data(plain)]
    pub withdrawn: bool,
    /// Whether the provider reinstated the money.
    #[data(plain)]
    pub reinstated: bool,
    /// The outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub outcome: Option<DisputeOutcome>,
}

impl Dispute {
    pub(super) fn join(self, other: Self) -> Self {
        Self {
            amount: self.amount.max(other.amount),
            formal: self.formal || other.formal,
            withdrawn: self.withdrawn || other.withdrawn,
            reinstated: self.reinstated || other.reinstated,
            outcome: self.outcome.max(other.outcome),
        }
    }

    /// Says whether the account is frozen until its end.
    pub(crate) const fn is_open(self) -> bool {
        self.formal && self.outcome.is_none() && !self.reinstated
    }

    pub(super) const fn is_lost(self) -> bool {
        matches!(self.outcome, Some(DisputeOutcome::Lost)) && !self.reinstated
    }

    pub(super) const fn takes(self) -> i64 {
        let kept = self.reinstated || matches!(self.outcome, Some(DisputeOutcome::Won));
        if !kept && (self.withdrawn || self.is_lost()) { self.amount } else { 0 }
    }
}

/// A fact about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PaymentFact {
    /// The buyer confirmed, with a method that pays later.
    Pending,
    /// It was not paid in time.
    Expired,
    /// It will not be paid.
    Failed,
    /// It was paid.
    #[data(skip)]
    Paid(PaymentReceipt),
    /// Money was refunded, or a refund failed.
    Refund {
        /// The provider's id of the refund.
        #[data(plain)]
        id: String,
        /// The amount.
        #[data(nested)]
        amount: Money,
        /// The state.
        #[data(plain)]
        state: RefundState,
    },
    /// The buyer disputes it.
    Dispute {
        /// The provider's id of the dispute.
        #[data(plain)]
        id: String,
        /// The currency of the disputed amount.
        #[data(plain)]
        currency: Currency,
        /// The dispute.
        #[data(nested)]
        dispute: Dispute,
    },
    /// PayPal reversed it.
    Reversal {
        /// PayPal's id of the transaction.
        #[data(plain)]
        id: String,
        /// The amount.
        #[data(nested)]
        amount: Money,
    },
    /// PayPal canceled a reversal.
    Restoration {
        /// PayPal's id of the transaction.
        #[data(plain)]
        id: String,
        /// The amount.
        #[data(nested)]
        amount: Money,
    },
    /// The card network warns of fraud.
    FraudWarning {
        /// The provider's id of the warning.
        #[data(plain)]
        id: String,
    },
    /// The buyer opened a case, or one was adjusted. It moves no money by itself.
    Case {
        /// The provider's id of the case.
        #[data(plain)]
        id: String,
    },
}

impl PaymentFact {
    /// Returns the fact without personal data.
    #[must_use]
    pub fn without_person(self) -> Self {
        match self {
            Self::Paid(receipt) => Self::Paid(PaymentReceipt { billing_email: None, ..receipt }),
            other => other,
        }
    }

    /// Returns a name that is unique among the facts about one payment. Equal facts have the same name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Pending => "pending".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Paid(receipt) => format!("paid-{}", receipt.transaction),
            Self::Refund { id, state: RefundState::Succeeded, .. } => format!("refund-{id}-made"),
            Self::Refund { id, state: RefundState::Reverted, .. } => format!("refund-{id}-undone"),
            Self::Dispute { id, dispute, .. } => {
                let Dispute { formal, withdrawn, reinstated, outcome, .. } = dispute;
                let [formal, withdrawn, reinstated] = [formal, withdrawn, reinstated].map(|flag| u8::from(*flag));
                let outcome = match outcome {
                    None => "open",
                    Some(DisputeOutcome::Lost) => "lost",
                    Some(DisputeOutcome::Won) => "won",
                };
                format!("dispute-{id}-{formal}{withdrawn}{reinstated}-{outcome}")
            }
            Self::Reversal { id, .. } => format!("reversal-{id}"),
            Self::Restoration { id, .. } => format!("restoration-{id}"),
            Self::FraudWarning { id } => format!("warning-{id}"),
            Self::Case { id } => format!("case-{id}"),
        }
    }
}
