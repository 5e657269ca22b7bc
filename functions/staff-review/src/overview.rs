//! Shows what the operator must know: what happened, what has not ended, and which models end.

use api::{Staff, catalogue::watch::ModelWatchView, staff::figures::Figures, store_problem};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::staff::role::Role::Finance;
use jiff::civil::Date;
use runtime::{
    clock,
    http::{Problem, StrictPath},
};

use crate::AppState;

/// The most generations that have not ended that are counted in a shard of the index.
const UNFINISHED: usize = 500;

pub(crate) async fn show_models(State(state): State<AppState>) -> Result<Response, Problem> {
    let (table, now) = (&state.mutations.table, clock::now());
    let catalogue = state.catalogues.present(table, now).await.map_err(store_problem)?;
    let watch = table.model_watch().await.map_err(store_problem)?;
    Ok(axum::Json(ModelWatchView::new(watch.as_ref(), &catalogue, now)).into_response())
}

pub(crate) async fn show_figures(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(month): StrictPath<String>,
) -> Result<Response, Problem> {
    let first: Date = format!("{month}-01").parse().map_err(|_| Problem::not_found())?;
    let table = &state.mutations.table;
    let mut days = table.daily_sums(first, first.last_of_month()).await.map_err(store_problem)?;
    if !staff.is_among(&[Finance]) {
        days.retain(|sum| !sum.kind.is_money());
    }
    let (unfinished, oldest_unfinished) =
        table.unfinished_generations(clock::now(), UNFINISHED).await.map_err(store_problem)?;
    let unfinished = u64::try_from(unfinished).unwrap_or(u64::MAX);
    Ok(axum::Json(Figures { unfinished, oldest_unfinished, days }).into_response())
}
