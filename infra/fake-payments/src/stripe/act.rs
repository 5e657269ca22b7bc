//! What buyers, banks and Stripe do to a payment, and which events follow.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::event::Event;
use super::object;
use super::payment::{
    Attempt, Dispute, DisputeStatus, Method, Movement, Outcome, Payment, Refund, RefundStatus, Status,
};
use crate::control::Form;
use crate::ids;
use crate::refusal::Refusal;

const CARD: &str = "4242424242424242";

/// One thing that can happen, under the name that its route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// By card; the money is there at once.
    Pay,
    /// By direct debit; the session is complete, the money comes later (`arrive`) or never (`bounce`).
    PayLater,
    /// By a card that is declined. The session stays open.
    Refuse,
    Expire,
    Arrive,
    Bounce,
    /// Of `amount`, or of all that is left.
    Refund,
    /// The same, but the bank has not answered yet.
    RefundSlowly,
    /// A slow refund succeeds.
    SettleRefund,
    /// The bank sends the refund back, be it slow or done.
    FailRefund,
    CancelRefund,
    /// The buyer's bank asks; no money moves.
    Inquire,
    /// Of `amount`, or of the whole charge. The money leaves with `withdraw`.
    Dispute,
    /// An inquiry becomes a dispute.
    Escalate,
    /// We sent evidence.
    Respond,
    Withdraw,
    Reinstate,
    Win,
    Lose,
    CloseInquiry,
    /// The card's network warns of fraud.
    Warn,
}

/// Does it, or leaves all as it was. `form.id` names the refund or dispute; without it the newest is meant.
pub(crate) fn act(
    payment: &mut Payment,
    action: Action,
    form: &Form,
    now: Timestamp,
    base_url: &str,
) -> Result<Vec<Event>, Refusal> {
    let seconds = now.as_second();
    let session = |kind, payment: &Payment| Ok(vec![Event::new(kind, object::session(payment, base_url, &[]))]);
    match action {
        Action::Pay => {
            attempt(payment, Outcome::Succeeded, form, seconds)?;
            session("checkout.session.completed", payment)
        }
        Action::PayLater => {
            attempt(payment, Outcome::Pending, form, seconds)?;
            session("checkout.session.completed", payment)
        }
        Action::Refuse => {
            attempt(payment, Outcome::Failed, form, seconds)?;
            Ok(Vec::new())
        }
        Action::Expire => {
            expire(payment)?;
            session("checkout.session.expired", payment)
        }
        Action::Arrive => {
            settle(payment, Outcome::Succeeded)?;
            session("checkout.session.async_payment_succeeded", payment)
        }
        Action::Bounce => {
            settle(payment, Outcome::Failed)?;
            session("checkout.session.async_payment_failed", payment)
        }
        Action::Refund => refund(payment, RefundStatus::Succeeded, form, seconds),
        Action::RefundSlowly => refund(payment, RefundStatus::Pending, form, seconds),
        Action::SettleRefund => change_refund(payment, RefundStatus::Succeeded, form),
        Action::FailRefund => change_refund(payment, RefundStatus::Failed, form),
        Action::CancelRefund => change_refund(payment, RefundStatus::Canceled, form),
        Action::Inquire => dispute(payment, DisputeStatus::WarningNeedsResponse, form, seconds),
        Action::Dispute => dispute(payment, DisputeStatus::NeedsResponse, form, seconds),
        Action::Withdraw | Action::Reinstate => move_money(payment, action, form, seconds),
        Action::Escalate | Action::Respond | Action::Win | Action::Lose | Action::CloseInquiry => {
            change_dispute(payment, action, form)
        }
        Action::Warn => {
            let warning = object::warning(charged(payment)?, &ids::stripe("issfr_1"), seconds);
            Ok(vec![Event::new("radar.early_fraud_warning.created", warning)])
        }
    }
}

fn attempt(payment: &mut Payment, result: Outcome, form: &Form, now: i64) -> Result<(), Refusal> {
    if payment.status != Status::Open {
        return Err(Refusal::NotNow("this session is no longer open"));
    }
    let email = form.email().or(payment.purchase.customer_email.as_deref()).unwrap_or("jose@buyer.example").to_owned();
    let name = form.name().unwrap_or("José Müller").to_owned();
    // A second attempt belongs to the same payment intent.
    let intent = payment.attempt.take().map_or_else(|| ids::stripe("pi_3"), |refused| refused.intent);
    let method = if result == Outcome::Pending { Method::Debit } else { card(form.card().unwrap_or(CARD)) };
    payment.attempt = Some(Attempt { intent, charge: ids::stripe("ch_3"), created: now, method, email, name, result });
    if result != Outcome::Failed {
        payment.status = Status::Complete;
    }
    Ok(())
}

fn card(number: &str) -> Method {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let last4 = digits.iter().skip(digits.len().saturating_sub(4)).collect();
    Method::Card { fingerprint: ids::fingerprint(&digits.into_iter().collect::<String>()), last4 }
}

fn expire(payment: &mut Payment) -> Result<(), Refusal> {
    if payment.status != Status::Open {
        return Err(Refusal::NotNow("this session is no longer open"));
    }
    payment.status = Status::Expired;
    Ok(())
}

