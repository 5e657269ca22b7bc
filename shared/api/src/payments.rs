//! Bodies about packages, payments and what staff decide about them.

use domain::{
    AccountId, Credits, PaymentId,
    accounts::account::Account,
    accounts::plan::Plan,
    catalogue::packages::Package,
    money::{Currency, Money},
    payments::fraud::{Freeze, FreezeReason, ReviewReason},
    payments::payment::{Payment, PaymentProvider, PaymentStatus, RefundState, UnclaimedPayment},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::support::{OpenGuestTicketView, OpenTicketView};

/// What to buy, and how to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The id of a package.
    #[schema(max_length = 64)]
    pub package: String,
    /// The currency to pay in.
    pub currency: Currency,
    /// Who takes the money.
    pub provider: PaymentProvider,
}

/// The packages, and who takes the money.
#[derive(Serialize, ToSchema)]
pub struct Packages {
    /// The packages.
    pub packages: Vec<PackageView>,
    /// Who takes the money. Empty where nothing is sold.
    pub providers: Vec<PaymentProviderView>,
}

/// A package: one payment, no subscription. Its credits never expire.
#[derive(Serialize, ToSchema)]
pub struct PackageView {
    /// Its id.
    pub id: String,
    /// What people read.
    pub title: String,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates.
    pub plan: Plan,
    /// What it costs, without tax: one price for each currency.
    pub prices: Vec<Money>,
}

impl From<&Package> for PackageView {
    fn from(package: &Package) -> Self {
        Self {
            id: package.id.to_owned(),
            title: package.title.to_owned(),
            credits: package.credits,
            plan: package.plan,
            prices: package.prices.to_vec(),
        }
    }
}

/// Who takes the money.
#[derive(Serialize, ToSchema)]
pub struct PaymentProviderView {
    /// What a checkout names it by.
    pub id: PaymentProvider,
    /// Its privacy policy: it processes the card, we never see it.
    pub privacy_policy: String,
}

impl From<PaymentProvider> for PaymentProviderView {
    fn from(id: PaymentProvider) -> Self {
        let privacy_policy = match id {
            PaymentProvider::Stripe => "https://stripe.com/privacy",
            PaymentProvider::Paypal => "https://www.paypal.com/legalhub/privacy-full",
        };
        Self { id, privacy_policy: privacy_policy.to_owned() }
    }
}

/// A refund.
#[derive(Serialize, ToSchema)]
pub struct RefundView {
    /// The provider's id of it.
    pub id: String,
    /// What went back.
    pub amount: Money,
    /// Whether it failed or was canceled, so that the money stayed.
    pub reverted: bool,
}

/// A payment, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// Who takes the money.
    pub provider: PaymentProvider,
    /// The id of the package.
    pub package: String,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates.
    pub plan: Plan,
    /// What the package costs, without tax.
    pub price: Money,
    /// What it has come to.
    pub status: PaymentStatus,
    /// The provider's page to pay on; given once, when the checkout is made.
    pub url: Option<String>,
    /// What was paid, with tax.
    pub total: Option<Money>,
    /// The provider's id of the transaction.
    pub transaction: Option<String>,
    /// Where the provider sent its receipt.
    pub billing_email: Option<String>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// Refunds.
    pub refunds: Vec<RefundView>,
    /// Credits that were granted.
    pub granted: Credits,
    /// Credits of those that were taken back.
    pub clawed_back: Credits,
    /// When the checkout was made.
    pub created_at: Timestamp,
    /// Until when it can be paid.
    pub closes_at: Timestamp,
}

impl PaymentView {
    /// With the page to pay on, where it is given.
    #[must_use]
    pub fn new(payment: Payment, url: Option<String>) -> Self {
        let currency = payment.price.currency;
        let (status, closes_at) = (payment.status(), payment.closes_at());
        let refunds = payment.refunds.into_iter().map(|(id, refund)| RefundView {
            id,
            amount: Money::new(refund.amount, currency),
            reverted: refund.state == RefundState::Reverted,
        });
        let receipt = payment.receipt;
        Self {
            id: payment.id,
            provider: payment.provider,
            package: payment.package,
            credits: payment.credits,
            plan: payment.plan,
            price: payment.price,
            status,
            url,
            total: receipt.as_ref().map(|receipt| receipt.total),
            transaction: receipt.as_ref().map(|receipt| receipt.transaction.clone()),
            paid_at: receipt.as_ref().map(|receipt| receipt.at),
            billing_email: receipt.and_then(|receipt| receipt.billing_email),
            refunds: refunds.collect(),
            granted: payment.granted,
            clawed_back: payment.clawed_back,
            created_at: payment.created_at,
            closes_at,
        }
    }
}

