//! Sets the visibility of the images and videos of generations, marks favorites, and creates, lists and revokes share links.
//!
//! An image or a video is private until its owner changes that here, and private again at once. The token of a share link is 256
//! random bits, of which only the SHA-256 is stored. The token is in the response that created the link, and sealed in the
//! response that is stored for its `Idempotency-Key`. Links to files that were signed before work for at most four minutes
//! more.
//!
//! To set the same visibility or mark again changes nothing. To create a share link again without a key creates another link.

use api::{
    AppState, Mutation, MutationError, MutationResponse, Routes,
    generations::{
        generation::GenerationView,
        shares::{self, FavoriteRequest, ShareRequest, ShareView, Shares, VisibilityRequest, token_hash},
    },
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    AccountId, GenerationId, Refusal, ShareId,
    generations::{
        generation::Generation,
        output::{Output, Visibility},
        share::{self, ShareTerms},
    },
    moderation::blocklist,
};
use http::{HeaderValue, header::ETAG};
use jiff::Timestamp;
use runtime::{
    Error, clock,
    config::Environment,
    http::{BodilessRequest, Caller, IfMatch, MutatingRequest, Problem, StrictPath, etag},
};
use store::Write;

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
        .operation(&shares::SET_VISIBILITY, set_visibility)
        .operation(&shares::SET_FAVORITE, set_favorite)
        .operation(&shares::CREATE, create)
        .operation(&shares::LIST, list)
        .operation(&shares::REVOKE, revoke)
}

async fn set_visibility(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output)): StrictPath<(GenerationId, u32)>,
    condition: IfMatch,
    request: MutatingRequest<VisibilityRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let VisibilityRequest { visibility, show_prompt } = request.body;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (owner, generation) = state.mutations.table.account_and_generation(account, id).await?;
            let generation = to_change(generation, output, &condition, now)?;
            if visibility == Visibility::Public {
                owner.ok_or(Refusal::NotFound)?.check_publishing()?;
                check_unknown(&state, generation.output(output, now)?).await?;
            }
            let generation = generation.with_visibility(output, visibility, show_prompt, now)?;
            let writes = [Write::Generation(&generation), Write::GalleryEntry(&generation, output)];
            commit_changed(&state, &mutation, &generation, &writes, now).await
        })
        .await
}

async fn set_favorite(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output)): StrictPath<(GenerationId, u32)>,
    condition: IfMatch,
    request: MutatingRequest<FavoriteRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let FavoriteRequest { favorite } = request.body;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let generation = state.mutations.table.generation(account, id).await?;
            let generation = to_change(generation, output, &condition, now)?;
            let generation = generation.with_favorite(output, favorite, now)?;
            commit_changed(&state, &mutation, &generation, &[Write::Generation(&generation)], now).await
        })
        .await
}

/// Refuses what matches the blocklist.
async fn check_unknown(state: &AppState, output: &Output) -> Result<(), MutationError> {
    if let Some(file) = &output.file.fingerprints {
        blocklist::check(&state.mutations.table.blocklist().await?, file)?;
    }
    Ok(())
}

/// Returns the generation whose output is changed.
///
/// # Errors
/// The output does not exist, or the generation has another version than the condition names.
fn to_change(
    generation: Option<Generation>,
    output: u32,
    condition: &IfMatch,
    now: Timestamp,
) -> Result<Generation, MutationError> {
    let generation = generation.ok_or(Refusal::NotFound)?;
    generation.output(output, now)?;
    condition.check(generation.version)?;
    Ok(generation)
}

/// Commits the writes that change a generation, and responds with the generation and its version.
async fn commit_changed(
    state: &AppState,
    mutation: &Mutation<'_>,
    generation: &Generation,
    writes: &[Write<'_>],
    now: Timestamp,
) -> Result<Response, MutationError> {
    let view = GenerationView::with_links(&state.bucket, generation.clone(), now).await?;
    let mut response = mutation.commit(writes, MutationResponse::ok(view)).await?;
    let tag = HeaderValue::try_from(etag(generation.version)).map_err(Problem::internal)?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

async fn create(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output)): StrictPath<(GenerationId, u32)>,
    request: MutatingRequest<ShareRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let terms = ShareTerms::from(request.body);
    let token = URL_SAFE_NO_PAD.encode(clock::random::<32>());
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let read = tokio::try_join!(table.account_and_generation(account, id), table.settings(now))?;
            let ((Some(owner), Some(generation)), settings) = read else { return Err(Refusal::NotFound.into()) };
            generation.output(output, now)?;
            owner.check_publishing()?;
            check_unknown(&state, generation.output(output, now)?).await?;
            let limits = settings.plans.limits(owner.plan);
            let existing = table.shares(account, id, output).await?;
            let existing = existing.iter().filter(|share| share.expires_at > now).count();
            let new = (ShareId(clock::uuid_at(now)), token_hash(&token));
            let (share, generation) = share::create((&generation, output), existing, limits, terms, new, now)?;
            let view = ShareView::new(&share, Some(token.clone()));
            let response = MutationResponse::created(view).at(format!("/v1/shared/{token}"));
            mutation.commit(&[Write::Generation(&generation), Write::Share(&share)], response).await
        })
        .await
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output)): StrictPath<(GenerationId, u32)>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let table = &state.mutations.table;
    let generation = table.generation(account, id).await.map_err(store_problem)?;
    generation
        .ok_or(Refusal::NotFound)
        .and_then(|found| found.output(output, now).map(drop))
        .map_err(refusal_problem)?;
    let shares = table.shares(account, id, output).await.map_err(store_problem)?;
    let valid = shares.iter().filter(|share| share.expires_at > now);
    Ok(axum::Json(Shares { items: valid.map(|share| ShareView::new(share, None)).collect() }).into_response())
}

async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath((id, output, share)): StrictPath<(GenerationId, u32, ShareId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let generation = table.generation(account, id).await?.ok_or(Refusal::NotFound)?;
            let (revoked, rest): (Vec<_>, Vec<_>) =
                table.shares(account, id, output).await?.into_iter().partition(|other| other.id == share);
            let revoked = revoked.first().ok_or(Refusal::NotFound)?;
            let generation = share::revoke((&generation, output), &rest, now)?;
            let writes = [Write::Generation(&generation), Write::RemoveShare(revoked)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("visibility"));
    }
}