fn settle(payment: &mut Payment, result: Outcome) -> Result<(), Refusal> {
    match payment.attempt.as_mut() {
        Some(attempt) if attempt.result == Outcome::Pending => {
            attempt.result = result;
            Ok(())
        }
        _ => Err(Refusal::NotNow("no delayed payment is under way")),
    }
}

fn refund(payment: &mut Payment, status: RefundStatus, form: &Form, created: i64) -> Result<Vec<Event>, Refusal> {
    let attempt = charged(payment)?.clone();
    let before = payment.refunded();
    let amount = form.amount_of(payment.purchase.total().saturating_sub(before))?;
    let refund = Refund { id: ids::stripe("re_3"), created, amount, status };
    let object = object::refund(payment, &attempt, &refund);
    payment.refunds.push(refund);
    let charge = object::charge(payment, &attempt);
    Ok(vec![
        Event::new("refund.created", object),
        Event::new("charge.refunded", charge).after(json!({"amount_refunded": before})),
    ])
}

fn change_refund(payment: &mut Payment, status: RefundStatus, form: &Form) -> Result<Vec<Event>, Refusal> {
    let attempt = charged(payment)?.clone();
    let named = |refund: &&mut Refund| form.id().is_none_or(|id| id == refund.id);
    let refund = payment.refunds.iter_mut().rev().find(named).ok_or(Refusal::Unknown("refund"))?;
    let before = refund.status;
    match (before, status) {
        (RefundStatus::Pending, _) | (RefundStatus::Succeeded, RefundStatus::Failed) => refund.status = status,
        _ => return Err(Refusal::NotNow("this refund is done")),
    }
    let refund = refund.clone();
    let object = object::refund(payment, &attempt, &refund);
    let mut events = vec![Event::new("refund.updated", object.clone()).after(json!({"status": before}))];
    if status == RefundStatus::Failed {
        events.push(Event::new("refund.failed", object));
    }
    Ok(events)
}

fn dispute(payment: &mut Payment, status: DisputeStatus, form: &Form, created: i64) -> Result<Vec<Event>, Refusal> {
    let attempt = charged(payment)?.clone();
    let amount = form.amount_of(payment.purchase.total())?;
    let dispute = Dispute { id: ids::stripe("du_1"), created, amount, status, movements: Vec::new() };
    let object = object::dispute(payment, &attempt, &dispute);
    payment.disputes.push(dispute);
    Ok(vec![Event::new("charge.dispute.created", object)])
}

fn move_money(payment: &mut Payment, action: Action, form: &Form, created: i64) -> Result<Vec<Event>, Refusal> {
    let attempt = charged(payment)?.clone();
    let dispute = named_dispute(payment, form)?;
    let (kind, amount) = match (action, dispute.balance()) {
        (Action::Withdraw, 0) if !dispute.inquiry() => ("charge.dispute.funds_withdrawn", -dispute.amount),
        (Action::Reinstate, out) if out < 0 => ("charge.dispute.funds_reinstated", -out),
        _ => return Err(Refusal::NotNow("this dispute's money is elsewhere")),
    };
    dispute.movements.push(Movement { id: ids::stripe("txn_1"), created, amount });
    let dispute = dispute.clone();
    Ok(vec![Event::new(kind, object::dispute(payment, &attempt, &dispute))])
}

fn change_dispute(payment: &mut Payment, action: Action, form: &Form) -> Result<Vec<Event>, Refusal> {
    let attempt = charged(payment)?.clone();
    let dispute = named_dispute(payment, form)?;
    if dispute.closed() {
        return Err(Refusal::NotNow("this dispute is closed"));
    }
    let before = dispute.status;
    dispute.status = match (action, dispute.inquiry()) {
        (Action::Escalate, true) => DisputeStatus::NeedsResponse,
        (Action::Respond, true) => DisputeStatus::WarningUnderReview,
        (Action::Respond, false) => DisputeStatus::UnderReview,
        (Action::CloseInquiry, true) => DisputeStatus::WarningClosed,
        (Action::Win, false) => DisputeStatus::Won,
        (Action::Lose, false) => DisputeStatus::Lost,
        (_, true) => return Err(Refusal::NotNow("this is an inquiry")),
        (_, false) => return Err(Refusal::NotNow("this is no inquiry")),
    };
    let dispute = dispute.clone();
    let kind = if dispute.closed() { "charge.dispute.closed" } else { "charge.dispute.updated" };
    let object = object::dispute(payment, &attempt, &dispute);
    Ok(vec![Event::new(kind, object).after(json!({"status": before}))])
}

fn named_dispute<'a>(payment: &'a mut Payment, form: &Form) -> Result<&'a mut Dispute, Refusal> {
    let named = |dispute: &&mut Dispute| form.id().is_none_or(|id| id == dispute.id);
    payment.disputes.iter_mut().rev().find(named).ok_or(Refusal::Unknown("dispute"))
}

/// The attempt that moved money.
fn charged(payment: &Payment) -> Result<&Attempt, Refusal> {
    match &payment.attempt {
        Some(attempt) if attempt.result == Outcome::Succeeded => Ok(attempt),
        _ => Err(Refusal::NotNow("this session is not paid")),
    }
}
