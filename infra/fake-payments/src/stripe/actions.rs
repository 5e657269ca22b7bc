//! Actions of buyers, banks and staff on a Stripe payment, and the events that follow.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::events::Event;
use super::objects;
use super::payment::{
    BalanceTransaction, Dispute, DisputeStatus, Method, Payment, PaymentAttempt, PaymentOutcome, Refund, RefundStatus,
    Status,
};
use crate::action_form::ActionForm;
use crate::error::ApiError;
use crate::ids;

const DEFAULT_CARD: &str = "4242424242424242";

/// An action. Its kebab-case name is the last segment of its control route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The buyer pays by card. The payment succeeds.
    Pay,
    /// The buyer pays by direct debit. The session is complete and unpaid until `succeed-delayed` or `fail-delayed`.
    PayDelayed,
    /// The buyer's card is declined. The session stays open.
    Decline,
    Expire,
    SucceedDelayed,
    FailDelayed,
    /// Refunds `amount`, or all that is left. The refund succeeds.
    Refund,
    /// Refunds `amount`, or all that is left. The refund is pending.
    RefundPending,
    /// A pending refund succeeds.
    SucceedRefund,
    /// The bank returns a pending or succeeded refund.
    FailRefund,
    CancelRefund,
    /// The buyer's bank opens an inquiry about `amount`, or about the whole charge. No money moves.
    OpenInquiry,
    /// The buyer disputes `amount`, or the whole charge. `withdraw-funds` moves the money.
    Dispute,
    /// The inquiry becomes a dispute.
    Escalate,
    /// The merchant submits evidence, with a text of `evidence` characters.
    SubmitEvidence,
    /// The dispute was decided, and one side appeals.
    Appeal,
    /// Stripe withdraws the disputed amount from the merchant's balance.
    WithdrawFunds,
    /// Stripe returns all that was withdrawn.
    ReinstateFunds,
    /// Stripe returns `amount` of what was withdrawn. This happens for lost disputes, too, after a partial refund.
    ReinstatePart,
    Win,
    Lose,
    CloseInquiry,
    /// The card network reports likely fraud.
    EarlyFraudWarning,
}

/// Applies `action` and returns the events that follow. Without an id in `form`, an action on a refund or dispute applies
/// to the newest one.
///
/// # Errors
/// The status of the payment does not allow the action, or the amount is too high. Nothing changes then.
pub(crate) fn apply(
    payment: &mut Payment,
    action: Action,
    form: &ActionForm,
    now: Timestamp,
    base_url: &str,
) -> Result<Vec<Event>, ApiError> {
    let seconds = now.as_second();
    let session =
        |event_type, payment: &Payment| Ok(vec![Event::new(event_type, objects::session(payment, base_url, &[]))]);
    match action {
        Action::Pay => {
            record_attempt(payment, PaymentOutcome::Succeeded, form, seconds)?;
            session("checkout.session.completed", payment)
        }
        Action::PayDelayed => {
            record_attempt(payment, PaymentOutcome::Pending, form, seconds)?;
            session("checkout.session.completed", payment)
        }
        Action::Decline => {
            record_attempt(payment, PaymentOutcome::Failed, form, seconds)?;
            Ok(Vec::new())
        }
        Action::Expire => {
            expire(payment)?;
            session("checkout.session.expired", payment)
        }
        Action::SucceedDelayed => {
            settle_delayed(payment, PaymentOutcome::Succeeded)?;
            session("checkout.session.async_payment_succeeded", payment)
        }
        Action::FailDelayed => {
            settle_delayed(payment, PaymentOutcome::Failed)?;
            session("checkout.session.async_payment_failed", payment)
        }
        Action::Refund => create_refund(payment, RefundStatus::Succeeded, form, seconds),
        Action::RefundPending => create_refund(payment, RefundStatus::Pending, form, seconds),
        Action::SucceedRefund => change_refund(payment, RefundStatus::Succeeded, form),
        Action::FailRefund => change_refund(payment, RefundStatus::Failed, form),
        Action::CancelRefund => change_refund(payment, RefundStatus::Canceled, form),
        Action::OpenInquiry => create_dispute(payment, DisputeStatus::WarningNeedsResponse, form, seconds),
        Action::Dispute => create_dispute(payment, DisputeStatus::NeedsResponse, form, seconds),
        Action::WithdrawFunds | Action::ReinstateFunds | Action::ReinstatePart => {
            move_funds(payment, action, form, seconds)
        }
        Action::Escalate
        | Action::SubmitEvidence
        | Action::Appeal
        | Action::Win
        | Action::Lose
        | Action::CloseInquiry => change_dispute(payment, action, form),
        Action::EarlyFraudWarning => {
            let warning = objects::early_fraud_warning(succeeded_attempt(payment)?, &ids::stripe("issfr_1"), seconds);
            Ok(vec![Event::new("radar.early_fraud_warning.created", warning)])
        }
    }
}

