//! Describes the API of the review list: what waits for a decision of a staff member.

use domain::{
    AccountId, AuditEntryId, Credits, PaymentId,
    accounts::plan::Plan,
    credits::ledger::Balance,
    money::Money,
    payments::{
        payment::{Payment, PaymentProvider, UnclaimedPayment},
        review::ReviewReason,
    },
    staff::{
        approval::Approval,
        audit::{AuditAction, AuditEntry},
        role::Role::{Finance, Moderation, Support},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    moderation::cases::OpenCaseView,
    operation::{
        Parameter::{IdempotencyKey, Page},
        operations,
    },
    payments::freezes::FrozenAccountView,
    staff::case_work::CaseWorkView,
    support::{guest_tickets::OpenGuestTicketView, tickets::OpenTicketView},
};

operations! {
    /// Lists what waits for the roles of the caller: approvals, moderation cases, payments under review, unclaimed payments to
    /// refund, unanswered tickets and guest tickets, frozen accounts; of each kind the longest waiting first (staff). Approvals
    /// about the caller are left out.
    LIST = get("/v1/staff/reviews", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .parameters(&[Page]).returns::<ReviewPage>(200).problems(&[400, 403, 404]);

    /// Grants or refuses the credits of a payment under review (staff).
    DECIDE = post("/v1/staff/accounts/{account}/payments/{payment}/decision", "staff-review")
        .staff(&[Finance])
        .takes::<PaymentDecision>(r#"{"release": true, "note": "asked the buyer"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<HeldPaymentView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Freezes an account, so that it may not spend credits, or unfreezes it (staff).
    SET_SPENDING = post("/v1/staff/accounts/{account}/spending", "staff-review")
        .staff(&[Finance, Moderation])
        .takes::<SpendingDecision>(r#"{"allowed": true, "note": "asked the buyer"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<FrozenAccountView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Grants credits to an account, or takes some that it has available, with a reason that its owner reads in their access log
    /// (staff). Without an Idempotency-Key a repeat grants or takes them again.
    ADJUST_CREDITS = post("/v1/staff/accounts/{account}/credits", "staff-review")
        .staff(&[Finance])
        .takes::<CreditAdjustment>(r#"{"amount": -20, "note": "granted twice by mistake"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<Balance>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Grants a plan to an account, with a reason that its owner reads in their access log (staff): it is on this plan at least,
    /// whatever it pays for. `free` takes back what was granted. A repeat changes nothing more.
    GRANT_PLAN = post("/v1/staff/accounts/{account}/plan", "staff-review")
        .staff(&[Finance])
        .takes::<PlanGrant>(r#"{"plan": "pro", "note": "a year for her school"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<GrantedPlanView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Marks an unclaimed payment as refunded, after it was refunded at its provider (staff). It leaves the list.
    MARK_REFUNDED = post("/v1/staff/unclaimed/{payment}/refunded", "staff-review")
        .staff(&[Finance])
        .parameters(&[IdempotencyKey])
        .returns::<UnclaimedView>(200).problems(&[400, 403, 404, 409, 422, 429]);
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

/// Grants or takes credits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditAdjustment {
    /// The credits to grant or, negative, to take: at most 100,000.
    #[schema(minimum = -100_000, maximum = 100_000)]
    pub amount: Credits,
    /// The reason: 1 to 500 characters. The account owner reads it in their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Grants a plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanGrant {
    /// The plan that the account is on at least.
    pub plan: Plan,
    /// The reason: 1 to 500 characters. The account owner reads it in their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Shows what plan an account is on.
#[derive(Serialize, ToSchema)]
pub struct GrantedPlanView {
    /// The plan: the higher one of what was paid for and what was granted.
    pub plan: Plan,
    /// The plan that staff granted.
    pub granted_plan: Plan,
}

/// Shows a page of the review list.
#[derive(Serialize, ToSchema)]
pub struct ReviewPage {
    /// The cases. May be fewer than the limit while there is a next page.
    pub items: Vec<ReviewView>,
    /// Who has these cases and how many notes there are, of those that a member has or noted something about.
    pub work: Vec<CaseWorkView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows a case that waits for staff.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReviewView {
    /// An approval that a second staff member must give.
    Approval(ApprovalView),
    /// A moderation case: reports to decide about, or an appeal.
    Case(OpenCaseView),
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

/// Shows an approval that a second staff member must give.
#[derive(Serialize, ToSchema)]
pub struct ApprovalView {
    /// The id of the account.
    pub account: AccountId,
    /// The id of the approval: that of the access or the disclosure.
    pub id: AuditEntryId,
    /// The staff member who requests it, as in the access log.
    pub staff: String,
    /// When it was requested.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// What is requested, and why.
    pub action: AuditAction,
    /// Until when it must not be disclosed to the account owner.
    pub undisclosed_until: Option<Timestamp>,
}

impl ApprovalView {
    /// Shows an approval with the entry of the audit log that requests it.
    #[must_use]
    pub fn new(approval: Approval, entry: AuditEntry) -> Self {
        let Approval { account, id, staff, at, expires_at, undisclosed_until, .. } = approval;
        Self { account, id, staff, at, expires_at, action: entry.action, undisclosed_until }
    }
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
    /// The staff member who marked it, as in access logs.
    pub refunded_by: Option<String>,
}

impl From<UnclaimedPayment> for UnclaimedView {
    fn from(unclaimed: UnclaimedPayment) -> Self {
        let UnclaimedPayment { payment, provider, transaction, total, at, refunded_at, refunded_by, .. } = unclaimed;
        Self { payment, provider, transaction, total, at, refunded_at, refunded_by }
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
