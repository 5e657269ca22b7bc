//! `GET /v1/openapi.json`, `GET /v1/privacy/inventory`, `GET /v1/privacy/policy`: the description of the API, of everything
//! that is held and of what is promised, made from the types and the declarations that the functions use.
//!
//! Reads and writes nothing. May be cached for an hour.

use std::sync::LazyLock;

use api::{policy, privacy::Inventory};
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use runtime::{Error, config::Environment};
use serde_json::json;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| api::document().to_string());
static INVENTORY: LazyLock<String> = LazyLock::new(|| json!(Inventory::of_everything()).to_string());

/// The routes.
///
/// # Errors
/// None.
pub async fn build(_: Environment) -> Result<Router, Error> {
    Ok(Router::new()
        .route("/v1/openapi.json", get(async || published(&DOCUMENT)))
        .route("/v1/privacy/inventory", get(async || published(&INVENTORY)))
        .route("/v1/privacy/policy", get(policy)))
}

fn published(document: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, document).into_response()
}

async fn policy() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=3600"),
        (CONTENT_SECURITY_POLICY, policy::CONTENT_SECURITY_POLICY),
    ];
    (headers, policy::page()).into_response()
}
