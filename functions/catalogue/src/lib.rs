//! Shows and publishes versions of the catalogue, shows what models earn and cost, and has [`promotions`].
//!
//! A version is one item, written on condition that its number is free. It says who published it, when and why; the record of
//! the acts of staff has the hash of its document. If two staff members publish at once, one of them gets 409. Functions read the latest version within a minute; what was
//! submitted before keeps the version that it was submitted with.
//!
//! Versions and promotions are for administrators, what models earn and cost also for finance, with a recent sign-in; everyone else gets 404. With the same `Idempotency-Key` a repeat gets the same response, and without one it is refused, as the version that it
//! expects is no longer the latest one.

mod promotions;

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes, Staff, StaffDirectory,
    catalogue::{
        margins::{self, Margins},
        versions::{self, CatalogueVersionPage, CatalogueVersionSummary, CatalogueVersionView, PublicationRequest},
    },
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId,
    catalogue::{self, version::Publication},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::civil::Date;
use lifecycle::catalogue::Catalogues;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{MutatingRequest, Problem, StrictPath, StrictQuery},
};
use store::{Write, staff_act};

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    catalogues: Arc<Catalogues>,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or invalid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let catalogues = Arc::new(Catalogues::new(lifecycle::enabled_providers(&environment)?));
    Ok(staff_routes()
        .into_router()
        .merge(promotions::routes().into_router())
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(AppState { mutations, catalogues })
        .merge(public_routes().into_router()))
}

fn public_routes() -> Routes<()> {
    Routes::new().operation(&versions::SCHEMA, schema)
}

fn staff_routes() -> Routes<AppState> {
    Routes::new()
        .operation(&versions::LIST, list)
        .operation(&versions::SHOW, show)
        .operation(&versions::PUBLISH, publish)
        .operation(&margins::SHOW, show_margins)
}

async fn schema() -> Response {
    let headers = [(CONTENT_TYPE, "application/schema+json"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, catalogue::SCHEMA).into_response()
}

async fn list(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let scope = ("catalogue", caller.account_id);
    let paging: Paging<'_, _, u32> = Paging::open(&state.mutations, scope, query).await?;
    let page = state.mutations.table.catalogue_versions(paging.limit, paging.after).await.map_err(store_problem)?;
    let items = page.items.iter().map(CatalogueVersionSummary::from).collect();
    Ok(axum::Json(CatalogueVersionPage { items, next: paging.next(page.next)? }).into_response())
}

async fn show(State(state): State<AppState>, StrictPath(number): StrictPath<u32>) -> Result<Response, Problem> {
    if number == 0 {
        let document = catalogue::compiled().offered_by(state.catalogues.enabled());
        return Ok(axum::Json(CatalogueVersionView { number, publication: None, document }).into_response());
    }
    let version = state.mutations.table.catalogue_version(number).await.map_err(store_problem)?;
    let version = version.ok_or_else(Problem::not_found)?;
    let document = version.catalogue().map_err(Problem::internal)?;
    let publication = Some(CatalogueVersionSummary::from(&version));
    Ok(axum::Json(CatalogueVersionView { number, publication, document }).into_response())
}

async fn publish(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<PublicationRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let publication = Publication::from(request.body);
    let author = AccountId(caller.account_id);
    let staff = state.mutations.staff_name(&caller).await?;
    let mutation = state.mutations.begin(author, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let present = table.latest_catalogue_version().await?.map_or(0, |latest| latest.number);
            let version = publication.publish(present, state.catalogues.enabled(), staff.clone(), now)?;
            let path = format!("/v1/staff/catalogue/versions/{}", version.number);
            let response = MutationResponse::created(CatalogueVersionSummary::from(&version)).at(path);
            let act = staff_act(&staff, "published_catalogue", (version.number, &version.document), now);
            mutation.commit(&[Write::CatalogueVersion(&version), Write::StaffAct(&act)], response).await
        })
        .await
}

async fn show_margins(
    State(state): State<AppState>,
    StrictPath(month): StrictPath<String>,
) -> Result<Response, Problem> {
    let first: Date = format!("{month}-01").parse().map_err(|_| Problem::not_found())?;
    let table = &state.mutations.table;
    let days = table.margins(first, first.last_of_month()).await.map_err(store_problem)?;
    let catalogue = state.catalogues.present(table, clock::now()).await.map_err(store_problem)?;
    Ok(axum::Json(Margins { credit_microusd: catalogue.credit_value_microusd(), days }).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        let served = &(&staff_routes().served() | &public_routes().served()) | &promotions::routes().served();
        assert_eq!(served, api::operations_of("catalogue"));
    }
}
