//! Describes the API of packages and checkouts.

use domain::{
    AccountId, Credits, PaymentId,
    accounts::{
        account::Account,
        plan::{Plan, Plans},
    },
    catalogue::packages::Package,
    money::{Currency, Money},
    payments::{
        gift::{Gift, GiftState},
        payment::{DisputeState, DisputeSummary, Payment, PaymentProvider, PaymentStatus, RefundState},
        tax::Tax,
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{
    Parameter::{IdempotencyKey, Page},
    operations,
};

operations! {
    /// Lists the packages of credits and the payment providers. A package is one payment, and its credits never expire.
    LIST_PACKAGES = get("/v1/packages", "checkout").public()
        .returns::<Packages>(200);

    /// Creates a checkout for a package, for the account or as a gift. The response has the provider's payment page, once. Without an Idempotency-Key a
    /// repeat creates another checkout.
    CREATE = post("/v1/checkout", "checkout")
        .takes::<CheckoutRequest>(r#"{"package": "starter", "currency": "EUR", "provider": "stripe"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<PaymentView>(201).problems(&[400, 404, 409, 413, 415, 422, 429, 502]);

    /// Lists the account's payments, newest first.
    LIST = get("/v1/checkout", "checkout")
        .parameters(&[Page]).returns::<PaymentPage>(200).problems(&[400]);

    /// Shows a payment. Polls the provider while the checkout is open, and grants the credits as soon as it is paid. Shows the code of a
    /// gift that can be redeemed.
    SHOW = get("/v1/checkout/{id}", "checkout")
        .returns::<PaymentView>(200).problems(&[404]);

    /// Captures a payment that the buyer approved with PayPal, and grants the credits. A repeat captures nothing more. If PayPal
    /// declined the means of payment, the response has the payment page again. On 409 the detail says what the buyer can do.
    CAPTURE = post("/v1/checkout/{id}/capture", "checkout")
        .parameters(&[IdempotencyKey])
        .returns::<PaymentView>(200).problems(&[400, 404, 409, 422, 429, 502]);
}

/// Chooses a package, a currency and a payment provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The id of the package.
    #[schema(max_length = 64)]
    pub package: String,
    /// The currency to pay in.
    pub currency: Currency,
    /// The payment provider.
    pub provider: PaymentProvider,
    /// Whether it is a gift: the credits and the plan are for the account that redeems its code, once.
    #[serde(default)]
    pub gift: bool,
}

/// Shows the packages and the payment providers.
#[derive(Serialize, ToSchema)]
pub struct Packages {
    /// The packages.
    pub packages: Vec<PackageView>,
    /// The plans, the smallest first.
    pub plans: Vec<PlanView>,
    /// The credits that a new account gets for free.
    pub welcome_credits: Credits,
    /// The payment providers. Empty if this deployment sells nothing.
    pub providers: Vec<PaymentProviderView>,
    /// Whether tax is added to the prices, or contained in them.
    pub tax: Tax,
}

/// Shows a plan.
#[derive(Clone, Serialize, ToSchema)]
pub struct PlanView {
    /// The plan.
    pub plan: Plan,
    /// The days for which files are kept, counted from when each was stored. Those that were stored on an earlier plan
    /// follow a change of the plan.
    pub retention_days: u32,
}

impl PlanView {
    /// Lists all plans, the smallest first.
    #[must_use]
    pub fn all(plans: &Plans) -> Vec<Self> {
        let view = |plan| Self { plan, retention_days: plans.limits(plan).retention_days };
        [Plan::Free, Plan::Plus, Plan::Pro].map(view).into()
    }
}

/// Shows a package: one payment, no subscription. Its credits never expire.
#[derive(Serialize, ToSchema)]
pub struct PackageView {
    /// The id.
    pub id: String,
    /// The name that people see.
    pub title: String,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates.
    pub plan: Plan,
    /// The prices, one for each currency.
    pub prices: Vec<Money>,
}

impl From<&Package> for PackageView {
    fn from(package: &Package) -> Self {
        Self {
            id: package.id.clone(),
            title: package.title.clone(),
            credits: package.credits,
            plan: package.plan,
            prices: package.prices.clone(),
        }
    }
}

/// Shows a payment provider.
#[derive(Serialize, ToSchema)]
pub struct PaymentProviderView {
    /// The id, for checkouts.
    pub id: PaymentProvider,
    /// The provider's privacy policy. Card data goes to the provider only.
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

/// Shows a refund.
#[derive(Serialize, ToSchema)]
pub struct RefundView {
    /// The provider's id of the refund.
    pub id: String,
    /// The refunded amount.
    pub amount: Money,
    /// Whether the refund failed or was canceled.
    pub reverted: bool,
}

/// Shows a dispute, a case or a fraud warning.
#[derive(Serialize, ToSchema)]
pub struct DisputeView {
    /// The provider's id.
    pub id: String,
    /// Its state.
    pub state: DisputeState,
    /// The disputed amount, if there is one.
    pub amount: Option<Money>,
    /// Until when the operator can respond at the provider, if it reported that.
    pub respond_by: Option<Timestamp>,
}

impl From<DisputeSummary> for DisputeView {
    fn from(DisputeSummary { id, state, amount, respond_by }: DisputeSummary) -> Self {
        Self { id, state, amount, respond_by }
    }
}

/// Shows a gift.
#[derive(Serialize, ToSchema)]
pub struct GiftView {
    /// What became of it.
    pub state: GiftState,
    /// The credits that the code gives, or gave.
    pub credits: Credits,
    /// The code, as long as it can be redeemed. Only in the response that shows one payment.
    pub code: Option<String>,
    /// When it was redeemed.
    pub redeemed_at: Option<Timestamp>,
    /// The account that redeemed it, until it is deleted. Only for staff.
    pub redeemed_by: Option<AccountId>,
}

/// Shows a payment to the account owner.
#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    /// The id.
    pub id: PaymentId,
    /// The payment provider.
    pub provider: PaymentProvider,
    /// The id of the package.
    pub package: String,
    /// The credits that the package grants.
    pub credits: Credits,
    /// The plan that the package activates.
    pub plan: Plan,
    /// The gift that it pays for, if it is one.
    pub gift: Option<GiftView>,
    /// The price of the package, as it was listed.
    pub price: Money,
    /// How far the payment is.
    pub status: PaymentStatus,
    /// The provider's payment page. Only in the response that created the checkout, and in that of a capture whose means of
    /// payment was declined.
    pub url: Option<String>,
    /// The amount that was paid, with tax.
    pub total: Option<Money>,
    /// The provider's id of the transaction.
    pub transaction: Option<String>,
    /// The address that the provider sent its receipt to.
    pub billing_email: Option<String>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// The refunds.
    pub refunds: Vec<RefundView>,
    /// The disputes, cases and fraud warnings. Only for staff.
    pub disputes: Vec<DisputeView>,
    /// The credits that were granted.
    pub granted: Credits,
    /// The granted credits that were clawed back.
    pub clawed_back: Credits,
    /// When the checkout was created.
    pub created_at: Timestamp,
    /// When the checkout closes if it is not paid.
    pub closes_at: Timestamp,
}

impl PaymentView {
    /// Shows a payment with what is stored of its gift and of the account that bought it, and the payment page if the buyer has to go
    /// there now.
    #[must_use]
    pub fn new(payment: Payment, gift: Option<&Gift>, buyer: Option<&Account>, url: Option<String>) -> Self {
        let state = payment.gift_state(gift, buyer);
        let redeemed_at = gift.and_then(|gift| gift.redeemed_at);
        let view = |(state, credits)| GiftView { state, credits, code: None, redeemed_at, redeemed_by: None };
        let gift = state.map(view);
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
            gift,
            price: payment.price,
            status,
            url,
            total: receipt.as_ref().map(|receipt| receipt.total),
            transaction: receipt.as_ref().map(|receipt| receipt.transaction.clone()),
            paid_at: receipt.as_ref().map(|receipt| receipt.at),
            billing_email: receipt.and_then(|receipt| receipt.billing_email),
            refunds: refunds.collect(),
            disputes: Vec::new(),
            granted: payment.granted,
            clawed_back: payment.clawed_back,
            created_at: payment.created_at,
            closes_at,
        }
    }

    /// Adds the code of a gift that can be redeemed.
    #[must_use]
    pub fn with_code(mut self, code: impl FnOnce() -> String) -> Self {
        if let Some(gift) = self.gift.as_mut().filter(|gift| gift.state == GiftState::Open) {
            gift.code = Some(code());
        }
        self
    }

    /// Shows a payment to staff, who also see its disputes, and which account redeemed its gift.
    #[must_use]
    pub fn for_staff(payment: Payment, gift: Option<&Gift>, buyer: Option<&Account>) -> Self {
        let disputes = payment.dispute_summaries().into_iter().map(DisputeView::from).collect();
        let mut view = Self { disputes, ..Self::new(payment, gift, buyer, None) };
        if let Some(view) = view.gift.as_mut() {
            view.redeemed_by = gift.and_then(|gift| gift.redeemed_by);
        }
        view
    }
}

/// Shows a page of the account's payments, newest first.
#[derive(Serialize, ToSchema)]
pub struct PaymentPage {
    /// The payments.
    pub items: Vec<PaymentView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