fn record_attempt(payment: &mut Payment, outcome: PaymentOutcome, form: &ActionForm, now: i64) -> Result<(), ApiError> {
    if payment.status != Status::Open {
        return Err(ApiError::Conflict("the session is not open"));
    }
    let email = form.email().or(payment.params.customer_email.as_deref()).unwrap_or("jose@buyer.example").to_owned();
    let name = form.name().unwrap_or("José Müller").to_owned();
    // Attempts of one session share a payment intent.
    let intent = payment.attempt.take().map_or_else(|| ids::stripe("pi_3"), |declined| declined.intent);
    let method = if outcome == PaymentOutcome::Pending {
        Method::Debit
    } else {
        card_method(form.card().unwrap_or(DEFAULT_CARD))
    };
    payment.attempt =
        Some(PaymentAttempt { intent, charge: ids::stripe("ch_3"), created: now, method, email, name, outcome });
    if outcome != PaymentOutcome::Failed {
        payment.status = Status::Complete;
    }
    Ok(())
}

fn card_method(number: &str) -> Method {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let last4 = digits.iter().skip(digits.len().saturating_sub(4)).collect();
    Method::Card { fingerprint: ids::fingerprint(&digits.into_iter().collect::<String>()), last4 }
}

fn expire(payment: &mut Payment) -> Result<(), ApiError> {
    if payment.status != Status::Open {
        return Err(ApiError::Conflict("the session is not open"));
    }
    payment.status = Status::Expired;
    Ok(())
}

fn settle_delayed(payment: &mut Payment, outcome: PaymentOutcome) -> Result<(), ApiError> {
    match payment.attempt.as_mut() {
        Some(attempt) if attempt.outcome == PaymentOutcome::Pending => {
            attempt.outcome = outcome;
            Ok(())
        }
        _ => Err(ApiError::Conflict("the session has no pending payment")),
    }
}

fn create_refund(
    payment: &mut Payment,
    status: RefundStatus,
    form: &ActionForm,
    created: i64,
) -> Result<Vec<Event>, ApiError> {
    let attempt = succeeded_attempt(payment)?.clone();
    let before = payment.refunded();
    let amount = form.amount_up_to(payment.params.total().saturating_sub(before))?;
    let refund = Refund { id: ids::stripe("re_3"), created, amount, status };
    let object = objects::refund(payment, &attempt, &refund);
    payment.refunds.push(refund);
    let charge = objects::charge(payment, &attempt);
    Ok(vec![
        Event::new("refund.created", object),
        Event::new("charge.refunded", charge).with_previous(json!({"amount_refunded": before})),
    ])
}

fn change_refund(payment: &mut Payment, status: RefundStatus, form: &ActionForm) -> Result<Vec<Event>, ApiError> {
    let attempt = succeeded_attempt(payment)?.clone();
    let matches = |refund: &&mut Refund| form.id().is_none_or(|id| id == refund.id);
    let refund = payment.refunds.iter_mut().rev().find(matches).ok_or(ApiError::NotFound("refund"))?;
    let before = refund.status;
    match (before, status) {
        (RefundStatus::Pending, _) | (RefundStatus::Succeeded, RefundStatus::Failed) => refund.status = status,
        _ => return Err(ApiError::Conflict("the status of the refund does not allow this")),
    }
    let refund = refund.clone();
    let object = objects::refund(payment, &attempt, &refund);
    let mut events = vec![Event::new("refund.updated", object.clone()).with_previous(json!({"status": before}))];
    if status == RefundStatus::Failed {
        events.push(Event::new("refund.failed", object));
    }
    Ok(events)
}

