//! `GET /v1/staff/reviews`, `POST /v1/staff/accounts/{account}/payments/{payment}/decision`,
//! `POST /v1/staff/accounts/{account}/spending`, `POST /v1/staff/unclaimed/{payment}/refunded`: what the rules against fraud
//! stopped and what a person makes of it; money that no account claims and that must go back. The list has questions and
//! letters that are not answered as well, without their words.
//!
//! For members of the user pool's group `staff`; for everybody else there are no such routes. A decision is written down
//! with its reason where its owner gets it with their data. The list names no person: account ids, amounts, reasons.
//! A repeat with the same `Idempotency-Key` gives the same answer.

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations, PageQuery, Paging,
    payments::{
        FrozenAccountView, HeldPaymentView, PaymentDecision, ReviewPage, ReviewView, SpendingDecision, UnclaimedView,
    },
    store_problem,
    support::OpenTicketView,
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
    payments::fraud::{self, FraudRules, ReviewDecision},
};
use http::StatusCode;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, MutatingRequest, Problem, Staff, StrictPath, StrictQuery},
};
use store::{OpenCase, OpenCasePosition, Write};

#[derive(Clone)]
struct App {
    mutations: Mutations,
    rules: FraudRules,
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
        .route("/v1/staff/unclaimed/{payment}/refunded", post(refunded))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(App { mutations, rules }))
}

async fn list(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let scope = ("reviews", caller.account_id);
    let paging: Paging<'_, _, OpenCasePosition> = Paging::open(&app.mutations, scope, query).await?;
    let page = app
        .mutations
        .table
        .open_cases(clock::now(), paging.limit, paging.after.clone())
        .await
        .map_err(store_problem)?;
    let view = |waiting| match waiting {
        OpenCase::Payment(payment) => HeldPaymentView::of(payment).map(ReviewView::Payment),
        OpenCase::Unclaimed(unclaimed) => Some(ReviewView::Unclaimed(unclaimed.into())),
        OpenCase::Ticket(ticket) => OpenTicketView::of(&ticket).map(ReviewView::Ticket),
        OpenCase::Letter(letter) => Some(ReviewView::Letter(letter.into())),
        OpenCase::Account(account) => Some(ReviewView::Account(account.into())),
    };
    let items = page.items.into_iter().filter_map(view).collect();
    Ok(axum::Json(ReviewPage { items, next: paging.next(page.next)? }).into_response())
}

async fn decide(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, PaymentId)>,
    request: MutatingRequest<PaymentDecision>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let note = fraud::note(request.body.note).map_err(api::refusal_problem)?;
    let decision = ReviewDecision { release: request.body.release, at: now, note };
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let table = &app.mutations.table;
            let settlement = lifecycle::payments::decide(table, &app.rules, (account, id), &decision, now).await??;
            let view = HeldPaymentView::of(settlement.payment.clone()).ok_or(Refusal::NotFound)?;
            let answer = MutationResponse { status: StatusCode::OK, location: None, body: view };
            let response = mutation.commit(&lifecycle::payments::writes(&settlement, &[]), answer).await?;
            lifecycle::payments::measure(&settlement);
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
    let note = fraud::note(request.body.note).map_err(api::refusal_problem)?;
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let account = app.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let decided =
                if request.body.allowed { account.unfrozen(&note, now)? } else { account.frozen(note.clone(), now) };
            let view = FrozenAccountView::from(decided.clone());
            let answer = MutationResponse { status: StatusCode::OK, location: None, body: view };
            mutation.commit(&[Write::Account(&decided)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn refunded(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath(payment): StrictPath<PaymentId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let unclaimed = app.mutations.table.unclaimed_payment(payment).await?.ok_or(Refusal::NotFound)?;
            let refunded = unclaimed.refunded(now)?;
            let answer = MutationResponse {
                status: StatusCode::OK,
                location: None,
                body: UnclaimedView::from(refunded.clone()),
            };
            mutation.commit(&[Write::Unclaimed(&refunded)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}
