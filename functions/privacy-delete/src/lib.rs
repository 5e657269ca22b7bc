//! Requests, shows and cancels the deletion of an account, and shows the receipt of a deletion.
//!
//! A request needs a recent sign-in and the sign-in address. From then on the account's tokens work for these routes only. With
//! the same `Idempotency-Key` a repeat gets the same response, without one it gets 409. A deletion can be canceled until the
//! grace period is over. The receipt has no personal data; everyone who knows its id can read it.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, Routes,
    privacy::deletion::{self, DeletionRequest, DeletionView, ReceiptView},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{AccountId, ReceiptId, Refusal, privacy::deletion::DeletionReason};
use jiff::SignedDuration;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, RequestContext, StrictPath},
};
use store::{EraseAccountMessage, Queue, Records, Write};

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    records: Records,
    queue: Queue,
    grace: SignedDuration,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not a number; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let state = AppState {
        records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
        queue: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
        grace: SignedDuration::from_hours(24 * environment.integer::<i64>("DELETION_GRACE_DAYS")?),
        mutations: Mutations::open(&environment, &clients).await?,
    };
    Ok(routes().into_router().with_state(state))
}

/// Without the middleware for active accounts: these routes are for accounts that are being deleted, too.
fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&deletion::REQUEST, request_deletion)
        .operation(&deletion::SHOW, show)
        .operation(&deletion::CANCEL, cancel)
        .operation(&deletion::SHOW_RECEIPT, show_receipt)
}

async fn request_deletion(
    State(state): State<AppState>,
    caller: Caller,
    request: MutatingRequest<DeletionRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let id = AccountId(caller.account_id);
    let receipt = ReceiptId(clock::uuid_at(now));
    let mutation = state.mutations.begin(id, request.idempotency, now).await?;
    let response = mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or_else(Problem::unauthorized)?;
            if !request.body.confirmation.trim().eq_ignore_ascii_case(&account.email) {
                return Err(Refusal::invalid("confirmation", "must be the address that you sign in with").into());
            }
            let account = account.request_deletion(receipt, DeletionReason::Requested, state.grace, now)?;
            let view = DeletionView::of(&account, now).ok_or(Refusal::NotFound)?;
            let location = format!("/v1/privacy/receipts/{}", view.receipt);
            mutation.commit(&[Write::Account(&account)], MutationResponse::accepted(view).at(location)).await
        })
        .await?;
    if let Err(error) = state.queue.send(&EraseAccountMessage { account: id }, 0).await {
        tracing::warn!(error = %error, account = %id, "erasure message was not sent, sweep will send it");
    }
    Ok(response)
}

async fn show(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let account = state.mutations.table.account(AccountId(caller.account_id)).await.map_err(store_problem)?;
    let account = account.ok_or_else(Problem::unauthorized)?;
    let view = DeletionView::of(&account, clock::now()).ok_or_else(Problem::not_found)?;
    Ok(axum::Json(view).into_response())
}

async fn cancel(State(state): State<AppState>, caller: Caller, request: BodilessRequest) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let mutation = state.mutations.begin(id, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or_else(Problem::unauthorized)?;
            let account = account.cancel_deletion(now)?;
            mutation.commit(&[Write::Account(&account)], MutationResponse::no_content()).await
        })
        .await
}

async fn show_receipt(
    State(state): State<AppState>,
    client: RequestContext,
    StrictPath(id): StrictPath<ReceiptId>,
) -> Result<Response, Problem> {
    state.mutations.limit_open_read(&client, clock::now()).await?;
    let receipt = state.records.receipt(id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(ReceiptView::from(receipt)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("privacy-delete"));
    }
}
