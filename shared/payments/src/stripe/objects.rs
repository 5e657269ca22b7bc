//! Refunds, disputes and fraud warnings of Stripe, as events and lists contain them. Only what a fact needs is read.
//!
//! The enums of Stripe grow in any version. A value that is not known here moves nothing.

use domain::{
    money::{Currency, Money},
    payments::payment::{Dispute, DisputeOutcome, PaymentFact, PaymentProvider, PaymentReference, RefundState},
};
use jiff::Timestamp;
use serde::Deserialize;

use super::error::WebhookError;
use crate::{ProviderReport, WebhookEvent, kept};

/// <https://docs.stripe.com/api/refunds/object>
#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    status: Option<String>,
    payment_intent: Option<String>,
}

/// <https://docs.stripe.com/api/disputes/object>
#[derive(Deserialize)]
pub(super) struct Disputed {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    payment_intent: Option<String>,
    #[serde(default)]
    balance_transactions: Vec<BalanceTransaction>,
    evidence_details: Option<EvidenceDetails>,
}

#[derive(Deserialize)]
struct EvidenceDetails {
    /// In Unix time. 0 if the bank allows no response.
    due_by: Option<i64>,
}

/// <https://docs.stripe.com/api/balance_transactions/object>, in the currency of the operator's balance.
#[derive(Deserialize)]
struct BalanceTransaction {
    amount: i64,
}

/// <https://docs.stripe.com/api/radar/early_fraud_warnings/object>
#[derive(Deserialize)]
pub(super) struct Warning {
    id: String,
    payment_intent: Option<String>,
}

impl Refund {
    pub(super) fn event(self) -> Result<WebhookEvent, WebhookError> {
        let Some(reference) = reference(self.payment_intent)? else { return Ok(WebhookEvent::Ignored) };
        let Ok(currency) = self.currency.parse::<Currency>() else { return Ok(WebhookEvent::OtherCurrency(reference)) };
        let state = match self.status.as_deref() {
            Some("pending" | "requires_action" | "succeeded") => RefundState::Succeeded,
            Some("failed" | "canceled") => RefundState::Reverted,
            _ => return Ok(WebhookEvent::UnknownValue("refund.status")),
        };
        let amount = Money::new(self.amount, currency);
        Ok(report(reference, PaymentFact::Refund { id: own_id(&self.id)?, amount, state }))
    }
}

impl Disputed {
    /// Returns what the dispute says. `has_withdrawn` says whether the event reports a withdrawal; it counts with its amount
    /// if the dispute lists none.
    pub(super) fn event(self, has_withdrawn: bool) -> Result<WebhookEvent, WebhookError> {
        let Some(reference) = reference(self.payment_intent)? else { return Ok(WebhookEvent::Ignored) };
        let Ok(currency) = self.currency.parse::<Currency>() else { return Ok(WebhookEvent::OtherCurrency(reference)) };
        let (formal, outcome) = match self.status.as_str() {
            // `prevented`: settled before it became a dispute.
            "warning_needs_response" | "warning_under_review" | "warning_closed" | "prevented" => (false, None),
            // An appeal is open until the dispute is won or lost again; what was decided before stands until then.
            "needs_response" | "under_review" | "appeal_needs_response" | "appeal_under_review" => (true, None),
            "won" => (true, Some(DisputeOutcome::Won)),
            "lost" => (true, Some(DisputeOutcome::Lost)),
            _ => return Ok(WebhookEvent::UnknownValue("dispute.status")),
        };
        let moved = |is_withdrawal: bool| {
            let amounts = self.balance_transactions.iter().map(|transaction| transaction.amount);
            let amounts = amounts.filter(|amount| (*amount < 0) == is_withdrawal);
            amounts.fold(0_i64, |sum, amount| sum.saturating_add(amount.saturating_abs()))
        };
        let money_withdrawn = match moved(true) {
            0 if has_withdrawn => self.amount,
            withdrawn => withdrawn,
        };
        let dispute = Dispute { amount: self.amount, formal, money_withdrawn, money_reinstated: moved(false), outcome };
        let id = own_id(&self.id)?;
        let due_by = self.evidence_details.and_then(|details| details.due_by).filter(|due_by| *due_by > 0);
        let respond_by = due_by.and_then(|due_by| Timestamp::from_second(due_by).ok());
        let respond_by = respond_by.map(|at| PaymentFact::RespondBy { id: id.clone(), at });
        let facts = [PaymentFact::Dispute { id, currency, dispute }].into_iter().chain(respond_by).collect();
        Ok(WebhookEvent::Report(reference, ProviderReport { facts, instrument: None }))
    }
}

impl Warning {
    pub(super) fn event(self) -> Result<WebhookEvent, WebhookError> {
        let Some(reference) = reference(self.payment_intent)? else { return Ok(WebhookEvent::Ignored) };
        Ok(report(reference, PaymentFact::FraudWarning { id: own_id(&self.id)? }))
    }
}

fn report(reference: PaymentReference, fact: PaymentFact) -> WebhookEvent {
    WebhookEvent::Report(reference, fact.into())
}

/// Every checkout is paid through a payment intent, so what has none is not ours.
fn reference(payment_intent: Option<String>) -> Result<Option<PaymentReference>, WebhookError> {
    let transaction = |intent: String| Ok(PaymentReference::Transaction(PaymentProvider::Stripe, own_id(&intent)?));
    payment_intent.map(transaction).transpose()
}

fn own_id(text: &str) -> Result<String, WebhookError> {
    kept::stripe_id(text).ok_or(WebhookError::Unreadable("id"))
}
