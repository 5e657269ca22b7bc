//! Serves the account: profile, statement, activity, corrections, access log. [`email`] changes the sign-in address,
//! [`second_factor`] sets up a second factor, [`passkeys`] adds passkeys to it, [`redemptions`] redeems
//! codes of promotions.
//!
//! A read is one round trip; a statement page is two: its entries, and their generations or the balance before. A correction is
//! conditioned on the version that was read and, with `If-Match`, on the version that the client read; a repeat changes nothing
//! more.

mod email;
mod passkeys;
mod redemptions;
mod second_factor;

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes,
    accounts::{
        activity::{self, ActivityPage, ActivityView},
        profile::{self, AccountCorrection, AccountView, CorrectionPage, CorrectionView, TermsRequest, TermsView},
    },
    credits::statement::{self, EntryView, PromptView, Statement},
    staff::audit::{self, AuditEntryView, AuditPage},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, ActivityId, AuditEntryId, CorrectionId, LedgerEntryId, Refusal,
    accounts::correction::{Correction, CorrectionRecord},
    credits::ledger::Balance,
};
use http::{HeaderValue, header::ETAG};
use jiff::Timestamp;
use lifecycle::address::EmailChanges;
use runtime::{
    Error,
    clients::{self, Clients},
    clock,
    config::Environment,
    http::{Caller, IfMatch, MutatingRequest, Problem, StrictQuery, etag},
    webauthn::RelyingParty,
};
use serde::Deserialize;
use store::{Table, Write};

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    // The profile needs both documents, beside two other reads.
    let documents = async |table: &Table| {
        let now = clock::now();
        tokio::join!(clients::during_start(table.settings(now)), clients::during_start(table.texts(now)));
    };
    let mutations = Mutations::open_reading(&environment, &clients, documents).await?;
    let changes = Arc::new(EmailChanges::open(&environment, &clients, mutations.table.clone())?);
    let email = email::routes().into_router().with_state(email::AppState { mutations: mutations.clone(), changes });
    let relying_party = Arc::new(RelyingParty::open(&environment)?);
    let passkeys = passkeys::AppState { mutations: mutations.clone(), relying_party };
    Ok(routes()
        .into_router()
        .merge(second_factor::routes().into_router())
        .merge(redemptions::routes().into_router())
        .with_state(mutations.clone())
        .merge(email)
        .merge(passkeys::routes().into_router().with_state(passkeys))
        .route_layer(middleware::from_fn_with_state(mutations, api::require_active_account)))
}

fn routes() -> Routes<Mutations> {
    Routes::new()
        .operation(&profile::SHOW, show)
        .operation(&profile::CORRECT, correct)
        .operation(&profile::ACCEPT_TERMS, accept_terms)
        .operation(&profile::LIST_CORRECTIONS, list_corrections)
        .operation(&statement::SHOW, show_statement)
        .operation(&activity::LIST, list_activity)
        .operation(&audit::LIST, list_audit_entries)
}

async fn show(State(mutations): State<Mutations>, caller: Caller) -> Result<Response, Problem> {
    let (table, now) = (&mutations.table, clock::now());
    let read = tokio::try_join!(table.account(AccountId(caller.account_id)), table.settings(now), table.texts(now));
    let (account, settings, texts) = read.map_err(store_problem)?;
    let account = account.ok_or_else(Problem::not_found)?;
    let tag = etag(account.version);
    let view = AccountView::new(account, (&settings, &texts), now).with_roles(api::roles_of(&caller));
    Ok(([(ETAG, tag)], axum::Json(view)).into_response())
}

async fn correct(
    State(mutations): State<Mutations>,
    caller: Caller,
    condition: IfMatch,
    request: MutatingRequest<AccountCorrection>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let correction = Correction::from(request.body);
    let now = clock::now();
    let mutation = mutations.begin(id, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let table = &mutations.table;
            let (account, settings, texts) =
                tokio::try_join!(table.account(id), table.settings(now), table.texts(now))?;
            let account = account.ok_or(Refusal::NotFound)?;
            condition.check(account.version)?;
            let (corrected, fields) = account.correct(correction.clone())?;
            let record = CorrectionRecord { id: CorrectionId(clock::uuid_at(now)), account: id, fields, at: now };
            let mut writes = vec![Write::Account(&corrected)];
            if !record.fields.is_empty() {
                writes.push(Write::Correction(&record));
            }
            let body = AccountView::new(corrected.clone(), (&settings, &texts), now).with_roles(api::roles_of(&caller));
            let mut response = mutation.commit(&writes, MutationResponse::ok(body)).await?;
            let tag = HeaderValue::try_from(etag(corrected.version)).map_err(Problem::internal)?;
            response.headers_mut().insert(ETAG, tag);
            Ok(response)
        })
        .await
}

