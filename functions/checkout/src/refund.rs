//! Has a payment refunded at its provider, for staff.
//!
//! The entry of the access log is written first, then the provider is asked, and again by every repeat with the same
//! `Idempotency-Key`: the provider takes the key too and refunds once. If the process crashes in between, the repeat asks it. What comes of
//! the refund is reported as every other, and credits are taken back then.

use api::{
    MutationResponse, Routes, Staff,
    payments::refunds::{REQUEST, RefundRequest, RequestedRefundView},
    refusal_problem,
    staff::audit::staff_name,
    store_problem,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, AuditEntryId, PaymentId, Refusal,
    money::Money,
    payments::review,
    staff::audit::{AuditAction, AuditEntry},
};
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
};
use store::Write;

use crate::{AppState, payment_problem};

/// The purpose of the keyed hash that a provider tells repeats by.
const PURPOSE: &str = "refund";

pub(crate) fn routes() -> Routes<AppState> {
    Routes::new().operation(&REQUEST, request)
}

async fn request(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, PaymentId)>,
    request: MutatingRequest<RefundRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let RefundRequest { amount, note } = request.body;
    let note = review::note(note).map_err(refusal_problem)?;
    let (table, sealer) = (&state.mutations.table, state.mutations.sealer().await?);
    let (staff, entry_id) = (AccountId(caller.account_id), AuditEntryId(clock::uuid_at(now)));
    let unique =
        request.idempotency.as_ref().map_or_else(|| entry_id.to_string(), |idempotency| idempotency.key.clone());
    let key = sealer.keyed_hash(PURPOSE, format!("{staff} {id} {unique}").as_bytes());
    let name = staff_name(sealer, staff);
    let mutation = state.mutations.begin(staff, request.idempotency, now).await?;
    let response = mutation
        .run(|| async {
            let (owner, payment) = table.account_and_payment(account, id).await?;
            let (Some(owner), Some(payment)) = (owner, payment) else { return Err(Refusal::NotFound.into()) };
            let refund = payment.refundable(amount.map(i64::from))?;
            let action = AuditAction::RequestedRefund { payment: id, amount: refund, note: note.clone() };
            let entry = AuditEntry::decision(account, (entry_id, name.clone()), action, now);
            let view = RequestedRefundView { payment: id, amount: refund };
            let writes = [Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            mutation.commit(&writes, MutationResponse::accepted(view)).await
        })
        .await?;
    let payment = table.payment(account, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    let currency = payment.receipt.as_ref().map_or(payment.price.currency, |receipt| receipt.total.currency);
    let amount = amount.map(|amount| Money::new(amount.into(), currency));
    state.payments.refund(&payment, amount, &key, now).await.map_err(payment_problem)?;
    Ok(response)
}
