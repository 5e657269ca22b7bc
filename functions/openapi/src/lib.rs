//! Serves the OpenAPI document, the inventory of stored data, and the policy, all generated from the declarations that the
//! functions use.
//!
//! Reads and writes nothing. Responses may be cached for an hour.

use std::sync::LazyLock;

use api::{
    Routes, SHOW_DOCUMENT,
    privacy::{
        inventory::{self, Inventory},
        policy::{self, Policy},
    },
};
use axum::{
    Router,
    response::{IntoResponse, Response},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use runtime::{Error, config::Environment};
use serde_json::json;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| api::document().to_string());
static INVENTORY: LazyLock<String> = LazyLock::new(|| json!(Inventory::of_everything()).to_string());
static POLICY: LazyLock<String> = LazyLock::new(|| json!(Policy::of_all_promises()).to_string());

/// Builds the router.
///
/// # Errors
/// Never fails.
pub async fn build(_: Environment) -> Result<Router, Error> {
    Ok(routes().into_router())
}

fn routes() -> Routes<()> {
    Routes::new()
        .operation(&SHOW_DOCUMENT, async || cached_json(&DOCUMENT))
        .operation(&inventory::SHOW, async || cached_json(&INVENTORY))
        .operation(&policy::SHOW, async || cached_json(&POLICY))
}

fn cached_json(document: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, document).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("openapi"));
    }
}
