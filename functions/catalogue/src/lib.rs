//! Shows and publishes versions of the documents of the operator, the catalogue, the settings of the service and its texts, shows what
//! models earn and cost, and has [`promotions`].
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
        documents::{DocumentVersionPage, DocumentVersionSummary, Published},
        margins::{self, Margins},
        settings,
        texts::{self, ServiceView},
        versions,
    },
    store_problem,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId,
    catalogue::Catalogue,
    documents::{Document, Publication},
    service_settings::ServiceSettings,
    service_texts::ServiceTexts,
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
use serde::Serialize;
use store::{Table, Write, staff_act};

/// The most bytes of a request: those of the largest document, and room for how it is written.
const PUBLICATION_LIMIT: usize = 512 << 10;

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
    let table = mutations.table.clone();
    let catalogues = Arc::new(Catalogues::new(lifecycle::enabled_providers(&environment)?));
    Ok(staff_routes()
        .into_router()
        .merge(promotions::routes().into_router())
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .layer(DefaultBodyLimit::max(PUBLICATION_LIMIT))
        .with_state(AppState { mutations, catalogues })
        .merge(public_routes().into_router().with_state(table)))
}

fn public_routes() -> Routes<Table> {
    Routes::new()
        .operation(&versions::SCHEMA, async || schema::<Catalogue>())
        .operation(&settings::SCHEMA, async || schema::<ServiceSettings>())
        .operation(&texts::SCHEMA, async || schema::<ServiceTexts>())
        .operation(&texts::SERVICE, show_service)
        .operation(&texts::TERMS, show_terms)
}

fn staff_routes() -> Routes<AppState> {
    Routes::new()
        .operation(&versions::LIST, list::<Catalogue>)
        .operation(&versions::SHOW, show::<Catalogue>)
        .operation(&versions::PUBLISH, publish::<Catalogue>)
        .operation(&settings::LIST, list::<ServiceSettings>)
        .operation(&settings::SHOW, show::<ServiceSettings>)
        .operation(&settings::PUBLISH, publish::<ServiceSettings>)
        .operation(&texts::LIST, list::<ServiceTexts>)
        .operation(&texts::SHOW, show::<ServiceTexts>)
        .operation(&texts::PUBLISH, publish::<ServiceTexts>)
        .operation(&margins::SHOW, show_margins)
}

fn schema<D: Document>() -> Response {
    let headers = [(CONTENT_TYPE, "application/schema+json"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, D::SCHEMA).into_response()
}

/// Shows what everybody may read. Browsers ask again after half a minute.
fn shown_to_all(view: impl Serialize) -> Response {
    ([(CACHE_CONTROL, "public, max-age=30")], axum::Json(view)).into_response()
}

async fn show_service(State(table): State<Table>) -> Result<Response, Problem> {
    let texts = table.texts(clock::now()).await.map_err(store_problem)?;
    Ok(shown_to_all(ServiceView::from(texts.as_ref())))
}

async fn show_terms(State(table): State<Table>) -> Result<Response, Problem> {
    let texts = table.texts(clock::now()).await.map_err(store_problem)?;
    Ok(shown_to_all(&texts.terms))
}

async fn list<D: Published>(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let scope = (D::NAME, caller.account_id);
    let paging: Paging<'_, _, u32> = Paging::open(&state.mutations, scope, query).await?;
    let table = &state.mutations.table;
    let page = table.document_versions::<D>(paging.limit, paging.after).await.map_err(store_problem)?;
    let items = page.items.iter().map(DocumentVersionSummary::from).collect();
    Ok(axum::Json(DocumentVersionPage { items, next: paging.next(page.next)? }).into_response())
}

async fn show<D: Published>(
    State(state): State<AppState>,
    StrictPath(number): StrictPath<u32>,
) -> Result<Response, Problem> {
    if number == 0 {
        let document = D::compiled().configured_for(state.catalogues.enabled());
        return Ok(axum::Json(D::view(number, None, document)).into_response());
    }
    let version = state.mutations.table.document_version::<D>(number).await.map_err(store_problem)?;
    let version = version.ok_or_else(Problem::not_found)?;
    let document: D = version.parse().map_err(Problem::internal)?;
    let publication = Some(DocumentVersionSummary::from(&version));
    Ok(axum::Json(D::view(number, publication, document)).into_response())
}

async fn publish<D: Published>(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<D::Request>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let publication: Publication<D> = request.body.into();
    let author = AccountId(caller.account_id);
    let staff = state.mutations.staff_name(&caller).await?;
    let mutation = state.mutations.begin(author, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let present = table.latest_document_version::<D>().await?.map_or(0, |latest| latest.number);
            let version = publication.publish(present, state.catalogues.enabled(), staff.clone(), now)?;
            let path = format!("/v1/staff/{}/versions/{}", D::NAME, version.number);
            let response = MutationResponse::created(DocumentVersionSummary::from(&version)).at(path);
            let kind = format!("published_{}", D::NAME);
            let act = staff_act(&staff, &kind, (version.number, &version.document), now);
            mutation.commit(&[Write::DocumentVersion(D::NAME, &version), Write::StaffAct(&act)], response).await
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
