//! Serves the review list of staff: approvals to give, moderation cases, payments under review, unclaimed payments, unanswered tickets and guest tickets (without
//! their messages), frozen accounts; and the decisions about them.
//!
//! For members of the user pool's group `staff` with a recent sign-in; everyone else gets 404. The list has account ids, amounts and reasons, and no
//! other personal data. A decision is stored with its note, and with an entry of the owner's access log that says who made it, in one
//! transaction. Nobody decides about their own account. With the same `Idempotency-Key` a repeat gets the same response.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes, StaffDirectory,
    moderation::cases::OpenCaseView,
    payments::freezes::FrozenAccountView,
    refusal_problem,
    staff::{
        audit::staff_name,
        reviews::{
            self, ApprovalView, HeldPaymentView, PaymentDecision, ReviewPage, ReviewView, SpendingDecision,
            UnclaimedView,
        },
    },
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
    AccountId, AuditEntryId, PaymentId, Refusal,
    payments::{
        fraud::FraudRules,
        review::{self, ReviewDecision},
    },
    staff::audit::{AuditAction, AuditEntry},
};
use jiff::Timestamp;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, Staff, StrictPath, StrictQuery},
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
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let rules = lifecycle::payments::rules(&environment)?;
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
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

impl AppState {
    /// Returns the name of a staff member in access logs.
    async fn name(&self, caller: &Caller) -> Result<String, Problem> {
        Ok(staff_name(self.mutations.sealer().await?, AccountId(caller.account_id)))
    }

    /// Makes the entry of the access log for a decision about an account.
    async fn decision(
        &self,
        caller: &Caller,
        account: AccountId,
        action: AuditAction,
        now: Timestamp,
    ) -> Result<AuditEntry, Problem> {
        let id = AuditEntryId(clock::uuid_at(now));
        Ok(AuditEntry::decision(account, (id, self.name(caller).await?), action, now))
    }
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
    let own = AccountId(caller.account_id);
    let view = |case| match case {
        // The list must not tell staff of a secret access to their own account.
        OpenCase::Approval(approval, _) if approval.account == own => None,
        OpenCase::Approval(approval, entry) => Some(ReviewView::Approval(ApprovalView::new(approval, entry))),
        OpenCase::Moderation(case) => OpenCaseView::of(&case).map(ReviewView::Case),
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
    let release = request.body.release;
    let action = AuditAction::Decided { payment: id, release, note: note.clone() };
    let entry = state.decision(&caller, account, action, now).await?;
    let decision = ReviewDecision { release, at: now, note };
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (owner, settlement) =
                lifecycle::payments::decide(table, &state.rules, (account, id), &decision, now).await??;
            let view = HeldPaymentView::of(settlement.payment.clone()).ok_or(Refusal::NotFound)?;
            let mut writes = lifecycle::payments::writes(&settlement, &[]);
            writes.push(Write::AuditEntry(&entry));
            if settlement.account.is_none() {
                writes.push(Write::Unchanged(&owner));
            }
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
    let text = note.clone();
    let action = if allowed { AuditAction::Unfroze { note: text } } else { AuditAction::Froze { note: text } };
    let entry = state.decision(&caller, id, action, now).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let account = if allowed { account.unfrozen(&note, now)? } else { account.frozen(note.clone(), now) };
            let view = FrozenAccountView::from(account.clone());
            mutation.commit(&[Write::Account(&account), Write::AuditEntry(&entry)], MutationResponse::ok(view)).await
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
    let staff = state.name(&caller).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let unclaimed = state.mutations.table.unclaimed_payment(payment).await?.ok_or(Refusal::NotFound)?;
            let refunded = unclaimed.refunded(staff.clone(), now)?;
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