async fn accept_terms(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: MutatingRequest<TermsRequest>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let now = clock::now();
    let version = request.body.version;
    let mutation = mutations.begin(id, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (account, texts) = tokio::try_join!(mutations.table.account(id), mutations.table.texts(now))?;
            let account = account.ok_or(Refusal::NotFound)?;
            let present = &texts.terms.version;
            let accepted = account.accept_terms(&version, present, now)?;
            let write = accepted.as_ref().map_or(Write::Unchanged(&account), Write::Account);
            let view = TermsView::new(present, accepted.as_ref().unwrap_or(&account).terms.clone());
            mutation.commit(&[write], MutationResponse::ok(view)).await
        })
        .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementQuery {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn show_statement(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<StatementQuery>,
) -> Result<Response, Problem> {
    let table = &mutations.table;
    let id = AccountId(caller.account_id);
    let scope = ("statement", id, query.from, query.to);
    let page_query = PageQuery { limit: query.limit, cursor: query.cursor };
    let paging: Paging<'_, _, (Timestamp, Timestamp, LedgerEntryId)> =
        Paging::open(&mutations, scope, page_query).await?;
    // The cursor carries the period, so that all pages show the period of the first one.
    let (from, to, after) = match paging.after {
        Some((from, to, last)) => (from, to, Some(last)),
        None => (query.from.unwrap_or(Timestamp::UNIX_EPOCH), query.to.unwrap_or_else(clock::now), None),
    };
    if from >= to {
        return Err(Problem::invalid("from", "must be before `to`"));
    }
    let page = table.entries(id, (from, to), paging.limit, after).await.map_err(store_problem)?;
    let (opening, closing) = match (page.items.first(), page.items.last()) {
        (Some(first), Some(last)) => (first.balance_before(), last.balance_after),
        _ => {
            let before = table.last_entry_before(id, from).await.map_err(store_problem)?;
            let balance = before.map_or_else(Balance::default, |entry| entry.balance_after);
            (balance, balance)
        }
    };
    let next = paging.next(page.next.map(|last| (from, to, last)))?;
    let generations = page.items.iter().filter_map(|entry| entry.cause.generation()).collect();
    let generations = table.generations_with_ids(id, &generations).await.map_err(store_problem)?;
    let now = clock::now();
    let present = generations.into_iter().filter(|generation| !generation.is_expired(now));
    let prompts = present.map(|found| PromptView { generation: found.id, prompt: found.settings.prompt }).collect();
    let entries = page.items.into_iter().map(EntryView::from).collect();
    Ok(axum::Json(Statement { from, to, opening, closing, entries, prompts, next }).into_response())
}

async fn list_activity(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, ActivityId> = Paging::open(&mutations, ("activity", id), query).await?;
    let page = mutations.table.activities(id, paging.limit, paging.after).await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let items = page.items.into_iter().map(ActivityView::from).collect();
    Ok(axum::Json(ActivityPage { items, next }).into_response())
}

async fn list_corrections(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, CorrectionId> = Paging::open(&mutations, ("corrections", id), query).await?;
    let page = mutations.table.corrections(id, paging.limit, paging.after).await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let items = page.items.into_iter().map(CorrectionView::from).collect();
    Ok(axum::Json(CorrectionPage { items, next }).into_response())
}

async fn list_audit_entries(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, AuditEntryId> = Paging::open(&mutations, ("access-log", id), query).await?;
    let entries = mutations.table.audit_entries(id, clock::now(), paging.limit, paging.after);
    let page = entries.await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let items = page.items.into_iter().map(AuditEntryView::from).collect();
    Ok(axum::Json(AuditPage { items, next }).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        let factors = &second_factor::routes().served() | &passkeys::routes().served();
        let others = &email::routes().served() | &redemptions::routes().served();
        let served = &(&routes().served() | &others) | &factors;
        assert_eq!(served, api::operations_of("account"));
    }
}
