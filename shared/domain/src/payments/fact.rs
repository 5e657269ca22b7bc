//! What is said of a payment, by whichever messenger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    PaymentId,
    money::{Currency, Money},
};

/// Who takes the money.
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
    /// As it is written everywhere.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }
}

/// What a messenger names a payment by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentReference {
    /// Our own id of it.
    Payment(PaymentId),
    /// The provider's id of the transaction that paid it, as [`Receipt::transaction`] has it.
    Transaction(PaymentProvider, String),
}

/// What a provider says about the money that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PaymentReceipt {
    /// Who took it.
    pub provider: PaymentProvider,
    /// What the package cost, without tax.
    pub net: Money,
    /// What the buyer paid, with tax.
    pub total: Money,
    /// The provider's id of the transaction: a payment intent of Stripe, a capture of PayPal.
    pub transaction: String,
    /// Where the provider sent its receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_email: Option<String>,
    /// The buyer's country, as [ISO 3166-1](https://www.iso.org/iso-3166-country-codes.html) writes it in two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// When it was paid.
    pub at: Timestamp,
}

/// How far a refund came. A later one wins: a refund can still fail after it succeeded
/// (<https://docs.stripe.com/refunds#failed-refunds>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// On its way, or there.
    Succeeded,
    /// It failed or was canceled: the money stayed with us.
    Reverted,
}

/// A refund, by the provider's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Refund {
    /// What the buyer got back, in the smallest unit of the payment's currency.
    pub amount: i64,
    /// How far it came.
    pub state: RefundState,
}

/// How a dispute ended. Should both be said, the one in our favour came later: what was lost can be won on appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// For the buyer.
    Lost,
    /// For us, or withdrawn.
    Won,
}

/// What is known of a dispute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Dispute {
    /// What is disputed, in the smallest unit of the payment's currency.
    pub amount: i64,
    /// It is more than an inquiry.
    pub formal: bool,
    /// The provider took the money.
    pub withdrawn: bool,
    /// The provider gave the money back.
    pub reinstated: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

    /// Whether the account waits for its end.
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

/// Something that a provider says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PaymentFact {
    /// The buyer confirmed; the money comes later, or not.
    Pending,
    /// Nobody paid in time.
    Expired,
    /// It will not be paid.
    Failed,
    /// It is paid.
    Paid(PaymentReceipt),
    /// Money went back to the buyer, or came back to us because that failed.
    Refund {
        /// The provider's id of the refund.
        id: String,
        /// How much.
        amount: Money,
        /// How far it came.
        state: RefundState,
    },
    /// The buyer's bank disputes it.
    Dispute {
        /// The provider's id of the dispute.
        id: String,
        /// In which currency its amount is.
        currency: Currency,
        /// What is known of it.
        dispute: Dispute,
    },
    /// PayPal took money back.
    Reversal {
        /// The id of the transaction that took it.
        id: String,
        /// How much.
        amount: Money,
    },
    /// PayPal gave back what a reversal had taken.
    Restoration {
        /// The id of the transaction that gave it.
        id: String,
        /// How much.
        amount: Money,
    },
    /// The card's network warns that this was fraud.
    FraudWarning {
        /// The provider's id of the warning.
        id: String,
    },
    /// The buyer opened a case, or one was adjusted. It moves no money by itself.
    Case {
        /// The provider's id of the case.
        id: String,
    },
}

impl PaymentFact {
    /// The fact without what it says about a person.
    #[must_use]
    pub fn without_person(self) -> Self {
        match self {
            Self::Paid(receipt) => Self::Paid(PaymentReceipt { billing_email: None, ..receipt }),
            other => other,
        }
    }

    /// A name that tells it from every other fact about the same payment, and the same fact from nothing.
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
