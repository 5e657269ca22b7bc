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
    AccountId, Credits, PaymentId, accounts::plan::Plan, catalogue::packages::Package, money::Money,
    payments::fraud::Review, registry,
};

pub use crate::payments::fact::{
    Dispute, DisputeOutcome, PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, Refund, RefundState,
};
pub use crate::payments::unclaimed::UnclaimedPayment;

/// Seconds between two questions to the provider about a checkout that is open.
pub const POLL_INTERVAL_S: i64 = 300;
/// Hours between two questions about a payment by a delayed method: those take days.
const PENDING_POLL_INTERVAL_HOURS: i64 = 6;
/// Minutes that a checkout can be paid. Stripe takes 30 or more
/// ([`expires_at`](https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at)).
pub const CHECKOUT_MINUTES: i64 = 60;

/// How far the checkout came. A later one wins over an earlier one, so money wins over everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutProgress {
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

/// A fact that cannot be about this payment. It changes nothing and must be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's {0} is not that of the payment")]
pub struct Mismatch(pub &'static str);

/// What a payment has come to, worked out from what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PaymentStatus)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
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

impl PaymentStatus {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Payment {
    /// Its id, which is also what the provider knows it by. Nobody can guess it.
    pub id: PaymentId,
    /// Whose.
    pub account: AccountId,
    /// Who takes the money.
    pub provider: PaymentProvider,
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
    pub progress: CheckoutProgress,
    /// What was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<PaymentReceipt>,
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
    pub clawed_back: Credits,
    /// When the checkout was made.
    pub created_at: Timestamp,
    /// When the provider is asked again, while it is not known how it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_at: Option<Timestamp>,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

impl Payment {
    /// A new checkout.
    #[must_use]
    pub fn open(
        id: PaymentId,
        account: AccountId,
        provider: PaymentProvider,
        (package, price): (&Package, Money),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            provider,
            package: package.id.to_owned(),
            credits: package.credits,
            plan: package.plan,
            price,
            checkout: None,
            progress: CheckoutProgress::Created,
            receipt: None,
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            reversals: BTreeMap::new(),
            restorations: BTreeMap::new(),
            warnings: BTreeSet::new(),
            review: None,
            granted: Credits::ZERO,
            clawed_back: Credits::ZERO,
            created_at: now,
            poll_at: Some(now + SignedDuration::from_secs(POLL_INTERVAL_S)),
            version: 1,
        }
    }

    /// With the provider's id of the checkout, which the buyer is sent to.
    #[must_use]
    pub fn with_checkout(&self, checkout: String) -> Self {
        Self { checkout: Some(checkout), ..self.next_version() }
    }

    /// When this checkout can be paid no more.
    #[must_use]
    pub fn closes_at(&self) -> Timestamp {
        self.created_at + SignedDuration::from_mins(CHECKOUT_MINUTES)
    }

    /// Whether it is not known yet how it ends.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.progress <= CheckoutProgress::Pending
    }

    /// When it goes, if nobody paid it. Money that comes even later finds no payment, and is [unclaimed](Unclaimed).
    #[must_use]
    pub fn kept_until(&self) -> Option<Timestamp> {
        let is_unpaid = !self.is_open() && self.receipt.is_none();
        is_unpaid.then(|| self.created_at + SignedDuration::from_hours(24 * i64::from(registry::UNPAID_DAYS)))
    }

    /// After the provider was asked and could say nothing new.
    #[must_use]
    pub fn polled(&self, now: Timestamp) -> Self {
        Self { poll_at: self.next_poll(now), ..self.next_version() }
    }

    /// When the provider was not asked, as it answers nobody just now.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        Self { poll_at: Some(now + SignedDuration::from_secs(POLL_INTERVAL_S)), ..self.next_version() }
    }

    /// With one more fact. Equal to what it was if the fact was known.
    ///
    /// # Errors
    /// [`Mismatch`] names what cannot be about this payment: another provider, amount, currency or transaction.
    pub fn with_fact(&self, fact: &PaymentFact, now: Timestamp) -> Result<Self, Mismatch> {
        let mut next = self.clone();
        match fact {
            PaymentFact::Pending => next.progress = next.progress.max(CheckoutProgress::Pending),
            PaymentFact::Expired => next.progress = next.progress.max(CheckoutProgress::Expired),
            PaymentFact::Failed => next.progress = next.progress.max(CheckoutProgress::Failed),
            PaymentFact::Paid(receipt) => next.pay(receipt)?,
            PaymentFact::Refund { id, amount, state } => {
                let refund = Refund { amount: self.amount_in_currency(*amount)?, state: *state };
                let known = next.refunds.entry(id.clone()).or_insert(refund);
                known.state = known.state.max(*state);
            }
            PaymentFact::Dispute { id, currency, dispute } => {
                self.amount_in_currency(Money::new(dispute.amount, *currency))?;
                let known = next.disputes.entry(id.clone()).or_default();
                *known = known.join(*dispute);
            }
            PaymentFact::Reversal { id, amount } => {
                next.reversals.entry(id.clone()).or_insert(self.amount_in_currency(*amount)?);
            }
            PaymentFact::Restoration { id, amount } => {
                next.restorations.entry(id.clone()).or_insert(self.amount_in_currency(*amount)?);
            }
            PaymentFact::FraudWarning { id } | PaymentFact::Case { id } => {
                next.warnings.insert(id.clone());
            }
        }
        if next.progress != self.progress {
            next.poll_at = next.next_poll(now);
        }
        Ok(next)
    }

    /// What it has come to.
    #[must_use]
    pub fn status(&self) -> PaymentStatus {
        let Some(receipt) = &self.receipt else {
            return match self.progress {
                CheckoutProgress::Created => PaymentStatus::Created,
                CheckoutProgress::Pending | CheckoutProgress::Paid => PaymentStatus::Pending,
                CheckoutProgress::Expired => PaymentStatus::Expired,
                CheckoutProgress::Failed => PaymentStatus::Failed,
            };
        };
        let disputes = || self.disputes.values();
        let refunded = self.refunded();
        if disputes().any(|dispute| dispute.is_open()) {
            PaymentStatus::Disputed
        } else if disputes().any(|dispute| dispute.is_lost()) {
            PaymentStatus::Lost
        } else if self.reversed() > 0 {
            PaymentStatus::Reversed
        } else if refunded >= receipt.total.amount {
            PaymentStatus::Refunded
        } else if refunded > 0 {
            PaymentStatus::PartlyRefunded
        } else if self.review.as_ref().is_some_and(Review::withholds) {
            PaymentStatus::InReview
        } else if !self.restorations.is_empty() {
            PaymentStatus::Restored
        } else if disputes().any(|dispute| dispute.formal) {
            PaymentStatus::Won
        } else {
            PaymentStatus::Paid
        }
    }

    /// Whether a dispute of it was lost.
    #[must_use]
    pub fn lost_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.is_lost())
    }

    /// The credits that it should have granted by what is known.
    #[must_use]
    pub fn credits_to_grant(&self) -> Credits {
        let withheld = self.review.as_ref().is_some_and(Review::withholds);
        if self.receipt.is_some() && !withheld { self.credits } else { Credits::ZERO }
    }

    /// The credits of [the grant](Self::grant) that should be taken back by what is known: the share of the money that is
    /// not with us any more, rounded for the person. Tax is in the money that was paid and in the money that went back,
    /// and so not in their ratio. What went back twice, by a refund and by a dispute, counts once.
    #[must_use]
    pub fn credits_to_claw_back(&self) -> Credits {
        let Some((gone, total)) = self.returned_and_total() else { return Credits::ZERO };
        let share = i128::from(self.credits_to_grant().0) * gone / total;
        Credits(i64::try_from(share).unwrap_or(self.credits.0))
    }

    /// Whether a member of staff must decide about its credits, or could still release what was refused: for as long as
    /// there is money with us to grant them for.
    #[must_use]
    pub fn awaits_decision(&self) -> bool {
        let withheld = self.review.as_ref().is_some_and(Review::withholds);
        withheld && self.returned_and_total().is_some_and(|(gone, total)| gone < total)
    }

    /// What of the money is not with us any more, in the smallest unit: refunds, disputes, reversals.
    #[must_use]
    pub fn amount_returned(&self) -> i64 {
        self.returned_and_total().map_or(0, |(gone, _)| i64::try_from(gone).unwrap_or(i64::MAX))
    }

    /// This payment as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    fn pay(&mut self, receipt: &PaymentReceipt) -> Result<(), Mismatch> {
        let price = self.price;
        if receipt.provider != self.provider {
            return Err(Mismatch("provider"));
        }
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
        self.progress = CheckoutProgress::Paid;
        Ok(())
    }

    /// The amount without its sign, if it is in the payment's currency.
    fn amount_in_currency(&self, money: Money) -> Result<i64, Mismatch> {
        if money.currency == self.price.currency { Ok(money.magnitude().amount) } else { Err(Mismatch("currency")) }
    }

    /// How much of the money that was paid is not with us any more, and how much was paid.
    fn returned_and_total(&self) -> Option<(i128, i128)> {
        let total = i128::from(self.receipt.as_ref()?.total.amount.max(1));
        let disputed = self.disputes.values().map(|dispute| i128::from(dispute.takes())).sum::<i128>();
        let gone = i128::from(self.refunded()) + disputed + i128::from(self.reversed());
        Some((gone.clamp(0, total), total))
    }

    fn refunded(&self) -> i64 {
        let made = self.refunds.values().filter(|refund| refund.state == RefundState::Succeeded);
        made.fold(0, |sum, refund| sum.saturating_add(refund.amount))
    }

    fn reversed(&self) -> i64 {
        let sum = |amounts: &BTreeMap<String, i64>| amounts.values().fold(0_i64, |sum, one| sum.saturating_add(*one));
        sum(&self.reversals).saturating_sub(sum(&self.restorations)).max(0)
    }

    fn next_poll(&self, now: Timestamp) -> Option<Timestamp> {
        match self.progress {
            CheckoutProgress::Created if now < self.closes_at() => {
                Some(now + SignedDuration::from_secs(POLL_INTERVAL_S))
            }
            // The provider ought to have said by now how it ended: ever more rarely, but never not at all.
            CheckoutProgress::Created => {
                Some(now + now.duration_since(self.created_at).min(SignedDuration::from_hours(24)))
            }
            CheckoutProgress::Pending => Some(now + SignedDuration::from_hours(PENDING_POLL_INTERVAL_HOURS)),
            CheckoutProgress::Expired | CheckoutProgress::Failed | CheckoutProgress::Paid => None,
        }
    }
}
