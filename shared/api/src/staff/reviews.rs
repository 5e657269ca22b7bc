//! Describes the API of the review list: what waits for a decision of a staff member.

use domain::{
    AccountId, Credits, PaymentId,
    money::Money,
    payments::{
        payment::{Payment, PaymentProvider, UnclaimedPayment},
        review::ReviewReason,
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    operation::{
        Parameter::{IdempotencyKey, Page},
        operations,
    },
    payments::freezes::FrozenAccountView,
    support::{guest_tickets::OpenGuestTicketView, tickets::OpenTicketView},
};

operations! {
    /// Lists what waits for staff: payments under review, unclaimed payments to refund, unanswered tickets and guest
    /// tickets, frozen accounts; of each kind the longest waiting first (staff).
    LIST = get("/v1/staff/reviews", "staff-review")
        .parameters(&[Page]).returns::<ReviewPage>(200).problems(&[400, 404]);

    /// Grants or refuses the credits of a payment under review (staff).
    DECIDE = post("/v1/staff/accounts/{account}/payments/{payment}/decision", "staff-review")
        .takes::<PaymentDecision>(r#"{"release": true, "note": "asked the buyer"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<HeldPaymentView>(200).problems(&[400, 404, 409, 413, 415, 422, 429]);

    /// Freezes an account, so that it may not spend credits, or unfreezes it (staff).
    SET_SPENDING = post("/v1/staff/accounts/{account}/spending", "staff-review")
        .takes::<SpendingDecision>(r#"{"allowed": true, "note": "asked the buyer"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<FrozenAccountView>(200).problems(&[400, 404, 409, 413, 415, 422, 429]);

    /// Marks an unclaimed payment as refunded, after it was refunded at its provider (staff). It leaves the list.
    MARK_REFUNDED = post("/v1/staff/unclaimed/{payment}/refunded", "staff-review")
        .parameters(&[IdempotencyKey])
        .returns::<UnclaimedView>(200).problems(&[400, 404, 409, 422, 429]);
}

/// Decides about a payment under review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentDecision {
    /// Whether the credits are granted. A refused payment stays in the list until it is refunded or granted.
    pub release: bool,
    /// The reason: 1 to 500 characters. The account owner gets it with their data.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Decides whether an account may spend credits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendingDecision {
    /// Whether the account may spend credits.
    pub allowed: bool,
    /// The reason: 1 to 500 characters. The account owner gets it with their data.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Shows a page of the review list.
#[derive(Serialize, ToSchema)]
pub struct ReviewPage {
    /// The cases. May be fewer than the limit while there is a next page.
    pub items: Vec<ReviewView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows a case that waits for staff.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReviewView {
    /// A payment under review.
    Payment(HeldPaymentView),
    /// A payment to refund.
    Unclaimed(UnclaimedView),
    /// An unanswered ticket.
    Ticket(OpenTicketView),
    /// An unanswered guest ticket.
    GuestTicket(OpenGuestTicketView),
    /// A frozen account.
    Account(FrozenAccountView),
}

/// Shows an unclaimed payment: money for a payment that was deleted, with its account or because it was not paid for 90
/// days.
#[derive(Serialize, ToSchema)]
pub struct UnclaimedView {
    /// The id of the payment. The provider's documents have it too.
    pub payment: PaymentId,
    /// The payment provider.
    pub provider: PaymentProvider,
    /// The provider's id of the checkout or the transaction, to refund it.
    pub transaction: String,
    /// The amount, if the provider reported it.
    pub total: Option<Money>,
    /// When it was first reported.
    pub at: Timestamp,
    /// When staff marked it as refunded.
    pub refunded_at: Option<Timestamp>,
}

impl From<UnclaimedPayment> for UnclaimedView {
    fn from(unclaimed: UnclaimedPayment) -> Self {
        let UnclaimedPayment { payment, provider, transaction, total, at, refunded_at, .. } = unclaimed;
        Self { payment, provider, transaction, total, at, refunded_at }
    }
}

/// Shows a payment that is or was under review.
#[derive(Serialize, ToSchema)]
pub struct HeldPaymentView {
    /// The id of the account.
    pub account: AccountId,
    /// The id of the payment.
    pub id: PaymentId,
    /// The payment provider.
    pub provider: PaymentProvider,
    /// The provider's id of the transaction.
    pub transaction: Option<String>,
    /// The amount that was paid, with tax.
    pub total: Option<Money>,
    /// The credits that are not granted yet.
    pub credits: Credits,
    /// The fraud rule that caused the review.
    pub reason: ReviewReason,
    /// When the review began.
    pub at: Timestamp,
    /// Whether the credits were granted, if it is decided.
    pub released: Option<bool>,
    /// The note of the staff member who decided.
    pub note: Option<String>,
}

impl HeldPaymentView {
    /// Shows a payment; `None` if it was never under review.
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
