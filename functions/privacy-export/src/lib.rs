//! `POST, GET /v1/privacy/exports`, `GET /v1/privacy/exports/{id}`: an archive of everything that is held, asked for,
//! followed and downloaded.
//!
//! Asking takes a recent sign-in. It writes the export and then sends the message that has it made; a message that is
//! lost is sent by `sweep`. A repeat with the same `Idempotency-Key` gives the same answer, another one is a conflict while
//! an archive is being made.
//!
//! An archive can be downloaded for a day from when it is ready, each time by a link that is signed afresh and lives
//! five minutes. A link for the whole day would not live that long: it dies with the credentials that signed it, which a
//! role has for some hours at most. And it would be worth more to whoever finds it.

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations,
    privacy::{DownloadView, ExportView, Exports},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    AccountId, ExportId, Refusal,
    privacy::export::{self, Export, LINK_S},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, Problem, StrictPath},
};
use store::{Bucket, ExportMessage, Queue, Write};

/// Seconds after which it is worth looking again at what is being made.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("5");

#[derive(Clone)]
struct App {
    mutations: Mutations,
    bucket: Bucket,
    queue: Queue,
}

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let app = App {
        bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
        queue: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
        mutations: Mutations::open(&environment, &clients).await?,
    };
    Ok(Router::new()
        .route("/v1/privacy/exports", get(list).post(ask))
        .route("/v1/privacy/exports/{id}", get(show))
        .route_layer(middleware::from_fn_with_state(app.mutations.clone(), api::require_active_account))
        .with_state(app))
}

async fn ask(State(app): State<App>, caller: Caller, request: BodilessRequest) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let account = AccountId(caller.account_id);
    let id = ExportId(clock::uuid_at(now));
    let mut written: Option<Export> = None;
    let mut mutation = app.mutations.begin(account, request.idempotency, now);
    let mut response = loop {
        let attempt: Result<Response, Attempt> = async {
            let table = &app.mutations.table;
            // The account first: whatever is asked for after it was read makes this attempt stale.
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let (owner, export) = export::request(&owner, &table.exports(account).await?, id, now)?;
            let answer = MutationResponse {
                status: StatusCode::ACCEPTED,
                location: Some(format!("/v1/privacy/exports/{id}")),
                body: ExportView::from(export.clone()),
            };
            let response = mutation.commit(&[Write::Account(&owner), Write::Export(&export)], answer).await?;
            written = Some(export);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            break response;
        }
    };
    if let Some(export) = written
        && let Err(error) = app.queue.send(&ExportMessage { account, export: export.id }, 0).await
    {
        tracing::warn!(error = %error, export = %export.id, "the message was not sent: the sweep will send it");
    }
    response.headers_mut().insert(RETRY_AFTER, LOOK_AGAIN);
    Ok(response)
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let now = clock::now();
    let mut exports = app.mutations.table.exports(AccountId(caller.account_id)).await.map_err(store_problem)?;
    exports.retain(|export| !export.is_expired(now));
    let items = exports.into_iter().map(ExportView::from).collect();
    Ok(axum::Json(Exports { items }).into_response())
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<ExportId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let export = app.mutations.table.export(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let export = export.filter(|export| !export.is_expired(now)).ok_or_else(Problem::not_found)?;
    let download = match export.download_until() {
        Some(until) if now < until => {
            let key = Bucket::archive_key(export.account, export.id);
            let url = app.bucket.presign_get(&key, LINK_S, now).await.map_err(store_problem)?;
            Some(DownloadView::new(url, now))
        }
        Some(_) | None => None,
    };
    let is_being_made = export.state == export::ExportState::Building;
    let mut response = axum::Json(ExportView { download, ..ExportView::from(export) }).into_response();
    if is_being_made {
        response.headers_mut().insert(RETRY_AFTER, LOOK_AGAIN);
    }
    Ok(response)
}
