//! Shows what the operator must know: which models end.

use api::{catalogue::watch::ModelWatchView, store_problem};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use runtime::{clock, http::Problem};

use crate::AppState;

pub(crate) async fn show_models(State(state): State<AppState>) -> Result<Response, Problem> {
    let (table, now) = (&state.mutations.table, clock::now());
    let catalogue = state.catalogues.present(table, now).await.map_err(store_problem)?;
    let watch = table.model_watch().await.map_err(store_problem)?;
    Ok(axum::Json(ModelWatchView::new(watch.as_ref(), &catalogue, now)).into_response())
}
