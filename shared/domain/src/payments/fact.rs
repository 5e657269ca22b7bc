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
    /// The amount without tax.
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

/// A refund that staff asked the provider for and that it has not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct RequestedRefund {
    /// The amount, in the smallest unit of the currency of the payment.
    #[data(plain)]
    pub amount: i64,
    /// When it was asked for.
    #[data(plain)]
    pub at: Timestamp,
    /// Whether the provider declined it.
    #[data(plain)]
    pub declined: bool,
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
    /// What the provider withdrew for it by now, in the smallest unit of the currency of the operator's balance, which may
    /// be another than that of the payment. Only its ratio to `money_reinstated` counts.
    #[serde(default)]
    #[data(plain)]
    pub money_withdrawn: i64,
    /// What the provider reinstated of it by now, in the same unit. A lost dispute can be reinstated in part, after a partial
    /// refund.
    #[serde(default)]
    #[data(plain)]
    pub money_reinstated: i64,
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
            money_withdrawn: self.money_withdrawn.max(other.money_withdrawn),
            money_reinstated: self.money_reinstated.max(other.money_reinstated),
            outcome: self.outcome.max(other.outcome),
        }
    }

    /// Says whether the account is frozen until its end.
    pub(crate) const fn is_open(self) -> bool {
        let is_reinstated = self.money_withdrawn > 0 && self.money_reinstated >= self.money_withdrawn;
        self.formal && self.outcome.is_none() && !is_reinstated
    }

    /// Says whether the buyer won. Money that was reinstated does not change that.
    pub(super) const fn is_lost(self) -> bool {
        matches!(self.outcome, Some(DisputeOutcome::Lost))
    }

    /// Returns how much of the payment it returned to the buyer, in the smallest unit of the currency of the payment, rounded
    /// down: the share of the withdrawn money that was not reinstated. A lost dispute takes its amount, even if the withdrawal
    /// was not reported.
    pub(super) fn takes(self) -> i64 {
        match (self.outcome, self.money_withdrawn) {
            (Some(DisputeOutcome::Won), _) | (None, ..=0) => 0,
            (Some(DisputeOutcome::Lost), ..=0) => self.amount,
            (_, withdrawn) => {
                let kept = withdrawn.saturating_sub(self.money_reinstated).clamp(0, withdrawn);
                let taken = i128::from(self.amount) * i128::from(kept) / i128::from(withdrawn);
                i64::try_from(taken).unwrap_or(self.amount)
            }
        }
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
    /// Until when the operator can respond to a dispute or a case.
    RespondBy {
        /// The provider's id of the dispute or case.
        #[data(plain)]
        id: String,
        /// Until when. A later time replaces an earlier one.
        #[data(plain)]
        at: Timestamp,
    },
}

/// A fact that contradicts the payment. It changes nothing, and staff must investigate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's {0} is not that of the payment")]
pub struct Mismatch(pub &'static str);

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
                let Dispute { amount, formal, money_withdrawn, money_reinstated, outcome } = dispute;
                let outcome = match outcome {
                    None if *formal => "open",
                    None => "inquiry",
                    Some(DisputeOutcome::Lost) => "lost",
                    Some(DisputeOutcome::Won) => "won",
                };
                format!("dispute-{id}-{amount}-{money_withdrawn}-{money_reinstated}-{outcome}")
            }
            Self::Reversal { id, .. } => format!("reversal-{id}"),
            Self::Restoration { id, .. } => format!("restoration-{id}"),
            Self::FraudWarning { id } => format!("warning-{id}"),
            Self::Case { id } => format!("case-{id}"),
            Self::RespondBy { id, at } => format!("respond-by-{id}-{at}"),
        }
    }
}
