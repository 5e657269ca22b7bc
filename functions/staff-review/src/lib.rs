//! Serves the review list of staff: approvals to give, moderation cases, payments under review, unclaimed payments, unanswered tickets and guest tickets (without
//! their messages), frozen accounts; and the decisions about them; grants and takes credits. Lets staff take cases and note things
//! about them, and serves the texts that they reply with. Shows the record of the acts of staff, what happened on each day, and
//! which models their providers end.
//!
//! For staff members with a role of the operation and a recent sign-in; everyone else gets 404. The list has what the caller's roles
//! may decide: account ids, amounts and reasons, and no other personal data. A decision is stored with its note, and with an entry of the owner's access log that says who made it, in one
//! transaction. Nobody decides about their own account. With the same `Idempotency-Key` a repeat gets the same response.

mod case_work;
mod overview;
mod record;
mod reply_templates;

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes, Staff, StaffDirectory,
    catalogue::watch,
    moderation::cases::OpenCaseView,
    payments::freezes::FrozenAccountView,
    refusal_problem,
    staff::{
        case_work::{self as case_work_operations, CaseWorkView},
        console::{self, ConsoleView, console_cookie},
        figures, record as record_operations, reply_templates as reply_template_operations,
        reviews::{
            self, ApprovalView, CreditAdjustment, GrantedPlanView, HeldPaymentView, PaymentDecision, PlanGrant,
            ReviewPage, ReviewView, SpendingDecision, UnclaimedView,
        },
    },
    store_problem,
    support::tickets::OpenTicketView,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, LedgerEntryId, PaymentId, Refusal,
    payments::{
        review::{self, ReviewDecision},
        settlement,
    },
    staff::{audit::AuditAction, open_case::OpenCaseId, role::Role::Administrator},
};
use http::header::SET_COOKIE;
use lifecycle::catalogue::Catalogues;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, MutatingRequest, Problem, StrictPath, StrictQuery},
};
use store::{CaseWork, OpenCase, OpenCasePosition, Write, staff_act};

/// The most bytes of a request: all reply templates at their longest, and room for how they are written.
const REQUEST_LIMIT: usize = 512 << 10;

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    catalogues: Arc<Catalogues>,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not a number; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let catalogues = Arc::new(Catalogues::new(lifecycle::enabled_providers(&environment)?));
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .layer(DefaultBodyLimit::max(REQUEST_LIMIT))
        .with_state(AppState { mutations, catalogues }))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&console::OPEN, open_console)
        .operation(&record_operations::LIST, record::list)
        .operation(&record_operations::VERIFY, record::verify)
        .operation(&figures::SHOW, overview::show_figures)
        .operation(&watch::SHOW_MODELS, overview::show_models)
        .operation(&reviews::LIST, list)
        .operation(&case_work_operations::ASSIGN, case_work::assign)
        .operation(&case_work_operations::ADD_NOTE, case_work::add_note)
        .operation(&case_work_operations::READ_NOTES, case_work::read_notes)
        .operation(&reply_template_operations::LIST, reply_templates::list)
        .operation(&reply_template_operations::REPLACE, reply_templates::replace)
        .operation(&reviews::DECIDE, decide)
        .operation(&reviews::SET_SPENDING, set_spending)
        .operation(&reviews::ADJUST_CREDITS, adjust_credits)
        .operation(&reviews::GRANT_PLAN, grant_plan)
        .operation(&reviews::MARK_REFUNDED, mark_refunded)
}

async fn open_console(State(state): State<AppState>, Staff(caller): Staff) -> Result<Response, Problem> {
    let cookie = console_cookie(state.mutations.sealer().await?, clock::now())?;
    let view = ConsoleView { roles: api::roles_of(&caller), staff: state.mutations.staff_name(&caller).await? };
    Ok(([(SET_COOKIE, cookie)], axum::Json(view)).into_response())
}

