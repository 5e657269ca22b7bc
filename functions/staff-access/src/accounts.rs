//! Finds accounts, and ends their sessions.
//!
//! What finds an account opens an access to it in the same write, so its owner sees who looked for it and why. Sessions are ended after
//! the entry of the access log is written, and again by every repeat: if the process crashes in between, a repeat with the same
//! `Idempotency-Key` ends them.

use std::sync::Arc;

use api::{
    AppState, MutationResponse, Routes, Staff, own_account, refusal_problem,
    staff::access::{END_SESSIONS, FIND, FoundAccountView, SearchKey, SearchRequest, SessionsEnding},
    store_problem,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, Refusal,
    accounts::email,
    payments::{
        payment::{PaymentProvider, PaymentReference},
        review,
    },
    staff::audit::AuditAction,
};
use lifecycle::user_pool::UserDirectory;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
};
use store::Write;

use crate::open_access;

/// Holds what the handlers need.
#[derive(Clone)]
pub(crate) struct AccountsState {
    pub(crate) app: AppState,
    pub(crate) user_pool: Arc<UserDirectory>,
}

pub(crate) fn routes() -> Routes<AccountsState> {
    Routes::new().operation(&FIND, find).operation(&END_SESSIONS, end_sessions)
}

async fn find(
    State(state): State<AccountsState>,
    staff: Staff,
    request: MutatingRequest<SearchRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let SearchRequest { key, access } = request.body;
    // Before the search, so that a request that opens nothing tells nothing.
    access.clone().split(now).map_err(refusal_problem)?;
    let mutation = state.app.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let account = state.search(key).await?.ok_or_else(Problem::not_found)?;
    if account.0 == staff.0.account_id {
        return Err(own_account());
    }
    let view = move |opened| MutationResponse::created(FoundAccountView { account, access: opened });
    open_access((&state.app, &mutation), &staff, account, access, view, now).await
}

impl AccountsState {
    async fn search(&self, key: SearchKey) -> Result<Option<AccountId>, Problem> {
        let references = match key {
            SearchKey::Email(email) => {
                let email = email::normalize(&email).ok_or_else(|| Problem::invalid("key.email", email::EMAIL_RULE))?;
                return self.user_pool.account_of(&email).await.map_err(Problem::internal);
            }
            SearchKey::Payment(id) => vec![PaymentReference::Payment(id)],
            SearchKey::Transaction(id) => [PaymentProvider::Stripe, PaymentProvider::Paypal]
                .map(|provider| PaymentReference::Transaction(provider, id.clone()))
                .to_vec(),
        };
        for reference in references {
            let found = self.app.mutations.table.find_payment(&reference).await.map_err(store_problem)?;
            if let Some((account, _)) = found {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }
}

async fn end_sessions(
    State(state): State<AccountsState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<SessionsEnding>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let note = review::note(request.body.note).map_err(refusal_problem)?;
    let mutations = &state.app.mutations;
    let entry = mutations.audit_entry(&staff.0, account, AuditAction::EndedSessions { note }, now).await?;
    let mutation = mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    let response = mutation
        .run(|| async {
            let owner = mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let writes = [Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await?;
    state.user_pool.end_sessions(account).await.map_err(Problem::internal)?;
    Ok(response)
}
