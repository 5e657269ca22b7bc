//! Actions of buyers and PayPal on an order, and the messages that follow.

use jiff::Timestamp;
use serde::Deserialize;

use super::ipn::{self, ChildTransaction};
use super::order::{Approval, Capture, CaptureOutcome, CaptureStatus, Order, Refund, Reversal, Status};
use super::webhook::{self, Notice, Setup};
use crate::action_form::ActionForm;
use crate::error::ApiError;
use crate::ids;

/// An action. Its kebab-case name is the last segment of its control route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The buyer approves. The capture will be completed.
    Approve,
    /// The buyer approves. The capture will be pending until `complete` or `deny`.
    ApprovePending,
    /// The buyer approves. The capture will be declined.
    ApproveDeclined,
    /// The buyer approves. The capture request will fail with `INSTRUMENT_DECLINED`, and the buyer has to approve again.
    ApproveInstrumentDeclined,
    /// The buyer approves. Every capture request will fail with `TRANSACTION_REFUSED`.
    ApproveTransactionRefused,
    /// The pending capture is completed.
    Complete,
    /// The pending capture is denied.
    Deny,
    /// The merchant refunds `amount`, or all that is left.
    Refund,
    /// A refund fails: the merchant has its money again. Only the webhook reports it.
    FailRefund,
    /// PayPal takes `amount`, or all that is left, from the merchant for the buyer.
    Reverse,
    /// PayPal returns a reversed amount to the merchant.
    CancelReversal,
    /// The buyer opens a case. No money moves.
    OpenCase,
    /// PayPal settles a chargeback: the merchant loses `amount`, or all that is left.
    SettleChargeback,
    /// PayPal returns the amount of a settled chargeback to the merchant.
    RestoreChargeback,
}

/// Applies `action` and returns the messages that follow. Without an id in `form`, an action on a refund or a reversal applies to
/// the newest one that stands.
///
/// # Errors
/// The status of the order does not allow the action, or the amount is too high. Nothing changes then.
pub(crate) fn apply(
    order: &mut Order,
    action: Action,
    form: &ActionForm,
    setup: Setup<'_>,
    now: Timestamp,
) -> Result<Notice, ApiError> {
    match action {
        Action::Approve => approve(order, CaptureOutcome::Captured(CaptureStatus::Completed), form, setup),
        Action::ApprovePending => approve(order, CaptureOutcome::Captured(CaptureStatus::Pending), form, setup),
        Action::ApproveDeclined => approve(order, CaptureOutcome::Captured(CaptureStatus::Declined), form, setup),
        Action::ApproveInstrumentDeclined => approve(order, CaptureOutcome::InstrumentDeclined, form, setup),
        Action::ApproveTransactionRefused => approve(order, CaptureOutcome::TransactionRefused, form, setup),
        Action::Complete => settle(order, CaptureStatus::Completed, setup, now),
        Action::Deny => settle(order, CaptureStatus::Declined, setup, now),
        _ => {
            let (capture, approval) = completed_capture(order)?;
            change_paid(order, (&capture, &approval), action, form, setup, now)
        }
    }
}

/// Applies an action to an order whose capture is completed.
fn change_paid(
    order: &mut Order,
    paid: (&Capture, &Approval),
    action: Action,
    form: &ActionForm,
    (options, base_url): Setup<'_>,
    now: Timestamp,
) -> Result<Notice, ApiError> {
    match action {
        Action::Refund => {
            let amount = form.amount_up_to(order.unit.amount - order.returned())?;
            let refund = Refund { id: ids::paypal(), at: now, amount, failed: false };
            order.refunds.push(refund.clone());
            let child = child("Refunded", "refund", &refund.id, -amount);
            let ipn = ipn::child_transaction(order, paid, &child, options, now);
            Ok(Notice::new(ipn, webhook::refunded(order, &refund, base_url)))
        }
        Action::FailRefund => {
            let mut made = order.refunds.iter_mut().rev().filter(|refund| !refund.failed);
            let refund =
                made.find(|refund| form.id().is_none_or(|id| id == refund.id)).ok_or(ApiError::NotFound("refund"))?;
            refund.failed = true;
            let refund = refund.clone();
            Ok(Notice { ipn: None, event: Some(webhook::refund_failed(order, &refund, base_url)) })
        }
        Action::Reverse => {
            let reversal = reverse(order, form)?;
            let child = child("Reversed", "chargeback", &reversal.id, -reversal.amount);
            let ipn = ipn::child_transaction(order, paid, &child, options, now);
            Ok(Notice::new(ipn, webhook::reversed(order, &reversal, base_url, now)))
        }
        Action::CancelReversal => {
            let amount = cancel_reversal(order, form)?;
            let txn_id = ids::paypal();
            let child = child("Canceled_Reversal", "chargeback", &txn_id, amount);
            Ok(ipn::child_transaction(order, paid, &child, options, now).into())
        }
        Action::SettleChargeback => {
            let reversal = reverse(order, form)?;
            Ok(ipn::chargeback_settlement(order, paid, &reversal.id, -reversal.amount, options, now).into())
        }
        Action::RestoreChargeback => {
            let amount = cancel_reversal(order, form)?;
            Ok(ipn::chargeback_settlement(order, paid, &ids::paypal(), amount, options, now).into())
        }
        Action::OpenCase => {
            let case_id = format!("PP-D-{}", ids::paypal());
            let ipn = ipn::new_case(order, paid, &case_id, options, now);
            Ok(Notice::new(ipn, webhook::dispute_created(order, paid.0, &case_id, (options, base_url), now)))
        }
        Action::Approve
        | Action::ApprovePending
        | Action::ApproveDeclined
        | Action::ApproveInstrumentDeclined
        | Action::ApproveTransactionRefused
        | Action::Complete
        | Action::Deny => Err(ApiError::Conflict("the order is paid")),
    }
}

