//! Serves the public gallery, share links, and the account's own generations.
//!
//! A page is one round trip, or more if a filter drops many items. A share link is two: its pointer, and the generation. Links
//! to files work for four minutes; signing one calls no service.
//!
//! A deletion hides the generation at once from its owner, the gallery and every share link. If the process crashes before
//! the files are deleted, `sweep` deletes them.

use api::{
    AppState, MutationResponse, PageQuery, Paging, Routes,
    generations::{
        gallery::{self, PublicPage, PublicView},
        generation::{self, GenerationPage, GenerationView},
        media::media_views,
        shares::{self, SharedView, token_hash},
    },
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, GenerationId, Refusal,
    catalogue::models::MediaKind,
    generations::generation::{GenerationStatus, Visibility},
};
use http::header::ETAG;
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, Problem, StrictPath, StrictQuery, etag},
};
use serde::Deserialize;
use store::{Filter, Write};

/// The length of the longest token that is looked up. The tokens that `visibility` creates have 43 characters.
const MAX_TOKEN_LENGTH: usize = 64;

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
        .operation(&gallery::EXPLORE, explore)
        .operation(&shares::OPEN, open_share)
        .operation(&generation::LIST, list)
        .operation(&generation::SHOW, show)
        .operation(&generation::DELETE, delete)
}

async fn explore(
    State(state): State<AppState>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let paging: Paging<'_, _, String> = Paging::open(&state.mutations, "gallery", query).await?;
    let page = state.mutations.table.gallery(paging.limit, paging.after.as_deref()).await.map_err(store_problem)?;
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        let media = media_views(&state.bucket, &generation, now).await.map_err(store_problem)?;
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

async fn open_share(State(state): State<AppState>, StrictPath(token): StrictPath<String>) -> Result<Response, Problem> {
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(Problem::not_found());
    }
    let now = clock::now();
    let found = state.mutations.table.shared(&token_hash(&token)).await.map_err(store_problem)?;
    let (share, generation) = found.ok_or_else(Problem::not_found)?;
    share.may_view(generation.as_ref(), now).map_err(refusal_problem)?;
    let generation = generation.ok_or_else(Problem::not_found)?;
    let media = media_views(&state.bucket, &generation, now).await.map_err(store_problem)?;
    let prompt = share.show_prompt.then_some(generation.settings.prompt);
    let view = SharedView { kind: generation.kind, prompt, media, expires_at: share.expires_at };
    Ok(axum::Json(view).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    status: Option<GenerationStatus>,
    kind: Option<MediaKind>,
    visibility: Option<Visibility>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ListQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let filter = Filter { status: query.status, kind: query.kind, visibility: query.visibility };
    let scope = ("generations", account, query.status, query.kind, query.visibility);
    let query = PageQuery { limit: query.limit, cursor: query.cursor };
    let paging: Paging<'_, _, GenerationId> = Paging::open(&state.mutations, scope, query).await?;
    let table = &state.mutations.table;
    let page = table.generations(account, filter, paging.limit, paging.after).await.map_err(store_problem)?;
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        items.push(GenerationView::with_links(&state.bucket, generation, now).await.map_err(store_problem)?);
    }
    Ok(axum::Json(GenerationPage { items, next: paging.next(page.next)? }).into_response())
}

async fn show(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let generation = state.mutations.table.generation(AccountId(caller.account_id), id).await.map_err(store_problem)?;
    let generation = generation.filter(|generation| !generation.is_expired(now)).ok_or_else(Problem::not_found)?;
    let tag = etag(generation.version);
    let view = GenerationView::with_links(&state.bucket, generation, now).await.map_err(store_problem)?;
    Ok(([(ETAG, tag)], axum::Json(view)).into_response())
}

async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now);
    let (response, deleted) = mutation
        .run_with(|| async {
            let generation = table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let generation = generation.deleted(now)?;
            let writes = [Write::Generation(&generation)];
            Ok((mutation.commit(&writes, MutationResponse::no_content()).await?, generation))
        })
        .await?;
    // Where a provider has copies, `sweep` has them deleted first.
    if let Some(generation) = deleted.filter(|generation| generation.jobs_with_copies().next().is_none())
        && let Err(error) = lifecycle::remove_generation(table, &state.bucket, &generation).await
    {
        tracing::warn!(error = %error, generation = %generation.id, "files were not deleted, sweep will delete them");
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("gallery"));
    }
}
