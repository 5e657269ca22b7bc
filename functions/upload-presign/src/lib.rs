//! Creates, shows and deletes uploads.
//!
//! A new upload counts against the plan in the transaction that writes it, and against the uploads of the hour, so that nobody
//! has files inspected without end. Its presigned request works for 15 minutes, and S3 refuses it unless type, size and SHA-256
//! are as declared, and while a file waits for its inspection. If the file never arrives, `sweep` deletes the upload an hour
//! later.
//!
//! With the same `Idempotency-Key` a repeat gets the same presigned request; without one it creates another upload. A deletion
//! hides the upload and frees its bytes at once. If the process crashes before the files are deleted, `sweep` deletes them.

use api::{
    AppState, MutationResponse, Routes,
    generations::uploads::{self, HeaderView, PresignedView, UploadRequest, UploadView},
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, Refusal, UploadId,
    generations::upload::{self, PRESIGNED_S, Upload, UploadDeclaration},
};
use jiff::{SignedDuration, Timestamp};
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictPath},
};
use store::{Bucket, StoreError, Write};

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let state = AppState::open(&environment).await?;
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(state.mutations.clone(), api::require_active_account))
        .with_state(state))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&uploads::CREATE, create)
        .operation(&uploads::SHOW, show)
        .operation(&uploads::DELETE, delete)
}

async fn create(
    State(state): State<AppState>,
    caller: Caller,
    request: MutatingRequest<UploadRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let declaration = UploadDeclaration::from(request.body);
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (owner, settings) =
                tokio::try_join!(state.mutations.table.account(account), state.mutations.table.settings(now))?;
            let owner = owner.ok_or(Refusal::NotFound)?;
            let id = UploadId(clock::uuid_at(now));
            let (owner, upload) = upload::declare(&owner, &settings.plans, declaration.clone(), id, now)?;
            let put = presign(&state.bucket, &upload, now).await?;
            let view = UploadView::new(upload.clone(), Some(put));
            let response = MutationResponse::created(view).at(format!("/v1/uploads/{id}"));
            mutation.commit(&[Write::Account(&owner), Write::Upload(&upload)], response).await
        })
        .await
}

async fn show(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<UploadId>,
) -> Result<Response, Problem> {
    let upload = state.mutations.table.upload(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let upload = upload.filter(|upload| !upload.is_expired(clock::now())).ok_or_else(Problem::not_found)?;
    Ok(axum::Json(UploadView::new(upload, None)).into_response())
}

async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<UploadId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    let (response, deleted) = mutation
        .run_with(|| async {
            let (owner, upload) = table.account_and_upload(account, id).await?;
            let (Some(owner), Some(upload)) = (owner, upload) else { return Err(Refusal::NotFound.into()) };
            let (owner, upload) = upload.deleted(&owner, now)?;
            let writes = [Write::Account(&owner), Write::Upload(&upload)];
            Ok((mutation.commit(&writes, MutationResponse::no_content()).await?, upload))
        })
        .await?;
    if let Some(upload) = deleted
        && let Err(error) = lifecycle::remove_upload(table, &state.bucket, &upload).await
    {
        tracing::warn!(error = %error, upload = %upload.id, "files were not deleted, sweep will delete them");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("upload-presign"));
    }
}
