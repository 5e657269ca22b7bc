//! `GET /v1/gallery`, `GET /v1/shared/{token}`, `GET /v1/generations`, `GET, DELETE /v1/generations/{id}`.
//!
//! A page is one round trip, unless a filter lets little through; what a share link shows is two, its pointer and what it
//! points to. Links to files live four minutes and are signed without asking anybody.
//!
//! A deletion hides the generation at once, from its owner, the gallery and every link; if we die before its files are
//! gone, `sweep` removes them.

use std::sync::Arc;

use api::{
    Answer, Attempt, Mutations, failed, generation_view, media_views, page_limit, token_hash,
    views::{GenerationPage, PublicPage, PublicView, SharedView},
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    AccountId, GenerationId, Refusal,
    catalogue::Kind,
    generation::{Generation, Status, Visibility},
};
use http::{StatusCode, header::ETAG};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    cursor,
    http::{BodilessRequest, Caller, Problem, StrictPath, StrictQuery, etag},
};
use serde::Deserialize;
use store::{Bucket, Filter, Write};

/// Longest token that is looked up; ours have 43 characters.
const LONGEST_TOKEN: usize = 64;

#[derive(Clone)]
struct App {
    mutations: Mutations,
    bucket: Bucket,
}

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let app = App {
        bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
        mutations: Mutations::open(&environment, &clients).await?,
    };
    Ok(Router::new()
        .route("/v1/gallery", get(public))
        .route("/v1/shared/{token}", get(shared))
        .route("/v1/generations", get(own))
        .route("/v1/generations/{id}", get(show).delete(remove))
        .with_state(app))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn public(State(app): State<App>, StrictQuery(query): StrictQuery<PublicQuery>) -> Result<Response, Problem> {
    let now = clock::now();
    let limit = page_limit(query.limit)?;
    let sealer = app.mutations.sealer().await?;
    let after: Option<String> =
        query.cursor.as_deref().map(|text| cursor::open(sealer, &"gallery", text)).transpose()?;
    let page = app.mutations.table.gallery(limit, after.as_deref()).await.map_err(failed)?;
    let next = page.next.map(|last| cursor::seal(sealer, &"gallery", &last)).transpose();
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        let media = media_views(&app.bucket, &generation, now).await.map_err(failed)?;
        items.push(PublicView {
            id: generation.id,
            kind: generation.kind,
            prompt: generation.show_prompt.then_some(generation.settings.prompt),
            media,
            published_at: generation.published_at,
        });
    }
    Ok(axum::Json(PublicPage { items, next: next.map_err(Problem::internal)? }).into_response())
}

async fn shared(State(app): State<App>, StrictPath(token): StrictPath<String>) -> Result<Response, Problem> {
    if token.len() > LONGEST_TOKEN {
        return Err(Problem::not_found());
    }
    let now = clock::now();
    let found = app.mutations.table.shared(&token_hash(&token)).await.map_err(failed)?;
    let (share, generation) = found.ok_or_else(Problem::not_found)?;
    share.may_view(generation.as_ref(), now).map_err(api::refused)?;
    let generation = generation.ok_or_else(Problem::not_found)?;
    let media = media_views(&app.bucket, &generation, now).await.map_err(failed)?;
    let prompt = share.show_prompt.then_some(generation.settings.prompt);
    let view = SharedView { kind: generation.kind, prompt, media, expires_at: share.expires_at };
    Ok(axum::Json(view).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnQuery {
    status: Option<Status>,
    kind: Option<Kind>,
    visibility: Option<Visibility>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn own(
    State(app): State<App>,
    caller: Caller,
    StrictQuery(query): StrictQuery<OwnQuery>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let limit = page_limit(query.limit)?;
    let filter = Filter { status: query.status, kind: query.kind, visibility: query.visibility };
    let scope = ("generations", account, query.status, query.kind, query.visibility);
    let sealer = app.mutations.sealer().await?;
    let after: Option<GenerationId> =
        query.cursor.as_deref().map(|text| cursor::open(sealer, &scope, text)).transpose()?;
    let page = app.mutations.table.generations(account, filter, limit, after).await.map_err(failed)?;
    let next = page.next.map(|last| cursor::seal(sealer, &scope, &last)).transpose();
    let mut items = Vec::with_capacity(page.items.len());
    for generation in page.items.into_iter().filter(|generation| !generation.is_expired(now)) {
        items.push(generation_view(&app.bucket, generation, now).await.map_err(failed)?);
    }
    Ok(axum::Json(GenerationPage { items, next: next.map_err(Problem::internal)? }).into_response())
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let generation = app.mutations.table.generation(AccountId(caller.account_id), id).await.map_err(failed)?;
    let generation = generation.filter(|generation| !generation.is_expired(now)).ok_or_else(Problem::not_found)?;
    let tag = etag(generation.version);
    let view = generation_view(&app.bucket, generation, now).await.map_err(failed)?;
    Ok(([(ETAG, tag)], axum::Json(view)).into_response())
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let mut mutation = app.mutations.begin(account, request.idempotency, now);
    let mut hidden: Option<Generation> = None;
    let response = loop {
        let attempt: Result<Response, Attempt> = async {
            let generation = app.mutations.table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let generation = generation.removed(now)?;
            let answer = Answer { status: StatusCode::NO_CONTENT, location: None, body: () };
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
        && let Err(error) = lifecycle::remove_generation(&app.mutations.table, &app.bucket, &generation).await
    {
        tracing::warn!(error = %error, generation = %generation.id, "not all is removed: the sweep will remove the rest");
    }
    Ok(response)
}
