//! `GET, PATCH /v1/account`, `GET /v1/account/statement`, `GET /v1/account/activity`,
//! `GET /v1/account/corrections`, `GET /v1/account/access`; the address that signs in is changed in [`email`].
//!
//! Each read is one round trip (a statement page without entries is two). A correction is conditioned on the version that
//! it was decided upon and, with `If-Match`, on the one that the client saw; a repeat changes nothing more.

mod email;

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations, PageQuery, Paging,
    access::{AuditEntryView, AuditPage},
    requests::AccountCorrection,
    store_problem,
    views::{AccountView, ActivityPage, ActivityView, CorrectionPage, CorrectionView, EntryView, Statement},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    AccountId, ActivityId, AuditEntryId, CorrectionId, LedgerEntryId, Refusal,
    accounts::correction::{Correction, CorrectionRecord},
    credits::ledger::Balance,
};
use http::{HeaderValue, StatusCode, header::ETAG};
use jiff::Timestamp;
use lifecycle::address::EmailChanges;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Caller, IfMatch, MutatingRequest, Problem, StrictQuery, etag},
};
use serde::Deserialize;
use store::Write;

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let addresses = EmailChanges::open(&environment, &clients, mutations.table.clone())?;
    Ok(Router::new()
        .route("/v1/account", get(show).patch(correct))
        .route("/v1/account/statement", get(statement))
        .route("/v1/account/activity", get(activity))
        .route("/v1/account/corrections", get(corrections))
        .route("/v1/account/access", get(accesses))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(mutations.clone())
        .merge(email::routes(mutations, addresses)))
}

async fn show(State(mutations): State<Mutations>, caller: Caller) -> Result<Response, Problem> {
    let account = mutations.table.account(AccountId(caller.account_id)).await.map_err(store_problem)?;
    let account = account.ok_or_else(Problem::not_found)?;
    let tag = etag(account.version);
    Ok(([(ETAG, tag)], axum::Json(AccountView::new(account, clock::now()))).into_response())
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
    let mut mutation = mutations.begin(id, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let account = mutations.table.account(id).await?.ok_or(Refusal::NotFound)?;
            condition.check(account.version)?;
            let (next, fields) = account.correct(correction.clone())?;
            let corrected = CorrectionRecord { id: CorrectionId(clock::uuid_at(now)), account: id, fields, at: now };
            let mut writes = vec![Write::Account(&next)];
            if !corrected.fields.is_empty() {
                writes.push(Write::Correction(&corrected));
            }
            let answer =
                MutationResponse { status: StatusCode::OK, location: None, body: AccountView::new(next.clone(), now) };
            let mut response = mutation.commit(&writes, answer).await?;
            let tag = HeaderValue::try_from(etag(next.version)).map_err(Problem::internal)?;
            response.headers_mut().insert(ETAG, tag);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementQuery {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn statement(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<StatementQuery>,
) -> Result<Response, Problem> {
    let table = &mutations.table;
    let id = AccountId(caller.account_id);
    let scope = ("statement", id, query.from, query.to);
    let asked = PageQuery { limit: query.limit, cursor: query.cursor };
    let paging: Paging<'_, _, (Timestamp, Timestamp, LedgerEntryId)> = Paging::open(&mutations, scope, asked).await?;
    // The period of the first page holds for all of them, however late they are asked for.
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
    let entries = page.items.into_iter().map(EntryView::from).collect();
    let statement = Statement { from, to, opening, closing, entries, next };
    Ok(axum::Json(statement).into_response())
}

async fn activity(
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

async fn corrections(
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

async fn accesses(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, AuditEntryId> = Paging::open(&mutations, ("accesses", id), query).await?;
    let page =
        mutations.table.audit_entries(id, clock::now(), paging.limit, paging.after).await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let items = page.items.into_iter().map(AuditEntryView::from).collect();
    Ok(axum::Json(AuditPage { items, next }).into_response())
}
