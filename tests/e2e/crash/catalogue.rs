//! Crashes while a version of the catalogue is published.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::env::{
    faults::{crash_at_each_call, retry_until_answered},
    http::{ApiResponse, text},
    test_env::TestEnv,
    trial::tests,
};

tests![
    catalogue_crash_at_any_call_publishes_one_version,
    watch_expiry_crash_at_any_call_is_made_up_for_in_another_hour,
];

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

async fn watch_expiry_crash_at_any_call_is_made_up_for_in_another_hour(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    let days = AtomicI64::new(0);
    crash_at_each_call(env, "WatchExpiry", 1, async |_| {
        let first: Timestamp = "2031-03-01T00:07:00Z".parse()?;
        let day = first + SignedDuration::from_hours(24 * days.fetch_add(1, Ordering::Relaxed));
        let mut asked = Vec::new();
        for hour in 0..3 {
            let at = day + SignedDuration::from_hours(hour);
            if let Ok(report) = env.invoke("WatchExpiry", &json!({"time": at.to_string()})).await {
                asked.push(report["asked"].as_u64().unwrap_or(0) > 0);
            }
        }
        let models = retry_until_answered(async || grace.get("/v1/staff/models").await).await?.is(200)?.json;
        let at: Timestamp = text(&models, "asked_at")?.parse()?;
        ensure!(at >= day && at < day + SignedDuration::from_hours(24), "nobody asked on {day}: {models}");
        ensure!(asked.last() == Some(&false), "providers were asked in each hour: {asked:?}");
        Ok(())
    })
    .await
}
