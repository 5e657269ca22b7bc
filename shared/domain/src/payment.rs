//! A payment for a package, on either rail, from the checkout to the last dispute.
//!
//! A payment is what is known of it: a set of facts that only grows. A fact that is known already changes nothing, and the
//! facts may come in any order and any number from any messenger (return page, webhook, IPN, reconciliation); what is owed
//! is worked out from all of them each time, and the ledger moves by the difference to what was moved before. So each
//! payment grants once, and takes back never more than it granted, without anybody keeping count of messages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Credits, PaymentId,
    fraud::Review,
    money::{Currency, Money},
    package::Package,
    plan::Plan,
};

/// Seconds between two questions to the provider about a checkout that is open.
pub const ASK_EVERY_S: i64 = 300;
/// Hours between two questions about a payment by a delayed method: those take days.
const ASK_PENDING_EVERY_HOURS: i64 = 6;
/// Minutes that a checkout can be paid. Stripe takes 30 or more
/// ([`expires_at`](https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at)).
pub const OPEN_MINUTES: i64 = 60;

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rail {
    /// Stripe Checkout.
    Stripe,
    /// PayPal Orders.
    Paypal,
}

impl Rail {
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
pub enum Reference {
    /// Our own id of it.
    Payment(PaymentId),
    /// The provider's id of the transaction that paid it, as [`Receipt::transaction`] has it.
    Transaction(Rail, String),
}

/// How far the checkout came. A later one wins over an earlier one, so money wins over everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The buyer was sent to the provider.
    Created,
    /// Confirmed by the buyer, by a method that pays later.
    Pending,
    /// Nobody paid in time.
    Expired,
    /// The provider says that it will not be paid.
    Failed,
    /// Paid.
    Paid,
}

/// What a provider says about the money that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What the package cost, without tax.
    pub net: Money,
    /// What the buyer paid, with tax.
    pub total: Money,
    /// The provider's id of the transaction: a payment intent of Stripe, a capture of PayPal.
    pub transaction: String,
    /// Where the provider sent its receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_email: Option<String>,
    /// When it was paid.
    pub at: Timestamp,
}

/// How far a refund came. A later one wins: a refund can still fail after it succeeded
/// (<https://docs.stripe.com/refunds#failed-refunds>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// On its way, or there.
    Made,
    /// It failed or was canceled: the money stayed with us.
    Undone,
}

/// A refund, by the provider's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// What the buyer got back, in the smallest unit of the payment's currency.
    pub amount: i64,
    /// How far it came.
    pub state: RefundState,
}

/// How a dispute ended. Should both be said, the one in our favour came later: what was lost can be won on appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// For the buyer.
    Lost,
    /// For us, or withdrawn.
    Won,
}

/// What is known of a dispute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    pub outcome: Option<Outcome>,
}

