//! A payment for a package, with either provider, from the checkout to the last dispute.
//!
//! A payment is a set of facts that only grows. Facts arrive in any order and any number of times, from the return
//! page, webhooks, IPN and polling. A known fact changes nothing. The credits owed are computed from all facts each
//! time, and the ledger changes by the difference. So each payment grants its credits once, and never claws back more
//! than it granted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::plan::Plan,
    catalogue::packages::Package,
    credits::ledger::Credits,
    ids::{AccountId, GiftId, PaymentId},
    money::Money,
    payments::{returns::Returns, review::Review},
    refusal::Refusal,
    registry::{self, DataFields},
};

pub use crate::payments::fact::{
    Dispute, DisputeOutcome, Mismatch, PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, Refund,
    RefundState, RequestedRefund,
};
pub use crate::payments::unclaimed::UnclaimedPayment;

/// Seconds between two polls of the provider about an open checkout.
pub const POLL_INTERVAL_S: i64 = 300;
/// Hours between two polls about a payment with a delayed method, which takes days.
const PENDING_POLL_INTERVAL_HOURS: i64 = 6;
/// Days for which a provider is asked what became of a payment: refunds and disputes are possible that long
/// (<https://docs.stripe.com/refunds>, <https://www.paypal.com/us/cshelp/article/help199>).
pub const WATCHED_DAYS: u32 = 180;
/// Hours for which a refund that staff asked for counts as returned although the provider has not reported it. Stripe and PayPal know the
/// key of a request at least as long (<https://docs.stripe.com/api/idempotent_requests>,
/// <https://developer.paypal.com/api/rest/reference/idempotency/>).
pub const REFUND_REPORT_HOURS: i64 = 24;
/// Minutes in which a checkout can be paid. Stripe accepts 30 or more
/// ([`expires_at`](https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at)).
pub const CHECKOUT_MINUTES: i64 = 60;

/// The progress of a checkout. A later one wins over an earlier one, so `Paid` wins over all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutProgress {
    /// The buyer was redirected to the provider.
    Created,
    /// The buyer confirmed, with a method that pays later.
    Pending,
    /// It was not paid in time.
    Expired,
    /// The provider reports that it will not be paid.
    Failed,
    /// It was paid.
    Paid,
}

/// The status of a payment, computed from its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PaymentStatus)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Waits for the buyer.
    Created,
    /// The buyer confirmed, and the money is on its way.
    Pending,
    /// It was not paid in time.
    Expired,
    /// It failed.
    Failed,
    /// It was paid, and the credits wait for a review by staff.
    InReview,
    /// It was paid.
    Paid,
    /// A part of it was refunded.
    PartlyRefunded,
    /// All of it was refunded.
    Refunded,
    /// The buyer disputes it.
    Disputed,
    /// The dispute was won.
    Won,
    /// The dispute was lost.
    Lost,
    /// PayPal reversed it.
    Reversed,
    /// PayPal canceled its reversal.
    Restored,
}

impl PaymentStatus {
    /// Returns the name in the API and in metrics.
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

/// What became of a dispute or a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The bank asks. It moves no money.
    Inquiry,
    /// It is not decided.
    Open,
    /// The operator won, or the buyer withdrew it.
    Won,
    /// The buyer won.
    Lost,
    /// A fraud warning, or a case of PayPal, whose refunds and reversals say what became of it.
    Warning,
}

