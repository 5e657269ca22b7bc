//! `PUT /v1/generations/{id}/visibility`, `POST, GET /v1/generations/{id}/shares`,
//! `DELETE /v1/generations/{id}/shares/{share}`.
//!
//! Everything is private until its owner says otherwise here, and is private again at once. A link is 256 random bits, kept
//! only as their SHA-256; it is there once, in the answer that made it (or, sealed, in the answer kept for its
//! `Idempotency-Key`). Links to files that were handed out before live on for four minutes at most.
//!
//! Saying the same visibility again changes nothing. A repeat of a link without a key is another link.

use api::{
    AppState, Attempt, MutationResponse, generation_view,
    requests::{ShareRequest, VisibilityRequest},
    store_problem, token_hash,
    views::{ShareView, Shares},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, post, put},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    AccountId, GenerationId, Refusal, ShareId,
    generations::share::{self, ShareTerms},
};
use http::{HeaderValue, StatusCode, header::ETAG};
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, IfMatch, MutatingRequest, Problem, StrictPath, etag},
};
use store::Write;

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let holdings = AppState::open(&environment).await?;
    Ok(Router::new()
        .route("/v1/generations/{id}/visibility", put(show))
        .route("/v1/generations/{id}/shares", post(make).get(list))
        .route("/v1/generations/{id}/shares/{share}", delete(revoke))
        .route_layer(middleware::from_fn_with_state(holdings.mutations.clone(), api::require_active_account))
        .with_state(holdings))
}

async fn show(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    condition: IfMatch,
    request: MutatingRequest<VisibilityRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let wanted = request.body;
    let mut mutation = holdings.mutations.begin(account, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let generation = holdings.mutations.table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            if generation.is_expired(now) {
                return Err(Refusal::NotFound.into());
            }
            condition.check(generation.version)?;
            let shown = generation.with_visibility(wanted.visibility, wanted.show_prompt, now)?;
            let body = generation_view(&holdings.bucket, shown.clone(), now).await?;
            let answer = MutationResponse { status: StatusCode::OK, location: None, body };
            let mut response = mutation.commit(&[Write::Generation(&shown)], answer).await?;
            let tag = HeaderValue::try_from(etag(shown.version)).map_err(Problem::internal)?;
            response.headers_mut().insert(ETAG, tag);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn make(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: MutatingRequest<ShareRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let terms = ShareTerms::from(request.body);
    let token = URL_SAFE_NO_PAD.encode(clock::random::<32>());
    let mut mutation = holdings.mutations.begin(account, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let table = &holdings.mutations.table;
            let (owner, generation) = table.account_and_generation(account, id).await?;
            let (Some(owner), Some(generation)) = (owner, generation) else { return Err(Refusal::NotFound.into()) };
            if generation.is_expired(now) {
                return Err(Refusal::NotFound.into());
            }
            let existing = table.shares(account, id).await?;
            let existing = existing.iter().filter(|share| share.expires_at > now).count();
            let new = (ShareId(clock::uuid_at(now)), token_hash(&token));
            let (share, generation) = share::create(&generation, existing, owner.plan, terms, new, now)?;
            let answer = MutationResponse {
                status: StatusCode::CREATED,
                location: Some(format!("/v1/shared/{token}")),
                body: ShareView::new(&share, Some(token.clone())),
            };
            mutation.commit(&[Write::Generation(&generation), Write::Share(&share)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn list(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let table = &holdings.mutations.table;
    let generation = table.generation(account, id).await.map_err(store_problem)?;
    generation.filter(|generation| !generation.is_expired(now)).ok_or_else(Problem::not_found)?;
    let shares = table.shares(account, id).await.map_err(store_problem)?;
    let live = shares.iter().filter(|share| share.expires_at > now);
    Ok(axum::Json(Shares { items: live.map(|share| ShareView::new(share, None)).collect() }).into_response())
}

async fn revoke(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath((id, share)): StrictPath<(GenerationId, ShareId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let account = AccountId(caller.account_id);
    let mut mutation = holdings.mutations.begin(account, request.idempotency, clock::now());
    loop {
        let attempt: Result<Response, Attempt> = async {
            let table = &holdings.mutations.table;
            let generation = table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let (revoked, rest): (Vec<_>, Vec<_>) =
                table.shares(account, id).await?.into_iter().partition(|other| other.id == share);
            let revoked = revoked.first().ok_or(Refusal::NotFound)?;
            let generation = share::revoke(&generation, &rest);
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            mutation.commit(&[Write::Generation(&generation), Write::RemoveShare(revoked)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}
