//! `GET /v1/staff/reviews`, `POST /v1/staff/accounts/{account}/payments/{payment}/decision`,
//! `POST /v1/staff/accounts/{account}/spending`: what the rules against fraud stopped, and what a person makes of it.
//!
//! For members of the user pool's group `staff`; for everybody else there are no such routes. A decision is written down
//! with its reason where its owner gets it with their data. The list names no person: account ids, amounts, reasons.
//! A repeat with the same `Idempotency-Key` gives the same answer.

use std::sync::Arc;

use api::{
    Answer, Attempt, Mutations, failed,
    payments::{FrozenAccountView, HeldPaymentView, PaymentDecision, Reviews, SpendingDecision},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    AccountId, PaymentId, Refusal,
    account::Account,
    fraud::{self, Decision, Rules},
    payment::Payment,
};
use http::StatusCode;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{MutatingRequest, Problem, Staff, StrictPath},
};
use store::{DueKind, Write};

/// Most of each kind that are listed.
const LISTED: usize = 100;

#[derive(Clone)]
struct App {
    mutations: Mutations,
    rules: Rules,
}

/// The routes.
///
/// # Errors
/// A variable is missing or no number; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let rules = lifecycle::payments::rules(&environment)?;
    Ok(Router::new()
        .route("/v1/staff/reviews", get(list))
        .route("/v1/staff/accounts/{account}/payments/{payment}/decision", post(decide))
        .route("/v1/staff/accounts/{account}/spending", post(spending))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::living))
        .with_state(App { mutations, rules }))
}

async fn list(State(app): State<App>, _: Staff) -> Result<Response, Problem> {
    let (table, now) = (&app.mutations.table, clock::now());
    let mut payments = Vec::new();
    for due in table.due(DueKind::Review, now, LISTED).await.map_err(failed)? {
        let payment = table.payment(due.account, PaymentId(due.id)).await.map_err(failed)?;
        // The index is a little behind the table.
        let waits = payment.filter(Payment::awaits_decision);
        payments.extend(waits.and_then(HeldPaymentView::of));
    }
    let mut accounts = Vec::new();
    for due in table.due(DueKind::Frozen, now, LISTED).await.map_err(failed)? {
        let account = table.account(due.account).await.map_err(failed)?;
        accounts.extend(account.filter(Account::is_frozen).map(FrozenAccountView::from));
    }
    Ok(axum::Json(Reviews { payments, accounts }).into_response())
}

async fn decide(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, PaymentId)>,
    request: MutatingRequest<PaymentDecision>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let note = fraud::note(request.body.note).map_err(api::refused)?;
    let decision = Decision { release: request.body.release, at: now, note };
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let table = &app.mutations.table;
            let settlement = lifecycle::payments::decide(table, &app.rules, (account, id), &decision, now).await??;
            let view = HeldPaymentView::of(settlement.payment.clone()).ok_or(Refusal::NotFound)?;
            let answer = Answer { status: StatusCode::OK, location: None, body: view };
            let response = mutation.commit(&lifecycle::payments::writes(&settlement, None), answer).await?;
            lifecycle::payments::measure(&settlement, now);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn spending(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath(id): StrictPath<AccountId>,
    request: MutatingRequest<SpendingDecision>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let note = fraud::note(request.body.note).map_err(api::refused)?;
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let account = app.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let decided =
                if request.body.allowed { account.thawed(&note, now)? } else { account.frozen(note.clone(), now) };
            let view = FrozenAccountView::from(decided.clone());
            let answer = Answer { status: StatusCode::OK, location: None, body: view };
            mutation.commit(&[Write::Account(&decided)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}
