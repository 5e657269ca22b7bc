//! `GET /v1/gallery`, `GET /v1/shared/{token}`, `GET /v1/generations`, `GET, DELETE /v1/generations/{id}`.
//!
//! A page is one round trip, unless a filter lets little through; what a share link shows is two, its pointer and what it
//! points to. Links to files live four minutes and are signed without asking anybody.
//!
//! A deletion hides the generation at once, from its owner, the gallery and every link; if we die before its files are
//! gone, `sweep` removes them.

use api::{
    AppState, Attempt, MutationResponse, PageQuery, Paging, generation_view, media_views, store_problem, token_hash,
    views::{GenerationPage, PublicPage, PublicView, SharedView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    AccountId, GenerationId, Refusal,
    catalogue::models::MediaKind,
    generations::generation::{Generation, GenerationStatus, Visibility},
};
use http::{StatusCode, header::ETAG};
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, Problem, StrictPath, StrictQuery, etag},
};
use serde::Deserialize;
use store::{Filter, Write};

/// Longest token that is looked up; ours have 43 characters.
const LONGEST_TOKEN: usize = 64;

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let holdings = AppState::open(&environment).await?;
    Ok(Router::new()
        .route("/v1/gallery", get(public))
        .route("/v1/shared/{token}", get(shared))
        .route("/v1/generations", get(own))
        .route("/v1/generations/{id}", get(show).delete(remove))
        .route_layer(middleware::from_fn_with_state(holdings.mutations.clone(), api::require_active_account))
        .with_state(holdings))
}

async fn public(
    State(holdings): State<AppState>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let paging: Paging<'_, _, String> = Paging::open(&holdings.mutations, "gallery", query).await?;
    let page = holdings.mutations.table.gallery(paging.limit, paging.after.as_deref()).await.map_err(store_problem)?;
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        let media = media_views(&holdings.bucket, &generation, now).await.map_err(store_problem)?;
        items.push(PublicView {
            id: generation.id,
            kind: generation.kind,
            prompt: generation.show_prompt.then_some(generation.settings.prompt),
            media,
            published_at: generation.published_at,
        });
    }
    Ok(axum::Json(PublicPage { items, next: paging.next(page.next)? }).into_response())
}

async fn shared(State(holdings): State<AppState>, StrictPath(token): StrictPath<String>) -> Result<Response, Problem> {
    if token.len() > LONGEST_TOKEN {
        return Err(Problem::not_found());
    }
    let now = clock::now();
    let found = holdings.mutations.table.shared(&token_hash(&token)).await.map_err(store_problem)?;
    let (share, generation) = found.ok_or_else(Problem::not_found)?;
    share.may_view(generation.as_ref(), now).map_err(api::refusal_problem)?;
    let generation = generation.ok_or_else(Problem::not_found)?;
    let media = media_views(&holdings.bucket, &generation, now).await.map_err(store_problem)?;
    let prompt = share.show_prompt.then_some(generation.settings.prompt);
    let view = SharedView { kind: generation.kind, prompt, media, expires_at: share.expires_at };
    Ok(axum::Json(view).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnQuery {
    status: Option<GenerationStatus>,
    kind: Option<MediaKind>,
    visibility: Option<Visibility>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn own(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictQuery(query): StrictQuery<OwnQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let filter = Filter { status: query.status, kind: query.kind, visibility: query.visibility };
    let scope = ("generations", account, query.status, query.kind, query.visibility);
    let query = PageQuery { limit: query.limit, cursor: query.cursor };
    let paging: Paging<'_, _, GenerationId> = Paging::open(&holdings.mutations, scope, query).await?;
    let table = &holdings.mutations.table;
    let page = table.generations(account, filter, paging.limit, paging.after).await.map_err(store_problem)?;
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        items.push(generation_view(&holdings.bucket, generation, now).await.map_err(store_problem)?);
    }
    Ok(axum::Json(GenerationPage { items, next: paging.next(page.next)? }).into_response())
}

async fn show(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let generation =
        holdings.mutations.table.generation(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let generation = generation.filter(|generation| !generation.is_expired(now)).ok_or_else(Problem::not_found)?;
    let tag = etag(generation.version);
    let view = generation_view(&holdings.bucket, generation, now).await.map_err(store_problem)?;
    Ok(([(ETAG, tag)], axum::Json(view)).into_response())
}

async fn remove(
    State(holdings): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let mut mutation = holdings.mutations.begin(account, request.idempotency, now);
    let mut hidden: Option<Generation> = None;
    let response = loop {
        let attempt: Result<Response, Attempt> = async {
            let generation = holdings.mutations.table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let generation = generation.deleted(now)?;
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            let response = mutation.commit(&[Write::Generation(&generation)], answer).await?;
            hidden = Some(generation);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            break response;
        }
    };
    if let Some(generation) = hidden
        && let Err(error) = lifecycle::remove_generation(&holdings.mutations.table, &holdings.bucket, &generation).await
    {
        tracing::warn!(error = %error, generation = %generation.id, "not all is removed: the sweep will remove the rest");
    }
    Ok(response)
}
