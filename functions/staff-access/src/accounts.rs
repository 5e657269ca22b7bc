//! Finds accounts, ends their sessions, and requests their deletion for owners who asked for it in writing.
//!
//! What finds an account opens an access to it in the same write, so its owner sees who looked for it and why. Sessions are ended after
//! the entry of the access log is written, and again by every repeat: if the process crashes in between, a repeat with the same
//! `Idempotency-Key` ends them. The mail about a deletion is sent before it is written: no deletion stands that its owner was not told
//! of, unless SES refuses their address.

use std::sync::Arc;

use api::{
    AppState, MutationResponse, Routes, Staff, own_account,
    privacy::deletion::DeletionView,
    refusal_problem,
    staff::access::{
        DeletionForOwner, END_SESSIONS, FIND, FoundAccountView, REQUEST_DELETION, SearchKey, SearchRequest,
        SessionsEnding,
    },
    store_problem,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, ReceiptId, Refusal,
    accounts::{account::Account, email},
    payments::{
        payment::{PaymentProvider, PaymentReference},
        review,
    },
    privacy::deletion::DeletionReason,
    staff::audit::AuditAction,
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::user_pool::UserDirectory;
use mail::{Language, Mail, MailError, Message};
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
};
use store::Write;

use crate::open_access;

/// Days in which an owner can cancel a deletion that staff requested for them, at least: anyone can write in their name.
const OBJECTION_DAYS: i64 = 7;

const DAY_S: i64 = 86_400;

/// Holds what the handlers need.
#[derive(Clone)]
pub(crate) struct AccountsState {
    pub(crate) app: AppState,
    pub(crate) user_pool: Arc<UserDirectory>,
    /// `None` if the operator has set up no mail.
    pub(crate) mail: Option<Mail>,
    /// The time between a request for a deletion and the erasure.
    pub(crate) grace: SignedDuration,
}

pub(crate) fn routes() -> Routes<AccountsState> {
    Routes::new()
        .operation(&FIND, find)
        .operation(&END_SESSIONS, end_sessions)
        .operation(&REQUEST_DELETION, request_deletion)
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
            SearchKey::Generation(id) => {
                return self.app.mutations.table.account_of_generation(id).await.map_err(store_problem);
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

    /// Tells an owner that the deletion of their account is requested: they may not know who wrote.
    async fn tell_of_deletion(&self, owner: &Account, now: Timestamp) -> Result<(), Problem> {
        let (Some(mail), Some(deletion)) = (&self.mail, &owner.deletion) else { return Ok(()) };
        let language = Language::from_tag(&owner.preferences.language);
        // A day that began counts.
        let days = (deletion.erase_at.duration_since(now).as_secs() + DAY_S - 1).div_euclid(DAY_S);
        match mail.send(&owner.email, language, &Message::DeletionRequested { days }).await {
            // Who asked for it in writing may have no mailbox any more.
            Err(MailError::Refused(why)) => {
                tracing::warn!(account = %owner.id, why, "owner is not told of the deletion in writing");
                Ok(())
            }
            other => other.map_err(Problem::internal),
        }
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

async fn request_deletion(
    State(state): State<AccountsState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<DeletionForOwner>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let DeletionForOwner { confirmation, note } = request.body;
    let note = review::note(note).map_err(refusal_problem)?;
    let mutations = &state.app.mutations;
    let entry = mutations.audit_entry(&staff.0, account, AuditAction::RequestedDeletion { note }, now).await?;
    let receipt = ReceiptId(clock::uuid_at(now));
    let mutation = mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let deleted = |owner: Option<Account>| {
        let owner = owner.ok_or(Refusal::NotFound)?;
        if !confirmation.trim().eq_ignore_ascii_case(&owner.email) {
            return Err(Refusal::invalid("confirmation", "must be the address that the owner signs in with"));
        }
        let grace = state.grace.max(SignedDuration::from_hours(24 * OBJECTION_DAYS));
        owner.request_deletion(receipt, DeletionReason::InWriting, grace, now)
    };
    let owner = mutations.table.account(account).await.map_err(store_problem)?;
    let owner = deleted(owner).map_err(refusal_problem)?;
    if !state.user_pool.roles(account).await.map_err(Problem::internal)?.is_empty() {
        return Err(refusal_problem(Refusal::Conflict(
            "the account has a role of staff: an administrator takes it first, under Staff",
        )));
    }
    state.tell_of_deletion(&owner, now).await?;
    mutation
        .run(|| async {
            let owner = deleted(mutations.table.account(account).await?)?;
            let view = DeletionView::of(&owner, now).ok_or(Refusal::NotFound)?;
            let location = format!("/v1/privacy/receipts/{}", view.receipt);
            let writes = [Write::Account(&owner), Write::AuditEntry(&entry)];
            // The sweep sends the message that begins the erasure.
            mutation.commit(&writes, MutationResponse::accepted(view).at(location)).await
        })
        .await
}