/// A dispute, a case or a fraud warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeSummary {
    /// The provider's id.
    pub id: String,
    /// Its state.
    pub state: DisputeState,
    /// The disputed amount, if there is one.
    pub amount: Option<Money>,
    /// Until when the operator can respond, if the provider reported that.
    pub respond_by: Option<Timestamp>,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Payment {
    /// Its id, which is also the reference at the provider. It cannot be guessed.
    #[data(plain)]
    pub id: PaymentId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The provider.
    #[data(plain)]
    pub provider: PaymentProvider,
    /// The package.
    #[data(plain)]
    pub package: String,
    /// The credits that it grants.
    #[data(plain)]
    pub credits: Credits,
    /// The plan that it activates.
    #[data(plain)]
    pub plan: Plan,
    /// The gift that gets the credits and the plan, in place of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub gift: Option<GiftId>,
    /// The listed price. Tax is added to it or contained in it, by the setting when the checkout was created.
    #[data(nested)]
    pub price: Money,
    /// The provider's id of the checkout, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub checkout: Option<String>,
    /// The progress of the checkout.
    #[data(plain)]
    pub progress: CheckoutProgress,
    /// What the provider received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub receipt: Option<PaymentReceipt>,
    /// Refunds, by the provider's id.
    #[serde(default)]
    #[data(nested)]
    pub refunds: BTreeMap<String, Refund>,
    /// Refunds that staff asked the provider for and that it has not reported, by the key of the request to the provider.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[data(nested)]
    pub requested_refunds: BTreeMap<String, RequestedRefund>,
    /// Disputes, by the provider's id.
    #[serde(default)]
    #[data(nested)]
    pub disputes: BTreeMap<String, Dispute>,
    /// Reversals of PayPal, by transaction, in the smallest unit.
    #[serde(default)]
    #[data(plain)]
    pub reversals: BTreeMap<String, i64>,
    /// Canceled reversals, by transaction, in the smallest unit.
    #[serde(default)]
    #[data(plain)]
    pub restorations: BTreeMap<String, i64>,
    /// Fraud warnings and cases, by the provider's id.
    #[serde(default)]
    #[data(plain)]
    pub warnings: BTreeSet<String>,
    /// Until when the operator can respond to disputes and cases, by the provider's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[data(plain)]
    pub respond_by: BTreeMap<String, Timestamp>,
    /// The review by staff, if a fraud rule demanded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub review: Option<Review>,
    /// Credits that the ledger granted for it.
    #[data(plain)]
    pub granted: Credits,
    /// Credits that the ledger clawed back of those.
    #[data(plain)]
    pub clawed_back: Credits,
    /// When the checkout was created.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When the provider is polled next: while the outcome is unknown, and daily about a payment with PayPal that may be refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub poll_at: Option<Timestamp>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl Payment {
    /// Creates a checkout.
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
            package: package.id.clone(),
            credits: package.credits,
            plan: package.plan,
            gift: None,
            price,
            checkout: None,
            progress: CheckoutProgress::Created,
            receipt: None,
            refunds: BTreeMap::new(),
            requested_refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            reversals: BTreeMap::new(),
            restorations: BTreeMap::new(),
            warnings: BTreeSet::new(),
            respond_by: BTreeMap::new(),
            review: None,
            granted: Credits::ZERO,
            clawed_back: Credits::ZERO,
            created_at: now,
            poll_at: Some(now + SignedDuration::from_secs(POLL_INTERVAL_S)),
            version: 1,
        }
    }

    /// Makes it the payment for a gift.
    #[must_use]
    pub fn for_gift(self, gift: GiftId) -> Self {
        Self { gift: Some(gift), ..self }
    }

    /// Adds the provider's id of the checkout, to which the buyer is redirected.
    #[must_use]
    pub fn with_checkout(&self, checkout: String) -> Self {
        Self { checkout: Some(checkout), ..self.next_version() }
    }

    /// Returns when the checkout expires.
    #[must_use]
    pub fn closes_at(&self) -> Timestamp {
        self.created_at + SignedDuration::from_mins(CHECKOUT_MINUTES)
    }

    /// Says whether its outcome is unknown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.progress <= CheckoutProgress::Pending
    }

    /// Returns when it is deleted, if it was not paid. Money that arrives even later is an [unclaimed
    /// payment](UnclaimedPayment).
    #[must_use]
    pub fn kept_until(&self) -> Option<Timestamp> {
        let is_unpaid = !self.is_open() && self.receipt.is_none();
        is_unpaid.then(|| self.created_at + SignedDuration::from_hours(24 * i64::from(registry::UNPAID_DAYS)))
    }

    /// Schedules the next poll after one that reported nothing new.
    #[must_use]
    pub fn polled(&self, now: Timestamp) -> Self {
        Self { poll_at: self.next_poll(now), ..self.next_version() }
    }

    /// Postpones the poll, as the provider does not respond at present.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        Self { poll_at: Some(now + SignedDuration::from_secs(POLL_INTERVAL_S)), ..self.next_version() }
    }

    /// Schedules the next poll for `now`, as something became of the checkout.
    #[must_use]
    pub fn poll_due(&self, now: Timestamp) -> Self {
        Self { poll_at: Some(now), ..self.next_version() }
    }

    /// Adds a fact. Returns an equal payment if the fact was known.
    ///
    /// # Errors
    /// [`Mismatch`] names what contradicts this payment: the provider, the amount, the currency or the transaction.
    pub fn with_fact(&self, fact: &PaymentFact, now: Timestamp) -> Result<Self, Mismatch> {
        let mut next = self.clone();
        match fact {
            PaymentFact::Pending => next.progress = next.progress.max(CheckoutProgress::Pending),
            PaymentFact::Expired => next.progress = next.progress.max(CheckoutProgress::Expired),
            PaymentFact::Failed => next.progress = next.progress.max(CheckoutProgress::Failed),
            PaymentFact::Paid(receipt) => next.pay(receipt)?,
            PaymentFact::Refund { .. }
            | PaymentFact::Dispute { .. }
            | PaymentFact::Reversal { .. }
            | PaymentFact::Restoration { .. } => {
                let mut returns = self.returns();
                returns.learn(fact, self.price.currency)?;
                let Returns { refunds, disputes, reversals, restorations } = returns;
                if let PaymentFact::Refund { id, amount, .. } = fact
                    && !self.refunds.contains_key(id)
                {
                    next.requested_refund_reported(amount.magnitude().amount);
                }
                next = Self { refunds, disputes, reversals, restorations, ..next };
            }
            PaymentFact::FraudWarning { id } | PaymentFact::Case { id } => {
                next.warnings.insert(id.clone());
            }
            PaymentFact::RespondBy { id, at } => {
                let known = next.respond_by.entry(id.clone()).or_insert(*at);
                *known = (*known).max(*at);
            }
        }
        if next.progress != self.progress {
            next.poll_at = next.next_poll(now);
        }
        Ok(next)
    }

    /// Returns the status.
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
        let returns = self.returns();
        let refunded = returns.refunded();
        if disputes().any(|dispute| dispute.is_open()) {
            PaymentStatus::Disputed
        } else if disputes().any(|dispute| dispute.is_lost()) {
            PaymentStatus::Lost
        } else if returns.reversed() > 0 {
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

    /// Lists its disputes and cases, and its fraud warnings.
    #[must_use]
    pub fn dispute_summaries(&self) -> Vec<DisputeSummary> {
        let disputes = self.disputes.iter().map(|(id, dispute)| {
            let state = match (dispute.outcome, dispute.formal) {
                (Some(DisputeOutcome::Lost), _) => DisputeState::Lost,
                _ if dispute.is_open() => DisputeState::Open,
                (_, true) => DisputeState::Won,
                (_, false) => DisputeState::Inquiry,
            };
            (id, state, Some(Money::new(dispute.amount, self.price.currency)))
        });
        let warnings = self.warnings.iter().map(|id| (id, DisputeState::Warning, None));
        let summaries = disputes.chain(warnings).map(|(id, state, amount)| DisputeSummary {
            id: id.clone(),
            state,
            amount,
            respond_by: self.respond_by.get(id).copied(),
        });
        summaries.collect()
    }

    /// Says whether a dispute of it is open.
    pub(crate) fn has_open_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.is_open())
    }

    /// Says whether a dispute of it was lost.
    #[must_use]
    pub fn lost_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.is_lost())
    }

    /// Returns the credits that it should have granted by now.
    #[must_use]
    pub fn credits_to_grant(&self) -> Credits {
        let withheld = self.review.as_ref().is_some_and(Review::withholds);
        if self.receipt.is_some() && !withheld { self.credits } else { Credits::ZERO }
    }

    /// Returns the credits that should be clawed back of [those granted](Self::credits_to_grant): the share of the
    /// money that was returned, rounded down. Tax is in both the paid and the returned amount, and so not in their
    /// ratio. Money that was returned twice, by a refund and a dispute, counts once.
    #[must_use]
    pub fn credits_to_claw_back(&self) -> Credits {
        let Some((gone, total)) = self.returned_and_total() else { return Credits::ZERO };
        let share = i128::from(self.credits_to_grant().0) * gone / total;
        Credits(i64::try_from(share).unwrap_or(self.credits.0))
    }

    /// Says whether staff must decide about its credits, or can still release them after a refusal: as long as not all
    /// of the money was returned.
    #[must_use]
    pub fn awaits_decision(&self) -> bool {
        let withheld = self.review.as_ref().is_some_and(Review::withholds);
        withheld && self.returned_and_total().is_some_and(|(gone, total)| gone < total)
    }

    /// Returns the money that was returned, in the smallest unit: refunds, disputes, reversals.
    #[must_use]
    pub fn amount_returned(&self) -> i64 {
        self.returned_and_total().map_or(0, |(gone, _)| i64::try_from(gone).unwrap_or(i64::MAX))
    }

    /// Records that staff ask the provider to refund `amount` in the smallest unit, or all that is left, and returns how much that is. What
    /// was asked for within [`REFUND_REPORT_HOURS`] and was neither reported nor declined is not left.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it was not paid or nothing is left, [`Refusal::Invalid`] if more than what is left is asked for.
    pub fn request_refund(&self, key: &str, amount: Option<i64>, now: Timestamp) -> Result<(Self, Money), Refusal> {
        let Some(receipt) = &self.receipt else { return Err(Refusal::Conflict("the payment was not paid")) };
        let mut next = self.next_version();
        next.requested_refunds.retain(|_, request| now < request.at + SignedDuration::from_hours(REFUND_REPORT_HOURS));
        let requested = next.requested_refunds.values().filter(|request| !request.declined);
        let requested = requested.fold(0_i64, |sum, request| sum.saturating_add(request.amount));
        let left = receipt.total.amount.saturating_sub(self.amount_returned()).saturating_sub(requested);
        if left <= 0 {
            return Err(Refusal::Conflict(
                "all of it was returned, or a refund of it was asked for and is not reported yet",
            ));
        }
        let amount = match amount {
            Some(amount) if !(1..=left).contains(&amount) => {
                return Err(Refusal::invalid("amount", format!("1 to {left}, what is left of the payment")));
            }
            amount => amount.unwrap_or(left),
        };
        next.requested_refunds.insert(key.to_owned(), RequestedRefund { amount, at: now, declined: false });
        Ok((next, Money::new(amount, receipt.total.currency)))
    }

    /// Returns the refund that was asked for with this key, unless the provider reported it since.
    #[must_use]
    pub fn requested_refund(&self, key: &str) -> Option<(Money, RequestedRefund)> {
        let currency = self.receipt.as_ref()?.total.currency;
        self.requested_refunds.get(key).map(|request| (Money::new(request.amount, currency), *request))
    }

    /// Records that the provider declined a refund, which is left to be refunded again. `None` if that is known or it was reported since.
    #[must_use]
    pub fn refund_declined(&self, key: &str) -> Option<Self> {
        let mut next = self.next_version();
        let request = next.requested_refunds.get_mut(key).filter(|request| !request.declined)?;
        request.declined = true;
        Some(next)
    }

    /// Returns it as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// Forgets the oldest request for a refund of this amount that was not declined. Reports do not name the request.
    fn requested_refund_reported(&mut self, amount: i64) {
        let is_meant = |request: &RequestedRefund| request.amount == amount && !request.declined;
        let of_amount = self.requested_refunds.iter().filter(|(_, request)| is_meant(request));
        let oldest = of_amount.min_by_key(|(_, request)| request.at).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.requested_refunds.remove(&key);
        }
    }

    fn pay(&mut self, receipt: &PaymentReceipt) -> Result<(), Mismatch> {
        let price = self.price;
        if receipt.provider != self.provider {
            return Err(Mismatch("provider"));
        }
        if receipt.net.currency != price.currency || receipt.total.currency != price.currency {
            return Err(Mismatch("currency"));
        }
        let (net, total) = (receipt.net.amount, receipt.total.amount);
        // Tax was added to the price, or the price contains it.
        if !(0..=total).contains(&net) || (net != price.amount && total != price.amount) {
            return Err(Mismatch("amount"));
        }
        match &mut self.receipt {
            Some(known) if known.transaction != receipt.transaction => return Err(Mismatch("transaction")),
            // One report names the payer, another does not.
            Some(known) => {
                known.billing_email = known.billing_email.take().or_else(|| receipt.billing_email.clone());
                known.country = known.country.take().or_else(|| receipt.country.clone());
            }
            None => self.receipt = Some(receipt.clone()),
        }
        self.progress = CheckoutProgress::Paid;
        Ok(())
    }

    /// Returns how much of the money was returned, and how much was paid.
    fn returned_and_total(&self) -> Option<(i128, i128)> {
        let total = self.receipt.as_ref()?.total.amount.max(1);
        Some((self.returns().amount_of(total).into(), total.into()))
    }

    pub(crate) fn returns(&self) -> Returns {
        Returns {
            refunds: self.refunds.clone(),
            disputes: self.disputes.clone(),
            reversals: self.reversals.clone(),
            restorations: self.restorations.clone(),
        }
    }

    /// What became of payments with Stripe is listed there; PayPal has no such list.
    fn next_watch(&self, now: Timestamp) -> Option<Timestamp> {
        let receipt = self.receipt.as_ref().filter(|receipt| receipt.provider == PaymentProvider::Paypal)?;
        let next = now + SignedDuration::from_hours(24);
        (next < receipt.at + SignedDuration::from_hours(24 * i64::from(WATCHED_DAYS))).then_some(next)
    }

    fn next_poll(&self, now: Timestamp) -> Option<Timestamp> {
        match self.progress {
            CheckoutProgress::Created if now < self.closes_at() => {
                Some(now + SignedDuration::from_secs(POLL_INTERVAL_S))
            }
            // The provider should have reported the outcome by now: it is polled ever more rarely, but never not at
            // all.
            CheckoutProgress::Created => {
                Some(now + now.duration_since(self.created_at).min(SignedDuration::from_hours(24)))
            }
            CheckoutProgress::Pending => Some(now + SignedDuration::from_hours(PENDING_POLL_INTERVAL_HOURS)),
            CheckoutProgress::Paid => self.next_watch(now),
            CheckoutProgress::Expired | CheckoutProgress::Failed => None,
        }
    }
}
