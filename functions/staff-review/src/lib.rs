//! Serves the review list of staff: payments under review, unclaimed payments, unanswered tickets and guest tickets (without
//! their messages), frozen accounts; and the decisions about them.
//!
//! For members of the user pool's group `staff`; everyone else gets 404. The list has account ids, amounts and reasons, and no
//! other personal data. A decision is stored with its note, which the account owner gets with their data. With the same
//! `Idempotency-Key` a repeat gets the same response.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes,
    payments::freezes::FrozenAccountView,
    refusal_problem,
    staff::reviews::{self, HeldPaymentView, PaymentDecision, ReviewPage, ReviewView, SpendingDecision, UnclaimedView},
    store_problem,
    support::tickets::OpenTicketView,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, PaymentId, Refusal,
    payments::{
        fraud::FraudRules,
        review::{self, ReviewDecision},
    },
};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, MutatingRequest, Problem, Staff, StrictPath, StrictQuery},
};
use store::{OpenCase, OpenCasePosition, Write};

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    rules: FraudRules,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not a number; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let rules = lifecycle::payments::rules(&environment)?;
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(AppState { mutations, rules }))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&reviews::LIST, list)
        .operation(&reviews::DECIDE, decide)
        .operation(&reviews::SET_SPENDING, set_spending)
        .operation(&reviews::MARK_REFUNDED, mark_refunded)
}

async fn list(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let scope = ("reviews", caller.account_id);
    let paging: Paging<'_, _, OpenCasePosition> = Paging::open(&state.mutations, scope, query).await?;
    let cases = state.mutations.table.open_cases(clock::now(), paging.limit, paging.after.clone());
    let page = cases.await.map_err(store_problem)?;
    let view = |case| match case {
        OpenCase::Payment(payment) => HeldPaymentView::of(payment).map(ReviewView::Payment),
        OpenCase::Unclaimed(unclaimed) => Some(ReviewView::Unclaimed(unclaimed.into())),
        OpenCase::Ticket(ticket) => OpenTicketView::of(&ticket).map(ReviewView::Ticket),
        OpenCase::GuestTicket(ticket) => Some(ReviewView::GuestTicket(ticket.into())),
        OpenCase::Account(account) => Some(ReviewView::Account(account.into())),
    };
    let items = page.items.into_iter().filter_map(view).collect();
    Ok(axum::Json(ReviewPage { items, next: paging.next(page.next)? }).into_response())
}

async fn decide(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, PaymentId)>,
    request: MutatingRequest<PaymentDecision>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let note = review::note(request.body.note).map_err(refusal_problem)?;
    let decision = ReviewDecision { release: request.body.release, at: now, note };
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let settlement = lifecycle::payments::decide(table, &state.rules, (account, id), &decision, now).await??;
            let view = HeldPaymentView::of(settlement.payment.clone()).ok_or(Refusal::NotFound)?;
            let writes = lifecycle::payments::writes(&settlement, &[]);
            let response = mutation.commit(&writes, MutationResponse::ok(view)).await?;
            lifecycle::payments::measure(&settlement);
            Ok(response)
        })
        .await
}

async fn set_spending(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath(id): StrictPath<AccountId>,
    request: MutatingRequest<SpendingDecision>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let allowed = request.body.allowed;
    let note = review::note(request.body.note).map_err(refusal_problem)?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let account = if allowed { account.unfrozen(&note, now)? } else { account.frozen(note.clone(), now) };
            let view = FrozenAccountView::from(account.clone());
            mutation.commit(&[Write::Account(&account)], MutationResponse::ok(view)).await
        })
        .await
}

async fn mark_refunded(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath(payment): StrictPath<PaymentId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let unclaimed = state.mutations.table.unclaimed_payment(payment).await?.ok_or(Refusal::NotFound)?;
            let refunded = unclaimed.refunded(now)?;
            let view = UnclaimedView::from(refunded.clone());
            mutation.commit(&[Write::Unclaimed(&refunded)], MutationResponse::ok(view)).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("staff-review"));
    }
}
