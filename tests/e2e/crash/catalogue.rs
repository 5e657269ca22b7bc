//! Crashes while a version of the catalogue is published.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use crate::env::{
    faults::{crash_at_each_call, retry_until_answered},
    http::ApiResponse,
    test_env::TestEnv,
    trial::tests,
};

tests![catalogue_crash_at_any_call_publishes_one_version,];

async fn catalogue_crash_at_any_call_publishes_one_version(env: &'static TestEnv) -> Result<()> {
    let (grace, versions) = (env.staff().await?, "/v1/staff/catalogue/versions");
    let latest = async || {
        let page = retry_until_answered(async || grace.get(versions).await).await?.is(200)?.json;
        let items = page["items"].as_array().context("no items")?;
        Ok::<_, anyhow::Error>(items.first().and_then(|item| item["number"].as_u64()).unwrap_or(0))
    };
    crash_at_each_call(env, "Catalogue", 2, async |ada| {
        let expected = latest().await?;
        let compiled = retry_until_answered(async || grace.get(&format!("{versions}/0")).await).await?.is(200)?.json;
        let body = json!({"expected": expected, "reason": "a crash", "document": compiled["document"]});
        let published = retry_until_answered(async || {
            let request = grace.request(Method::POST, versions).header("idempotency-key", &ada.account_id);
            ApiResponse::read(request.json(&body).send().await?).await
        });
        let published = published.await?.is(201)?.json;
        ensure!(published["number"] == expected + 1, "{published}");
        ensure!(latest().await? == expected + 1, "a repeat published another version");
        Ok(())
    })
    .await
}