/// Captures an approved order, with the outcome that the approval chose. Returns PayPal's name of the issue if the payment
/// fails. After `INSTRUMENT_DECLINED` the order has to be approved again.
///
/// # Errors
/// The order is not approved.
pub(crate) fn capture(
    order: &mut Order,
    request_id: Option<String>,
    setup: Setup<'_>,
    now: Timestamp,
) -> Result<Result<Notice, &'static str>, ApiError> {
    let approval = match &order.approval {
        Some(approval) if order.status == Status::Approved => approval.clone(),
        _ => return Err(ApiError::Conflict("the order is not approved")),
    };
    let status = match approval.outcome {
        CaptureOutcome::Captured(status) => status,
        CaptureOutcome::InstrumentDeclined => {
            order.status = Status::PayerActionRequired;
            order.approval = None;
            return Ok(Err("INSTRUMENT_DECLINED"));
        }
        CaptureOutcome::TransactionRefused => return Ok(Err("TRANSACTION_REFUSED")),
    };
    let capture = Capture { id: ids::paypal(), at: now, status, request_id };
    order.status = Status::Completed;
    order.capture = Some(capture.clone());
    Ok(Ok(payment(order, &capture, &approval, setup, now)))
}

fn approve(
    order: &mut Order,
    outcome: CaptureOutcome,
    form: &ActionForm,
    (options, base_url): Setup<'_>,
) -> Result<Notice, ApiError> {
    if !matches!(order.status, Status::Created | Status::PayerActionRequired) {
        return Err(ApiError::Conflict("the order is already approved"));
    }
    let email = form.email().unwrap_or("jose@buyer.example").to_owned();
    let (given_name, surname) = form.name().unwrap_or("José Müller").split_once(' ').unwrap_or(("José", "Müller"));
    order.approval = Some(Approval {
        payer_id: ids::paypal_payer(&email),
        email,
        given_name: given_name.to_owned(),
        surname: surname.to_owned(),
        outcome,
    });
    order.status = Status::Approved;
    Ok(Notice { ipn: None, event: Some(webhook::approved(order, options, base_url)) })
}

/// The messages about the status of a capture.
fn payment(
    order: &Order,
    capture: &Capture,
    approval: &Approval,
    (options, base_url): Setup<'_>,
    now: Timestamp,
) -> Notice {
    let ipn = ipn::payment(order, capture, approval, options, now);
    Notice::new(ipn, webhook::capture(order, capture, base_url))
}

fn settle(order: &mut Order, status: CaptureStatus, setup: Setup<'_>, now: Timestamp) -> Result<Notice, ApiError> {
    let (Some(capture), Some(approval)) = (order.capture.as_mut(), order.approval.clone()) else {
        return Err(ApiError::Conflict("the order is not captured"));
    };
    if capture.status != CaptureStatus::Pending {
        return Err(ApiError::Conflict("the capture is not pending"));
    }
    capture.status = status;
    let capture = capture.clone();
    Ok(payment(order, &capture, &approval, setup, now))
}

fn reverse(order: &mut Order, form: &ActionForm) -> Result<Reversal, ApiError> {
    let amount = form.amount_up_to(order.unit.amount - order.returned())?;
    let reversal = Reversal { id: ids::paypal(), amount, canceled: false };
    order.reversals.push(reversal.clone());
    Ok(reversal)
}

fn cancel_reversal(order: &mut Order, form: &ActionForm) -> Result<i64, ApiError> {
    let mut active = order.reversals.iter_mut().rev().filter(|reversal| !reversal.canceled);
    let reversal =
        active.find(|reversal| form.id().is_none_or(|id| id == reversal.id)).ok_or(ApiError::NotFound("reversal"))?;
    reversal.canceled = true;
    Ok(reversal.amount)
}

fn completed_capture(order: &Order) -> Result<(Capture, Approval), ApiError> {
    match (&order.capture, &order.approval) {
        (Some(capture), Some(approval)) if capture.status == CaptureStatus::Completed => {
            Ok((capture.clone(), approval.clone()))
        }
        _ => Err(ApiError::Conflict("the order is not paid")),
    }
}

fn child<'a>(payment_status: &'static str, reason_code: &'a str, txn_id: &'a str, gross: i64) -> ChildTransaction<'a> {
    ChildTransaction { payment_status, reason_code, txn_id, gross }
}