impl Dispute {
    fn join(self, other: Self) -> Self {
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

    const fn is_lost(self) -> bool {
        matches!(self.outcome, Some(Outcome::Lost)) && !self.reinstated
    }

    const fn takes(self) -> i64 {
        let kept = self.reinstated || matches!(self.outcome, Some(Outcome::Won));
        if !kept && (self.withdrawn || self.is_lost()) { self.amount } else { 0 }
    }
}

/// Something that a provider says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The buyer confirmed; the money comes later, or not.
    Pending,
    /// Nobody paid in time.
    Expired,
    /// It will not be paid.
    Failed,
    /// It is paid.
    Paid(Receipt),
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

impl Fact {
    /// A name that tells it from every other fact about the same payment, and the same fact from nothing.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Pending => "pending".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Paid(receipt) => format!("paid-{}", receipt.transaction),
            Self::Refund { id, state: RefundState::Made, .. } => format!("refund-{id}-made"),
            Self::Refund { id, state: RefundState::Undone, .. } => format!("refund-{id}-undone"),
            Self::Dispute { id, dispute, .. } => {
                let Dispute { formal, withdrawn, reinstated, outcome, .. } = dispute;
                let [formal, withdrawn, reinstated] = [formal, withdrawn, reinstated].map(|flag| u8::from(*flag));
                let outcome = match outcome {
                    None => "open",
                    Some(Outcome::Lost) => "lost",
                    Some(Outcome::Won) => "won",
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

/// A fact that cannot be about this payment. It changes nothing and must be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's {0} is not that of the payment")]
pub struct Mismatch(pub &'static str);

/// What a payment has come to, worked out from what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PaymentStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for the buyer.
    Created,
    /// Confirmed; the money is on its way.
    Pending,
    /// Not paid in time.
    Expired,
    /// Not paid.
    Failed,
    /// Paid; the credits wait for a person to look at it.
    InReview,
    /// Paid.
    Paid,
    /// Part of it went back.
    PartlyRefunded,
    /// All of it went back.
    Refunded,
    /// The buyer's bank disputes it.
    Disputed,
    /// A dispute ended for us.
    Won,
    /// A dispute ended for the buyer.
    Lost,
    /// PayPal took it back.
    Reversed,
    /// PayPal gave it back to us.
    Restored,
}

impl Status {
    /// As it is written everywhere.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::InReview => "in_review",
            Self::Paid => "paid",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Reversed => "reversed",
            Self::Restored => "restored",
        }
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id, which is also what the provider knows it by. Nobody can guess it.
    pub id: PaymentId,
    /// Whose.
    pub account: AccountId,
    /// Who takes the money.
    pub rail: Rail,
    /// What is bought.
    pub package: String,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates.
    pub plan: Plan,
    /// What it costs, without tax.
    pub price: Money,
    /// The provider's id of the checkout, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<String>,
    /// How far it came.
    pub progress: Progress,
    /// What was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Refunds, by the provider's id.
    #[serde(default)]
    pub refunds: BTreeMap<String, Refund>,
    /// Disputes, by the provider's id.
    #[serde(default)]
    pub disputes: BTreeMap<String, Dispute>,
    /// What PayPal took back, by its transaction, in the smallest unit.
    #[serde(default)]
    pub reversals: BTreeMap<String, i64>,
    /// What PayPal gave back of that.
    #[serde(default)]
    pub restorations: BTreeMap<String, i64>,
    /// Warnings of fraud and cases, by the provider's id.
    #[serde(default)]
    pub warnings: BTreeSet<String>,
    /// Whether a person must look before the credits are granted, and what they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Credits that the ledger has granted for it.
    pub granted: Credits,
    /// Credits that the ledger has taken back of that.
    pub taken_back: Credits,
    /// When the checkout was made.
    pub created_at: Timestamp,
    /// When the provider is asked again, while it is not known how it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_at: Option<Timestamp>,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

impl Payment {
    /// A new checkout.
    #[must_use]
    pub fn open(
        id: PaymentId,
        account: AccountId,
        rail: Rail,
        (package, price): (&Package, Money),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            rail,
            package: package.id.to_owned(),
            credits: package.credits,
            plan: package.plan,
            price,
            checkout: None,
            progress: Progress::Created,
            receipt: None,
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            reversals: BTreeMap::new(),
            restorations: BTreeMap::new(),
            warnings: BTreeSet::new(),
            review: None,
            granted: Credits::ZERO,
            taken_back: Credits::ZERO,
            created_at: now,
            ask_at: Some(now + SignedDuration::from_secs(ASK_EVERY_S)),
            version: 1,
        }
    }

    /// With the provider's id of the checkout, which the buyer is sent to.
    #[must_use]
    pub fn handed_out(&self, checkout: String) -> Self {
        Self { checkout: Some(checkout), ..self.next() }
    }

    /// When this checkout can be paid no more.
    #[must_use]
    pub fn closes_at(&self) -> Timestamp {
        self.created_at + SignedDuration::from_mins(OPEN_MINUTES)
    }

    /// Whether it is not known yet how it ends.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.progress <= Progress::Pending
    }

    /// After the provider was asked and could say nothing new.
    #[must_use]
    pub fn asked(&self, now: Timestamp) -> Self {
        Self { ask_at: self.next_question(now), ..self.next() }
    }

    /// With one more fact. Equal to what it was if the fact was known.
    ///
    /// # Errors
    /// [`Mismatch`] names what cannot be about this payment: another amount, currency or transaction.
    pub fn with(&self, fact: &Fact, now: Timestamp) -> Result<Self, Mismatch> {
        let mut next = self.clone();
        match fact {
            Fact::Pending => next.progress = next.progress.max(Progress::Pending),
            Fact::Expired => next.progress = next.progress.max(Progress::Expired),
            Fact::Failed => next.progress = next.progress.max(Progress::Failed),
            Fact::Paid(receipt) => next.pay(receipt)?,
            Fact::Refund { id, amount, state } => {
                let refund = Refund { amount: self.own(*amount)?, state: *state };
                let known = next.refunds.entry(id.clone()).or_insert(refund);
                known.state = known.state.max(*state);
            }
            Fact::Dispute { id, currency, dispute } => {
                self.own(Money::new(dispute.amount, *currency))?;
                let known = next.disputes.entry(id.clone()).or_default();
                *known = known.join(*dispute);
            }
            Fact::Reversal { id, amount } => {
                next.reversals.entry(id.clone()).or_insert(self.own(*amount)?);
            }
            Fact::Restoration { id, amount } => {
                next.restorations.entry(id.clone()).or_insert(self.own(*amount)?);
            }
            Fact::FraudWarning { id } | Fact::Case { id } => {
                next.warnings.insert(id.clone());
            }
        }
        if next.progress != self.progress {
            next.ask_at = next.next_question(now);
        }
        Ok(next)
    }

    /// What it has come to.
    #[must_use]
    pub fn status(&self) -> Status {
        let Some(receipt) = &self.receipt else {
            return match self.progress {
                Progress::Created => Status::Created,
                Progress::Pending | Progress::Paid => Status::Pending,
                Progress::Expired => Status::Expired,
                Progress::Failed => Status::Failed,
            };
        };
        let disputes = || self.disputes.values();
        let refunded = self.refunded();
        if disputes().any(|dispute| dispute.is_open()) {
            Status::Disputed
        } else if disputes().any(|dispute| dispute.is_lost()) {
            Status::Lost
        } else if self.reversed() > 0 {
            Status::Reversed
        } else if refunded >= receipt.total.amount {
            Status::Refunded
        } else if refunded > 0 {
            Status::PartlyRefunded
        } else if self.review.as_ref().is_some_and(Review::withholds) {
            Status::InReview
        } else if !self.restorations.is_empty() {
            Status::Restored
        } else if disputes().any(|dispute| dispute.formal) {
            Status::Won
        } else {
            Status::Paid
        }
    }

    /// Whether a dispute of it was lost.
    #[must_use]
    pub fn was_lost(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.is_lost())
    }