async fn list(
    State(state): State<AppState>,
    staff: Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let own = AccountId(staff.0.account_id);
    let scope = ("reviews", own);
    let paging: Paging<'_, _, OpenCasePosition> = Paging::open(&state.mutations, scope, query).await?;
    let cases = state.mutations.table.open_cases(now, paging.limit, paging.after.clone());
    let page = cases.await.map_err(store_problem)?;
    let is_shown = |case: &OpenCase| match case.id() {
        Some(id) => staff.is_among(id.roles()),
        None => staff.is_among(&[Administrator]),
    };
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
    let cases: Vec<_> = page.items.into_iter().filter(is_shown).collect();
    let ids: Vec<_> = cases.iter().filter_map(OpenCase::id).collect();
    let work = state.mutations.table.case_work(&ids, now).await.map_err(store_problem)?;
    let name = state.mutations.staff_name(&staff.0).await?;
    let work = ids.iter().zip(work).filter(|(_, work)| *work != CaseWork::default());
    let shown = |(id, CaseWork { holder, notes }): (&OpenCaseId, CaseWork)| {
        let mine = holder.as_ref() == Some(&name);
        CaseWorkView { case: id.name(), holder, mine, notes }
    };
    let work = work.map(shown).collect();
    let items = cases.into_iter().filter_map(view).collect();
    Ok(axum::Json(ReviewPage { items, work, next: paging.next(page.next)? }).into_response())
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
    let entry = state.mutations.audit_entry(&caller, account, action, now).await?;
    let decision = ReviewDecision { release, at: now, note };
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (owner, settlement) = lifecycle::payments::decide(table, (account, id), &decision, now).await??;
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
    let roles: Vec<_> = api::roles_of(&caller).into_iter().collect();
    let note = review::note(request.body.note).map_err(refusal_problem)?;
    let text = note.clone();
    let action = if allowed { AuditAction::Unfroze { note: text } } else { AuditAction::Froze { note: text } };
    let entry = state.mutations.audit_entry(&caller, id, action, now).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let account =
                if allowed { account.unfrozen(&roles, &note, now)? } else { account.frozen(note.clone(), now) };
            let view = FrozenAccountView::from(account.clone());
            mutation.commit(&[Write::Account(&account), Write::AuditEntry(&entry)], MutationResponse::ok(view)).await
        })
        .await
}

async fn adjust_credits(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath(id): StrictPath<AccountId>,
    request: MutatingRequest<CreditAdjustment>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let CreditAdjustment { amount, note } = request.body;
    let note = review::note(note).map_err(refusal_problem)?;
    let decision = state.mutations.audit_entry(&caller, id, AuditAction::AdjustedCredits { amount, note }, now).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let account = state.mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            let ids = (decision.id, LedgerEntryId(clock::uuid_at(now)));
            let (entry, account) = account.adjusted(amount, ids, now)?;
            let writes = [Write::Account(&account), Write::LedgerEntry(id, &entry), Write::AuditEntry(&decision)];
            mutation.commit(&writes, MutationResponse::ok(account.balance)).await
        })
        .await
}

async fn grant_plan(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath(id): StrictPath<AccountId>,
    request: MutatingRequest<PlanGrant>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let PlanGrant { plan, note } = request.body;
    let note = review::note(note).map_err(refusal_problem)?;
    let decision = state.mutations.audit_entry(&caller, id, AuditAction::GrantedPlan { plan, note }, now).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    let table = &state.mutations.table;
    mutation
        .run(|| async {
            // The account first: whatever settles a payment after that writes it, and this is decided again.
            let account = table.account(id).await?.ok_or(Refusal::NotFound)?;
            let payments = table.all_payments(id).await?;
            let (account, change) = settlement::grant_plan(&account, &payments, plan, now);
            let mut writes = vec![Write::Account(&account), Write::AuditEntry(&decision)];
            writes.extend(change.as_ref().map(Write::PlanChange));
            let view = GrantedPlanView { plan: account.plan, granted_plan: account.granted_plan };
            mutation.commit(&writes, MutationResponse::ok(view)).await
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
    let staff = state.mutations.staff_name(&caller).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let unclaimed = state.mutations.table.unclaimed_payment(payment).await?.ok_or(Refusal::NotFound)?;
            let refunded = unclaimed.refunded(staff.clone(), now)?;
            let view = UnclaimedView::from(refunded.clone());
            let act = staff_act(&staff, "marked_refunded", (payment, ""), now);
            mutation.commit(&[Write::Unclaimed(&refunded), Write::StaffAct(&act)], MutationResponse::ok(view)).await
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