fn create_dispute(
    payment: &mut Payment,
    status: DisputeStatus,
    form: &ActionForm,
    created: i64,
) -> Result<Vec<Event>, ApiError> {
    let attempt = succeeded_attempt(payment)?.clone();
    let amount = form.amount_up_to(payment.params.total())?;
    let id = ids::stripe("du_1");
    let dispute = Dispute { id, created, amount, status, evidence_characters: 0, balance_transactions: Vec::new() };
    let object = objects::dispute(payment, &attempt, &dispute);
    payment.disputes.push(dispute);
    Ok(vec![Event::new("charge.dispute.created", object)])
}

fn move_funds(payment: &mut Payment, action: Action, form: &ActionForm, created: i64) -> Result<Vec<Event>, ApiError> {
    let attempt = succeeded_attempt(payment)?.clone();
    let dispute = find_dispute(payment, form)?;
    let (event_type, amount) = match (action, dispute.net_balance()) {
        (Action::WithdrawFunds, 0) if !dispute.is_inquiry() => ("charge.dispute.funds_withdrawn", -dispute.amount),
        (Action::ReinstateFunds, balance) if balance < 0 => ("charge.dispute.funds_reinstated", -balance),
        (Action::ReinstatePart, balance) if balance < 0 => {
            ("charge.dispute.funds_reinstated", form.amount_up_to(-balance)?)
        }
        _ => return Err(ApiError::Conflict("the dispute has no funds to move")),
    };
    dispute.balance_transactions.push(BalanceTransaction { id: ids::stripe("txn_1"), created, amount });
    let dispute = dispute.clone();
    Ok(vec![Event::new(event_type, objects::dispute(payment, &attempt, &dispute))])
}

fn change_dispute(payment: &mut Payment, action: Action, form: &ActionForm) -> Result<Vec<Event>, ApiError> {
    let attempt = succeeded_attempt(payment)?.clone();
    let dispute = find_dispute(payment, form)?;
    let before = dispute.status;
    match (action, before) {
        (Action::Appeal, DisputeStatus::Won | DisputeStatus::Lost) => {}
        (Action::Appeal, _) => return Err(ApiError::Conflict("the dispute is not decided")),
        _ if dispute.is_closed() => return Err(ApiError::Conflict("the dispute is closed")),
        _ => {}
    }
    if action == Action::SubmitEvidence {
        dispute.evidence_characters = form.evidence_characters()?;
    }
    dispute.status = match (action, dispute.is_inquiry()) {
        (Action::Appeal, _) => DisputeStatus::AppealNeedsResponse,
        (Action::SubmitEvidence, false) if before == DisputeStatus::AppealNeedsResponse => {
            DisputeStatus::AppealUnderReview
        }
        (Action::Escalate, true) => DisputeStatus::NeedsResponse,
        (Action::SubmitEvidence, true) => DisputeStatus::WarningUnderReview,
        (Action::SubmitEvidence, false) => DisputeStatus::UnderReview,
        (Action::CloseInquiry, true) => DisputeStatus::WarningClosed,
        (Action::Win, false) => DisputeStatus::Won,
        (Action::Lose, false) => DisputeStatus::Lost,
        (_, true) => return Err(ApiError::Conflict("the dispute is an inquiry")),
        (_, false) => return Err(ApiError::Conflict("the dispute is not an inquiry")),
    };
    let dispute = dispute.clone();
    let event_type = if dispute.is_closed() { "charge.dispute.closed" } else { "charge.dispute.updated" };
    let object = objects::dispute(payment, &attempt, &dispute);
    Ok(vec![Event::new(event_type, object).with_previous(json!({"status": before}))])
}

fn find_dispute<'a>(payment: &'a mut Payment, form: &ActionForm) -> Result<&'a mut Dispute, ApiError> {
    let matches = |dispute: &&mut Dispute| form.id().is_none_or(|id| id == dispute.id);
    payment.disputes.iter_mut().rev().find(matches).ok_or(ApiError::NotFound("dispute"))
}

fn succeeded_attempt(payment: &Payment) -> Result<&PaymentAttempt, ApiError> {
    match &payment.attempt {
        Some(attempt) if attempt.outcome == PaymentOutcome::Succeeded => Ok(attempt),
        _ => Err(ApiError::Conflict("the session is not paid")),
    }
}