    /// The credits that it should have granted by what is known.
    #[must_use]
    pub fn grant(&self) -> Credits {
        let withheld = self.review.as_ref().is_some_and(Review::withholds);
        if self.receipt.is_some() && !withheld { self.credits } else { Credits::ZERO }
    }

    /// The credits of [the grant](Self::grant) that should be taken back by what is known: the share of the money that is
    /// not with us any more, rounded for the person. Tax is in the money that was paid and in the money that went back,
    /// and so not in their ratio. What went back twice, by a refund and by a dispute, counts once.
    #[must_use]
    pub fn claw_back(&self) -> Credits {
        let Some(receipt) = &self.receipt else { return Credits::ZERO };
        let total = i128::from(receipt.total.amount.max(1));
        let disputed = self.disputes.values().map(|dispute| i128::from(dispute.takes())).sum::<i128>();
        let gone = i128::from(self.refunded()) + disputed + i128::from(self.reversed());
        let share = i128::from(self.grant().0) * gone.clamp(0, total) / total;
        Credits(i64::try_from(share).unwrap_or(self.credits.0))
    }

    /// This payment as its next version.
    pub(crate) fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    fn pay(&mut self, receipt: &Receipt) -> Result<(), Mismatch> {
        let price = self.price;
        if receipt.net.currency != price.currency || receipt.total.currency != price.currency {
            return Err(Mismatch("currency"));
        }
        if receipt.net.amount != price.amount || receipt.total.amount < price.amount {
            return Err(Mismatch("amount"));
        }
        match &self.receipt {
            Some(known) if known.transaction != receipt.transaction => return Err(Mismatch("transaction")),
            Some(_) => {}
            None => self.receipt = Some(receipt.clone()),
        }
        self.progress = Progress::Paid;
        Ok(())
    }

    /// The amount without its sign, if it is in the payment's currency.
    fn own(&self, money: Money) -> Result<i64, Mismatch> {
        if money.currency == self.price.currency { Ok(money.magnitude().amount) } else { Err(Mismatch("currency")) }
    }

    fn refunded(&self) -> i64 {
        let made = self.refunds.values().filter(|refund| refund.state == RefundState::Made);
        made.fold(0, |sum, refund| sum.saturating_add(refund.amount))
    }

    fn reversed(&self) -> i64 {
        let sum = |amounts: &BTreeMap<String, i64>| amounts.values().fold(0_i64, |sum, one| sum.saturating_add(*one));
        sum(&self.reversals).saturating_sub(sum(&self.restorations)).max(0)
    }

    fn next_question(&self, now: Timestamp) -> Option<Timestamp> {
        match self.progress {
            Progress::Created => Some(now + SignedDuration::from_secs(ASK_EVERY_S)),
            Progress::Pending => Some(now + SignedDuration::from_hours(ASK_PENDING_EVERY_HOURS)),
            Progress::Expired | Progress::Failed | Progress::Paid => None,
        }
    }
}
