//! Has a payment refunded at its provider, for staff.
//!
//! The entry of the access log is written first, together with the request on the payment, so that what was asked for is not asked for
//! twice. Then the provider is asked, and again by every repeat with the same `Idempotency-Key` until it reports or declines the refund: the
//! provider takes the key too and refunds once. If the process crashes in between, the repeat asks it. What comes of the refund is reported as
//! every other, and credits are taken back then.

use api::{
    MutationResponse, Routes, Staff,
    payments::refunds::{REQUEST, RefundRequest, RequestedRefundView},
    refusal_problem, store_problem,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, PaymentId, Refusal,
    payments::{payment::Payment, review},
    staff::audit::AuditAction,
};
use http::StatusCode;
use lifecycle::payments::PaymentError;
use payments::ProviderError;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
};
use store::{Table, Write};

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
    let staff = AccountId(caller.account_id);
    let unique = request.idempotency.as_ref();
    let unique = unique.map_or_else(|| clock::uuid_at(now).to_string(), |idempotency| idempotency.key.clone());
    let key = sealer.keyed_hash(PURPOSE, format!("{staff} {id} {unique}").as_bytes());
    let mutation = state.mutations.begin(staff, request.idempotency, now).await?;
    let response = mutation
        .run(|| async {
            let (owner, payment) = table.account_and_payment(account, id).await?;
            let (Some(owner), Some(payment)) = (owner, payment) else { return Err(Refusal::NotFound.into()) };
            let (payment, refund) = payment.request_refund(&key, amount.map(i64::from), now)?;
            let action = AuditAction::RequestedRefund { payment: id, amount: refund, note: note.clone() };
            let entry = state.mutations.audit_entry(&caller, account, action, now).await?;
            let view = RequestedRefundView { payment: id, amount: refund };
            let writes = [Write::Payment(&payment), Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            mutation.commit(&writes, MutationResponse::accepted(view)).await
        })
        .await?;
    let payment = table.payment(account, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    // Reported since: this is a repeat. So is what was declined, which the provider may not decline again.
    let Some((amount, requested)) = payment.requested_refund(&key) else { return Ok(response) };
    if requested.declined {
        return Err(declined(""));
    }
    match state.payments.refund(&payment, amount, &key, now).await {
        Err(PaymentError::Provider(ProviderError::Declined { code, .. })) => {
            record_declined(table, &payment, &key).await?;
            Err(declined(&code))
        }
        asked => asked.map_err(payment_problem).map(|()| response),
    }
}

/// Gives back to what is left of the payment what the provider declined to refund.
async fn record_declined(table: &Table, payment: &Payment, key: &str) -> Result<(), Problem> {
    let mut payment = Some(payment.clone());
    while let Some(next) = payment.as_ref().and_then(|payment| payment.refund_declined(key)) {
        if table.try_commit(&[Write::Payment(&next)]).await.map_err(store_problem)? {
            break;
        }
        payment = table.payment(next.account, next.id).await.map_err(store_problem)?;
    }
    Ok(())
}

fn declined(code: &str) -> Problem {
    let title = "The payment provider declined the refund.";
    Problem::new(StatusCode::CONFLICT, "refund-declined", title).with_detail(format!(
        "Its reason: {}. Look at the payment in the provider's own console, then ask again with a new Idempotency-Key.",
        if code.is_empty() { "none, or told before" } else { code },
    ))
}
