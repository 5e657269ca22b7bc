//! Serves the public gallery, share links, and the account's own generations.
//!
//! A page of own generations is one round trip, or more if a filter drops many items. A page of the public gallery is two: its
//! entries, and their generations. A share link is two: its pointer, and the generation. Links to files work for four minutes;
//! signing one calls no service. What everyone can read is counted by network first.
//!
//! A deletion of an output or a generation hides it at once from its owner, the gallery and every share link. If the process
//! crashes before the files are deleted, `sweep` deletes them.

use api::{
    AppState, MutationResponse, PageQuery, Paging, Routes,
    generations::{
        gallery::{self, PublicPage, PublicView},
        generation::{self, GenerationPage, GenerationView},
        media::MediaView,
        shares::{self, SharedView, token_hash},
    },
    moderation::{blocklist::Blocklist, reports::report_token},
    refusal_problem, store_problem,
};
use axum::{
    Extension, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, GenerationId, Refusal,
    catalogue::models::MediaKind,
    generations::{
        generation::{Generation, GenerationStatus},
        output::Visibility,
    },
    moderation::report::OutputReference,
};
use http::header::ETAG;
use jiff::Timestamp;
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, Problem, RequestContext, StrictPath, StrictQuery, etag},
};
use serde::Deserialize;
use store::{Filter, Shared, Write};

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
        .layer(Extension(Blocklist::default()))
        .with_state(state))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&gallery::EXPLORE, explore)
        .operation(&shares::OPEN, open_share)
        .operation(&generation::LIST, list)
        .operation(&generation::SHOW, show)
        .operation(&generation::DELETE, delete)
        .operation(&generation::DELETE_OUTPUT, delete_output)
}

async fn explore(
    State(state): State<AppState>,
    Extension(blocklist): Extension<Blocklist>,
    client: RequestContext,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    state.mutations.limit_open_read(&client, now).await?;
    let paging: Paging<'_, _, String> = Paging::open(&state.mutations, "gallery", query).await?;
    let page = state.mutations.table.gallery(paging.limit, paging.after.as_deref()).await.map_err(store_problem)?;
    let sealer = state.mutations.sealer().await?;
    let mut items = Vec::with_capacity(page.items.len());
    for (generation, entry) in page.items {
        let Ok(output) = generation.output(entry.output, now) else { continue };
        if blocklist.hides(&state.mutations.table, &output.file, now).await.map_err(store_problem)? {
            continue;
        }
        items.push(PublicView {
            id: generation.id,
            output: output.number,
            kind: generation.kind,
            prompt: output.show_prompt.then(|| generation.settings.prompt.clone()),
            file: MediaView::with_links(&state.bucket, &output.file, now).await.map_err(store_problem)?,
            published_at: entry.published_at,
            report_token: report_token(sealer, reference(&generation, output.number))?,
        });
    }
    Ok(axum::Json(PublicPage { items, next: paging.next(page.next)? }).into_response())
}

fn reference(generation: &Generation, output: u32) -> OutputReference {
    OutputReference { account: generation.account, generation: generation.id, output }
}

async fn open_share(
    State(state): State<AppState>,
    Extension(blocklist): Extension<Blocklist>,
    client: RequestContext,
    StrictPath(token): StrictPath<String>,
) -> Result<Response, Problem> {
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(Problem::not_found());
    }
    let now = clock::now();
    state.mutations.limit_open_read(&client, now).await?;
    let found = state.mutations.table.shared(&token_hash(&token)).await.map_err(store_problem)?;
    let Shared { share, generation, account } = found.ok_or_else(Problem::not_found)?;
    let output = share.view(&account, &generation, now).map_err(refusal_problem)?;
    if blocklist.hides(&state.mutations.table, &output.file, now).await.map_err(store_problem)? {
        return Err(Problem::not_found());
    }
    let file = MediaView::with_links(&state.bucket, &output.file, now).await.map_err(store_problem)?;
    let report_token = report_token(state.mutations.sealer().await?, reference(&generation, output.number))?;
    let prompt = share.show_prompt.then_some(generation.settings.prompt);
    let view = SharedView { kind: generation.kind, prompt, file, expires_at: share.expires_at, report_token };
    Ok(axum::Json(view).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    status: Option<GenerationStatus>,
    kind: Option<MediaKind>,
    visibility: Option<Visibility>,
    favorite: Option<bool>,
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
    let ListQuery { status, kind, visibility, favorite, .. } = query;
    let filter = Filter { status, kind, visibility, favorite };
    let scope = ("generations", account, status, kind, visibility, favorite);
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
    delete_with(&state, (AccountId(caller.account_id), id), request, Generation::deleted).await
}

async fn delete_output(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output)): StrictPath<(GenerationId, u32)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let deletion = |generation: &Generation, now| generation.without_output(output, now);
    delete_with(&state, (AccountId(caller.account_id), id), request, deletion).await
}

/// Hides what `deletion` deletes of a generation, then deletes its files.
async fn delete_with(
    state: &AppState,
    (account, id): (AccountId, GenerationId),
    request: BodilessRequest,
    deletion: impl Fn(&Generation, Timestamp) -> Result<Generation, Refusal>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    let (response, deleted) = mutation
        .run_with(|| async {
            let generation = table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let generation = deletion(&generation, now)?;
            let writes = [Write::Generation(&generation)];
            Ok((mutation.commit(&writes, MutationResponse::no_content()).await?, generation))
        })
        .await?;
    if let Some(generation) = deleted
        && let Err(error) = lifecycle::remove_deleted(table, &state.bucket, &generation, now).await
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