/// Own payments, newest first.
#[derive(Serialize, ToSchema)]
pub struct PaymentPage {
    /// The payments.
    pub items: Vec<PaymentView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// What waits for staff: payments, then money that must go back, then accounts, of each kind the longest waiting first.
#[derive(Serialize, ToSchema)]
pub struct ReviewPage {
    /// What waits. It may be fewer than were asked for, and more on the next page.
    pub items: Vec<ReviewView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// Something that waits for staff.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReviewView {
    /// A payment whose credits wait.
    Payment(HeldPaymentView),
    /// Money that must go back.
    Unclaimed(UnclaimedView),
    /// A question that is not answered.
    Ticket(OpenTicketView),
    /// A letter that is not answered.
    Letter(OpenGuestTicketView),
    /// An account that may not spend.
    Account(FrozenAccountView),
}

/// Money that was paid for a payment that is gone, with its account or because nobody paid it for 90 days.
#[derive(Serialize, ToSchema)]
pub struct UnclaimedView {
    /// Our id of the payment, which the provider's documents carry.
    pub payment: PaymentId,
    /// Who took the money.
    pub provider: PaymentProvider,
    /// The provider's id of the checkout or the transaction, to refund it by.
    pub transaction: String,
    /// How much, if that was said.
    pub total: Option<Money>,
    /// When it was first heard of.
    pub at: Timestamp,
    /// When staff said that it went back.
    pub refunded_at: Option<Timestamp>,
}

impl From<UnclaimedPayment> for UnclaimedView {
    fn from(unclaimed: UnclaimedPayment) -> Self {
        let UnclaimedPayment { payment, provider: rail, transaction, total, at, refunded_at, .. } = unclaimed;
        Self { payment, provider: rail, transaction, total, at, refunded_at }
    }
}

/// A payment whose credits wait for a decision, or waited.
#[derive(Serialize, ToSchema)]
pub struct HeldPaymentView {
    /// Whose.
    pub account: AccountId,
    /// Its id.
    pub id: PaymentId,
    /// Who took the money.
    pub provider: PaymentProvider,
    /// The provider's id of the transaction.
    pub transaction: Option<String>,
    /// What was paid, with tax.
    pub total: Option<Money>,
    /// The credits that wait.
    pub credits: Credits,
    /// Which rule spoke.
    pub reason: ReviewReason,
    /// Since when.
    pub at: Timestamp,
    /// Whether the credits were granted, if it was decided.
    pub released: Option<bool>,
    /// Why.
    pub note: Option<String>,
}

impl HeldPaymentView {
    /// `None` if no rule spoke.
    #[must_use]
    pub fn of(payment: Payment) -> Option<Self> {
        let review = payment.review?;
        Some(Self {
            account: payment.account,
            id: payment.id,
            provider: payment.provider,
            transaction: payment.receipt.as_ref().map(|receipt| receipt.transaction.clone()),
            total: payment.receipt.map(|receipt| receipt.total),
            credits: payment.credits,
            reason: review.reason,
            at: review.at,
            released: review.decision.as_ref().map(|decision| decision.release),
            note: review.decision.map(|decision| decision.note),
        })
    }
}

/// Why an account may not spend.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreezeReasonView {
    /// A payment is disputed.
    Dispute,
    /// A warning of fraud, or a case.
    Warning,
    /// Disputes were lost.
    LostDisputes,
    /// Many accounts were opened from one network in a day.
    ManyAccounts,
    /// A member of staff froze it.
    Staff,
}

/// A time for which an account may not spend.
#[derive(Serialize, ToSchema)]
pub struct FreezeView {
    /// Why.
    pub reason: FreezeReasonView,
    /// About which payment.
    pub payment: Option<PaymentId>,
    /// Since when.
    pub at: Timestamp,
    /// Until when, if it is over.
    pub lifted_at: Option<Timestamp>,
    /// What the member of staff wrote who froze it or lifted it.
    pub note: Option<String>,
}

impl From<Freeze> for FreezeView {
    fn from(freeze: Freeze) -> Self {
        let (reason, payment) = match freeze.reason {
            FreezeReason::Dispute { payment, .. } => (FreezeReasonView::Dispute, Some(payment)),
            FreezeReason::Warning { payment, .. } => (FreezeReasonView::Warning, Some(payment)),
            FreezeReason::LostDisputes { .. } => (FreezeReasonView::LostDisputes, None),
            FreezeReason::ManyAccounts => (FreezeReasonView::ManyAccounts, None),
            FreezeReason::Staff => (FreezeReasonView::Staff, None),
        };
        Self { reason, payment, at: freeze.at, lifted_at: freeze.lifted_at, note: freeze.note }
    }
}

/// An account that may not spend, or might not.
#[derive(Serialize, ToSchema)]
pub struct FrozenAccountView {
    /// Which.
    pub account: AccountId,
    /// Every such time, the oldest first.
    pub freezes: Vec<FreezeView>,
}

impl From<Account> for FrozenAccountView {
    fn from(account: Account) -> Self {
        let freezes = account.freezes.into_iter().map(FreezeView::from).collect();
        Self { account: account.id, freezes }
    }
}

/// What a member of staff decides about a payment whose credits wait.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentDecision {
    /// Whether the credits are granted. A refused payment stays in the list until it is refunded or granted.
    pub release: bool,
    /// Why: 1 to 500 characters. The account's owner gets it with their data.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// What a member of staff decides about an account's spending.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendingDecision {
    /// Whether it may spend.
    pub allowed: bool,
    /// Why: 1 to 500 characters. The account's owner gets it with their data.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// An event, as Stripe [sends it](https://docs.stripe.com/api/events/object). Only its signature makes it one.
#[derive(ToSchema)]
pub struct StripeEvent {
    /// Its id.
    pub id: String,
    /// What it is about: `checkout.session.completed` and so on.
    pub r#type: String,
    /// Whether it is about real money.
    pub livemode: bool,
}

/// A notification, as PayPal
/// [sends it](https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/). Only PayPal's word makes it one.
#[derive(ToSchema)]
pub struct IpnMessage {
    /// The transaction.
    pub txn_id: Option<String>,
    /// What became of it.
    pub payment_status: Option<String>,
    /// The encoding of the message.
    pub charset: Option<String>,
}
