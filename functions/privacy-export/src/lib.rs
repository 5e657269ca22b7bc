//! Requests, lists and shows exports: archives of all data of the account.
//!
//! A request needs a recent sign-in. It writes the export and then sends the message that starts the build; if the message is
//! lost, `sweep` sends it. With the same `Idempotency-Key` a repeat gets the same response; any other request gets 409 while an
//! archive is being built.
//!
//! An archive can be downloaded for a day after it is ready. Each response signs a new link that works for five minutes. A link
//! for the whole day would fail earlier, as it expires with the credentials that signed it, and it would be worth more to a
//! thief.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, Routes,
    privacy::export::{self, DownloadView, ExportView, Exports},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, ExportId, Refusal,
    privacy::export::{ExportState, LINK_S},
};
use http::{HeaderValue, header::RETRY_AFTER};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, Problem, StrictPath},
};
use store::{Bucket, ExportMessage, Queue, Write};

/// The seconds after which a client should ask again for an export that is being built.
const POLL_INTERVAL: HeaderValue = HeaderValue::from_static("5");

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    bucket: Bucket,
    queue: Queue,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let state = AppState {
        bucket: api::open_bucket(&environment, &clients)?,
        queue: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
        mutations: Mutations::open(&environment, &clients).await?,
    };
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(state.mutations.clone(), api::require_active_account))
        .with_state(state))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&export::REQUEST, request_export)
        .operation(&export::LIST, list)
        .operation(&export::SHOW, show)
}

async fn request_export(
    State(state): State<AppState>,
    caller: Caller,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let account = AccountId(caller.account_id);
    let id = ExportId(clock::uuid_at(now));
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    let (mut response, requested) = mutation
        .run_with(|| async {
            // The account is read first: an export that is requested after that makes this attempt lose the race.
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let exports = table.exports(account).await?;
            let (owner, export) = domain::privacy::export::request(&owner, &exports, id, now)?;
            let view = ExportView::from(export.clone());
            let response = MutationResponse::accepted(view).at(format!("/v1/privacy/exports/{id}"));
            Ok((mutation.commit(&[Write::Account(&owner), Write::Export(&export)], response).await?, export))
        })
        .await?;
    if let Some(export) = requested
        && let Err(error) = state.queue.send(&ExportMessage { account, export: export.id }, 0).await
    {
        tracing::warn!(error = %error, export = %export.id, "export message was not sent, sweep will send it");
    }
    response.headers_mut().insert(RETRY_AFTER, POLL_INTERVAL);
    Ok(response)
}

async fn list(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let now = clock::now();
    let mut exports = state.mutations.table.exports(AccountId(caller.account_id)).await.map_err(store_problem)?;
    exports.retain(|export| !export.is_expired(now));
    let items = exports.into_iter().map(ExportView::from).collect();
    Ok(axum::Json(Exports { items }).into_response())
}

async fn show(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<ExportId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let export = state.mutations.table.export(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let export = export.filter(|export| !export.is_expired(now)).ok_or_else(Problem::not_found)?;
    let download = match export.download_until() {
        Some(until) if now < until => {
            let key = Bucket::archive_key(export.account, export.id);
            let url = state.bucket.link(&key, LINK_S, now).await.map_err(store_problem)?;
            Some(DownloadView::new(url, now))
        }
        Some(_) | None => None,
    };
    let is_building = export.state == ExportState::Building;
    let mut response = axum::Json(ExportView { download, ..ExportView::from(export) }).into_response();
    if is_building {
        response.headers_mut().insert(RETRY_AFTER, POLL_INTERVAL);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("privacy-export"));
    }
}
