//! Describes freezes: the times in which an account may not spend credits, publish or share.

use domain::{
    AccountId, PaymentId,
    accounts::{
        account::Account,
        freeze::{Freeze, FreezeReason},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Says why an account may not spend credits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreezeReasonView {
    /// A payment is disputed.
    Dispute,
    /// The payment provider warned of fraud, or opened a case.
    Warning,
    /// The account lost disputes.
    LostDisputes,
    /// Many accounts were opened from one network in a day.
    ManyAccounts,
    /// Another account with the same address is or was frozen or in debt.
    EarlierAccount,
    /// A moderation case was decided against the account.
    Moderation,
    /// As many prompts and outputs of the account were blocked as the operator allows.
    BlockedContent,
    /// A staff member froze the account.
    Staff,
}

/// Shows a freeze.
#[derive(Serialize, ToSchema)]
pub struct FreezeView {
    /// The reason.
    pub reason: FreezeReasonView,
    /// The payment that caused it.
    pub payment: Option<PaymentId>,
    /// When it began.
    pub at: Timestamp,
    /// When it was lifted.
    pub lifted_at: Option<Timestamp>,
    /// The note of the staff member who froze or unfroze the account.
    pub note: Option<String>,
}

impl From<Freeze> for FreezeView {
    fn from(freeze: Freeze) -> Self {
        let (reason, payment) = match freeze.reason {
            FreezeReason::Dispute { payment, .. } => (FreezeReasonView::Dispute, Some(payment)),
            FreezeReason::Warning { payment, .. } => (FreezeReasonView::Warning, Some(payment)),
            FreezeReason::LostDisputes { .. } => (FreezeReasonView::LostDisputes, None),
            FreezeReason::ManyAccounts => (FreezeReasonView::ManyAccounts, None),
            FreezeReason::EarlierAccount => (FreezeReasonView::EarlierAccount, None),
            FreezeReason::Moderation { .. } => (FreezeReasonView::Moderation, None),
            FreezeReason::BlockedContent { .. } => (FreezeReasonView::BlockedContent, None),
            FreezeReason::Staff => (FreezeReasonView::Staff, None),
        };
        Self { reason, payment, at: freeze.at, lifted_at: freeze.lifted_at, note: freeze.note }
    }
}

/// Shows an account with its freezes to staff.
#[derive(Serialize, ToSchema)]
pub struct FrozenAccountView {
    /// The id of the account.
    pub account: AccountId,
    /// All freezes, oldest first.
    pub freezes: Vec<FreezeView>,
}

impl From<Account> for FrozenAccountView {
    fn from(account: Account) -> Self {
        let freezes = account.freezes.into_iter().map(FreezeView::from).collect();
        Self { account: account.id, freezes }
    }
}
