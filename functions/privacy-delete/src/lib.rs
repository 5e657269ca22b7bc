//! `POST, GET, DELETE /v1/privacy/deletion`, `GET /v1/privacy/receipts/{id}`: the end of an account, asked for, looked at,
//! taken back, and what it left.
//!
//! Asking takes a recent sign-in and the address of the account, typed in. From then on the account's tokens open nothing
//! but these routes. A repeat with the same `Idempotency-Key` gives the same answer, another one is a conflict. Taking it
//! back is possible until the time of grace is over. The receipt is for whoever knows its id: it says nothing about anybody.

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations,
    privacy::{DeletionRequest, DeletionView, ReceiptView},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{AccountId, ReceiptId, Refusal, privacy::deletion::DeletionReason};
use http::StatusCode;
use jiff::SignedDuration;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictPath},
};
use store::{EraseAccountMessage, Queue, Records, Write};

#[derive(Clone)]
struct App {
    mutations: Mutations,
    records: Records,
    queue: Queue,
    grace: SignedDuration,
}

/// The routes.
///
/// # Errors
/// A variable is missing or no number; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let app = App {
        records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
        queue: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
        grace: SignedDuration::from_hours(24 * environment.integer("DELETION_GRACE_DAYS")?),
        mutations: Mutations::open(&environment, &clients).await?,
    };
    // Not only for those whose account lives: one that is closing is looked at, and taken back, here.
    Ok(Router::new()
        .route("/v1/privacy/deletion", get(show).post(ask).delete(take_back))
        .route("/v1/privacy/receipts/{id}", get(receipt))
        .with_state(app))
}

async fn ask(
    State(app): State<App>,
    caller: Caller,
    request: MutatingRequest<DeletionRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let id = AccountId(caller.account_id);
    let receipt = ReceiptId(clock::uuid_at(now));
    let mut mutation = app.mutations.begin(id, request.idempotency, now);
    let response = loop {
        let attempt: Result<Response, Attempt> = async {
            let account = app.mutations.table.account(id).await?.ok_or_else(Problem::unauthorized)?;
            if !request.body.confirmation.trim().eq_ignore_ascii_case(&account.email) {
                return Err(Refusal::invalid("confirmation", "the address that you sign in with").into());
            }
            let closing = account.request_deletion(receipt, DeletionReason::Requested, app.grace, now)?;
            let body = DeletionView::of(&closing, now).ok_or(Refusal::NotFound)?;
            let location = Some(format!("/v1/privacy/receipts/{}", body.receipt));
            let answer = MutationResponse { status: StatusCode::ACCEPTED, location, body };
            mutation.commit(&[Write::Account(&closing)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            break response;
        }
    };
    // If it is lost, the sweep sends it.
    if let Err(error) = app.queue.send(&EraseAccountMessage { account: id }, 0).await {
        tracing::warn!(error = %error, account = %id, "the message of an erasure was not sent: the sweep will send it");
    }
    Ok(response)
}

async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let account = app.mutations.table.account(AccountId(caller.account_id)).await.map_err(store_problem)?;
    let account = account.ok_or_else(Problem::unauthorized)?;
    let view = DeletionView::of(&account, clock::now()).ok_or_else(Problem::not_found)?;
    Ok(axum::Json(view).into_response())
}

async fn take_back(State(app): State<App>, caller: Caller, request: BodilessRequest) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let mut mutation = app.mutations.begin(id, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let account = app.mutations.table.account(id).await?.ok_or_else(Problem::unauthorized)?;
            let kept = account.cancel_deletion(now)?;
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            mutation.commit(&[Write::Account(&kept)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn receipt(State(app): State<App>, StrictPath(id): StrictPath<ReceiptId>) -> Result<Response, Problem> {
    let receipt = app.records.receipt(id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(ReceiptView::from(receipt)).into_response())
}
