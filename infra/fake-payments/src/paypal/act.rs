//! What buyers and PayPal do to an order, and which message follows.

use jiff::Timestamp;
use serde::Deserialize;

use super::message::{self, Message};
use super::order::{Approval, Capture, CaptureStatus, Order, Outcome, Refund, Reversal, Status};
use crate::control::Form;
use crate::refusal::Refusal;
use crate::{Options, ids};

/// One thing that can happen, under the name that its route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The buyer agrees; the capture will be paid at once.
    Approve,
    /// The capture will be pending, until `complete` or `deny`.
    ApprovePending,
    /// The capture will be made, and declined.
    ApproveDeclined,
    /// The capture will be refused, and the buyer has to choose another means of payment.
    ApproveRefused,
    /// The capture will be refused for good: PayPal takes no money of this buyer.
    ApproveBlocked,
    Complete,
    Deny,
    /// Of `amount`, or of all that is left.
    Refund,
    /// PayPal takes back `amount`, or all that is left, for the buyer.
    Reverse,
    /// A reversal was won.
    CancelReversal,
    OpenCase,
    Adjust,
}

/// Does it, or leaves all as it was. `form.id` names the reversal; without it the newest that stands is meant.
pub(crate) fn act(
    order: &mut Order,
    action: Action,
    form: &Form,
    options: &Options,
    now: Timestamp,
) -> Result<Option<Message>, Refusal> {
    match action {
        Action::Approve => approve(order, Outcome::Captured(CaptureStatus::Completed), form),
        Action::ApprovePending => approve(order, Outcome::Captured(CaptureStatus::Pending), form),
        Action::ApproveDeclined => approve(order, Outcome::Captured(CaptureStatus::Declined), form),
        Action::ApproveRefused => approve(order, Outcome::Refused, form),
        Action::ApproveBlocked => approve(order, Outcome::Blocked, form),
        Action::Complete => settle(order, CaptureStatus::Completed, options, now).map(Some),
        Action::Deny => settle(order, CaptureStatus::Declined, options, now).map(Some),
        Action::Refund => {
            let paid = paid(order)?;
            let amount = form.amount_of(order.purchase.amount - order.returned())?;
            let refund = Refund { id: ids::paypal(), at: now, amount };
            order.refunds.push(refund.clone());
            let child = ("Refunded", "refund", refund.id.as_str(), -amount);
            Ok(Some(message::child(order, (&paid.0, &paid.1), child, options, now)))
        }
        Action::Reverse => {
            let paid = paid(order)?;
            let amount = form.amount_of(order.purchase.amount - order.returned())?;
            let reversal = Reversal { id: ids::paypal(), amount, canceled: false };
            order.reversals.push(reversal.clone());
            let child = ("Reversed", "chargeback", reversal.id.as_str(), -amount);
            Ok(Some(message::child(order, (&paid.0, &paid.1), child, options, now)))
        }
        Action::CancelReversal => {
            let paid = paid(order)?;
            let amount = cancel_reversal(order, form)?;
            let child = ("Canceled_Reversal", "chargeback", &*ids::paypal(), amount);
            Ok(Some(message::child(order, (&paid.0, &paid.1), child, options, now)))
        }
        Action::OpenCase => {
            let (capture, approval) = paid(order)?;
            Ok(Some(message::new_case(order, &capture, &approval, options, now)))
        }
        Action::Adjust => {
            let (capture, approval) = paid(order)?;
            Ok(Some(message::adjustment(order, &capture, &approval, options, now)))
        }
    }
}

/// Takes the money of an approved order, as far as the buyer's choice goes, or says what PayPal calls it that it cannot. If
/// only the means of payment is refused, the order is then as it was before its approval.
pub(crate) fn capture(
    order: &mut Order,
    request_id: Option<String>,
    options: &Options,
    now: Timestamp,
) -> Result<Result<Message, &'static str>, Refusal> {
    let approval = match &order.approval {
        Some(approval) if order.status == Status::Approved => approval.clone(),
        _ => return Err(Refusal::NotNow("this order is not approved")),
    };
    let status = match approval.outcome {
        Outcome::Captured(status) => status,
        Outcome::Refused => {
            order.status = Status::PayerActionRequired;
            order.approval = None;
            return Ok(Err("INSTRUMENT_DECLINED"));
        }
        Outcome::Blocked => return Ok(Err("TRANSACTION_REFUSED")),
    };
    let capture = Capture { id: ids::paypal(), at: now, status, request_id };
    order.status = Status::Completed;
    order.capture = Some(capture.clone());
    Ok(Ok(message::payment(order, &capture, &approval, options, now)))
}

fn approve(order: &mut Order, outcome: Outcome, form: &Form) -> Result<Option<Message>, Refusal> {
    if !matches!(order.status, Status::Created | Status::PayerActionRequired) {
        return Err(Refusal::NotNow("this order was approved before"));
    }
    let email = form.email().unwrap_or("jose@buyer.example").to_owned();
    let (given_name, surname) = form.name().unwrap_or("José Müller").split_once(' ').unwrap_or(("José", "Müller"));
    order.approval = Some(Approval {
        payer_id: ids::payer(&email),
        email,
        given_name: given_name.to_owned(),
        surname: surname.to_owned(),
        outcome,
    });
    order.status = Status::Approved;
    Ok(None)
}

fn settle(order: &mut Order, status: CaptureStatus, options: &Options, now: Timestamp) -> Result<Message, Refusal> {
    let (Some(capture), Some(approval)) = (order.capture.as_mut(), order.approval.clone()) else {
        return Err(Refusal::NotNow("this order is not captured"));
    };
    if capture.status != CaptureStatus::Pending {
        return Err(Refusal::NotNow("this payment is not pending"));
    }
    capture.status = status;
    let capture = capture.clone();
    Ok(message::payment(order, &capture, &approval, options, now))
}

fn cancel_reversal(order: &mut Order, form: &Form) -> Result<i64, Refusal> {
    let mut standing = order.reversals.iter_mut().rev().filter(|reversal| !reversal.canceled);
    let reversal =
        standing.find(|reversal| form.id().is_none_or(|id| id == reversal.id)).ok_or(Refusal::Unknown("reversal"))?;
    reversal.canceled = true;
    Ok(reversal.amount)
}

fn paid(order: &Order) -> Result<(Capture, Approval), Refusal> {
    match (&order.capture, &order.approval) {
        (Some(capture), Some(approval)) if capture.status == CaptureStatus::Completed => {
            Ok((capture.clone(), approval.clone()))
        }
        _ => Err(Refusal::NotNow("this order is not paid")),
    }
}
