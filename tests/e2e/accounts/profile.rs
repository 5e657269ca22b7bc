//! Updates of the profile.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{http::ApiResponse, test_env::TestEnv, trial::tests};

tests![p28_account_update_needs_the_current_etag,];

async fn p28_account_update_needs_the_current_etag(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let seen = ada.get("/v1/account").await?.is(200)?;
    let tag = seen.header("etag").context("no ETag")?.to_owned();
    let correct = async |tag: &str, body: Value| -> Result<ApiResponse> {
        ApiResponse::read(ada.request(Method::PATCH, "/v1/account").header("if-match", tag).json(&body).send().await?)
            .await
    };
    let named = correct(&tag, json!({"display_name": "Ada", "preferences": {"theme": "dark"}})).await?.is(200)?.json;
    ensure!(named["display_name"] == "Ada" && named["preferences"] == json!({"theme": "dark", "language": "en"}));
    correct(&tag, json!({"display_name": "Eve"})).await?.is(412)?;
    let cleared = ada.patch("/v1/account", &json!({"display_name": null})).await?.is(200)?.json;
    ensure!(cleared["display_name"].is_null() && cleared["preferences"]["theme"] == "dark");
    let bad =
        ada.patch("/v1/account", &json!({"display_name": "", "preferences": {"language": "<b>"}})).await?.is(400)?;
    ensure!(bad.fields() == ["display_name", "preferences.language"], "{:?}", bad.fields());
    Ok(())
}
