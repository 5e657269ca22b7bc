//! `GET /v1/openapi.json`: the description of the API, made from the types that the functions use.
//!
//! Reads and writes nothing. May be cached for an hour.

use axum::{Router, response::IntoResponse, routing::get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use runtime::{Error, config::Environment};

/// The routes.
///
/// # Errors
/// None.
pub async fn build(_: Environment) -> Result<Router, Error> {
    let document = api::document().to_string();
    let serve = async move || {
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=3600")];
        (headers, document.clone()).into_response()
    };
    Ok(Router::new().route("/v1/openapi.json", get(serve)))
}
