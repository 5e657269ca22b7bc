//! `POST /v1/uploads`, `GET, DELETE /v1/uploads/{id}`.
//!
//! A declaration counts against the plan in the transaction that writes it, and gives a request that S3 refuses unless
//! type, size and SHA-256 are as declared, for 15 minutes. What never arrives is removed by `sweep`, an hour after.
//!
//! A repeat with the same `Idempotency-Key` gives the same request again. Without one it is another upload. A deletion
//! hides the upload and gives its bytes back at once; if we die before the files are gone, `sweep` removes them.

use api::{
    AppState, Attempt, MutationResponse,
    requests::UploadRequest,
    store_problem,
    views::{HeaderView, PresignedView, UploadView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    AccountId, Refusal, UploadId,
    generations::upload::{self, PRESIGNED_S, Upload, UploadDeclaration},
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictPath},
};
use store::{Bucket, StoreError, Write};

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let holdings = AppState::open(&environment).await?;
    Ok(Router::new()
        .route("/v1/uploads", post(declare))
        .route("/v1/uploads/{id}", get(show).delete(remove))
        .route_layer(middleware::from_fn_with_state(holdings.mutations.clone(), api::require_active_account))
        .with_state(holdings))
}

async fn declare(
    State(holdings): State<AppState>,
    caller: Caller,
    request: MutatingRequest<UploadRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let declared = UploadDeclaration::from(request.body);
    let mut mutation = holdings.mutations.begin(account, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let owner = holdings.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let id = UploadId(clock::uuid_at(now));
            let (owner, upload) = upload::declare(&owner, declared.clone(), id, now)?;
            let put = presign(&holdings.bucket, &upload, now).await?;
            let answer = MutationResponse {
                status: StatusCode::CREATED,
                location: Some(format!("/v1/uploads/{id}")),
                body: UploadView::new(upload.clone(), Some(put)),
            };
            mutation.commit(&[Write::Account(&owner), Write::Upload(&upload)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn show(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<UploadId>,
) -> Result<Response, Problem> {
    let upload = holdings.mutations.table.upload(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let upload = upload.filter(|upload| !upload.is_expired(clock::now())).ok_or_else(Problem::not_found)?;
    Ok(axum::Json(UploadView::new(upload, None)).into_response())
}

async fn remove(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<UploadId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let mut mutation = holdings.mutations.begin(account, request.idempotency, now);
    let mut hidden: Option<Upload> = None;
    let response = loop {
        let attempt: Result<Response, Attempt> = async {
            let (owner, upload) = holdings.mutations.table.account_and_upload(account, id).await?;
            let (Some(owner), Some(upload)) = (owner, upload) else { return Err(Refusal::NotFound.into()) };
            let (owner, upload) = upload.deleted(&owner, now)?;
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            let response = mutation.commit(&[Write::Account(&owner), Write::Upload(&upload)], answer).await?;
            hidden = Some(upload);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            break response;
        }
    };
    if let Some(upload) = hidden
        && let Err(error) = lifecycle::remove_upload(&holdings.mutations.table, &holdings.bucket, &upload).await
    {
        tracing::warn!(error = %error, upload = %upload.id, "not all is removed: the sweep will remove the rest");
    }
    Ok(response)
}

async fn presign(bucket: &Bucket, upload: &Upload, now: Timestamp) -> Result<PresignedView, StoreError> {
    let key = Bucket::original_key(upload.account, upload.id);
    let presigned =
        bucket.presign_put(&key, &upload.content_type, upload.bytes, &upload.sha256, (PRESIGNED_S, now)).await?;
    let expires_at = now + SignedDuration::from_secs(i64::try_from(PRESIGNED_S).unwrap_or(0));
    let headers = presigned.headers.into_iter().map(|(name, value)| HeaderView { name, value }).collect();
    Ok(PresignedView { method: presigned.method, url: presigned.url, headers, expires_at })
}
