//! Versions of the settings of the service: what is refused, what is published, and what functions make of it.

use anyhow::{Context, Result, ensure};
use domain::{
    accounts::{account::Account, plan::Plan},
    service_settings,
};
use jiff::SignedDuration;
use runtime::clock;
use serde_json::{Value, json};

use crate::world::{Answer, World, claims};

const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";

impl World {
    /// Publishes the compiled default with a change, on top of version `expected`.
    async fn publish_settings(&self, expected: u32, change: impl FnOnce(&mut Value)) -> Result<Answer> {
        let mut document = serde_json::to_value(service_settings::compiled())?;
        change(&mut document);
        let body = json!({"expected": expected, "reason": "another limit", "document": document});
        self.send("catalogue/publish-settings", json!({ "body": body })).await
    }
}

/// Returns a world whose account is on the Free plan.
async fn free() -> Result<World> {
    World::new().await?.with_account(|account| Account { plan: Plan::Free, ..account }).await
}

#[tokio::test]
async fn published_limits_are_those_of_the_next_request() -> Result<()> {
    let world = free().await?;
    let two =
        json!({"headers": {"idempotency-key": null}, "body": {"model": "sketch-image", "prompt": "a", "count": 2}});
    world.send("submit/create", two.clone()).await?.is(202)?;
    let published = world.publish_settings(0, |document| {
        let free = &mut document["plans"]["free"];
        free["outputs_per_generation"] = json!(1);
        free["uploads"] = json!(1);
        free["shares_per_output"] = json!(1);
    });
    let published = published.await?.is(201)?;
    ensure!(published.headers["location"] == "/v1/staff/settings/versions/1", "{published:?}");
    ensure!(published.body["reason"] == "another limit" && published.body["number"] == 1, "{published:?}");
    world.send("submit/create", two.clone()).await?.names(&["count"])?;
    world.send("submit/quote", json!({"body": two["body"]})).await?.names(&["count"])?;
    world.send("upload-presign/create", json!({})).await?.refused(403, "plan-limit")?;
    world.send("visibility/share", json!({})).await?.refused(403, "plan-limit")?;
    let limits = world.send("account/read", json!({})).await?.is(200)?.body["limits"].clone();
    ensure!(limits["outputs_per_generation"] == 1 && limits["uploads"]["limit"] == 1, "{limits}");
    Ok(())
}

#[tokio::test]
async fn published_rate_and_count_bound_what_is_submitted_and_canceled() -> Result<()> {
    let world = free().await?;
    let publish = world.publish_settings(0, |document| {
        let free = &mut document["plans"]["free"];
        free["submits"] = json!({"per_minute": 1, "burst": 1});
        free["cancels_per_hour"] = json!(1);
        free["jobs_in_flight"] = json!(3);
    });
    publish.await?.is(201)?;
    let one = || {
        let body = json!({"model": "sketch-image", "prompt": "a"});
        world.send("submit/create", json!({"headers": {"idempotency-key": null}, "body": body}))
    };
    let submitted = one().await?.is(202)?.body;
    one().await?.refused(429, "rate-limited")?;
    let cancel = |id: &str| {
        let path = format!("/v1/generations/{id}/cancel");
        world.send("submit/cancel", json!({"headers": {"idempotency-key": null}, "path": path}))
    };
    cancel(submitted["id"].as_str().context("no id")?).await?.is(200)?;
    cancel(QUEUED).await?.refused(429, "too-many-cancels")?;
    Ok(())
}

#[tokio::test]
async fn published_retention_is_that_of_files_that_are_stored_later() -> Result<()> {
    let world = free().await?;
    world.publish_settings(0, |document| document["plans"]["free"]["retention_days"] = json!(7)).await?.is(201)?;
    let before = clock::now();
    world.send("submit/cancel", json!({"path": format!("/v1/generations/{QUEUED}/cancel")})).await?.is(200)?;
    let expires_at = world.generation(QUEUED).await?.expires_at.context("it never expires")?;
    let week = SignedDuration::from_hours(7 * 24);
    ensure!((before + week..=clock::now() + week).contains(&expires_at), "{expires_at}");
    let plans = world.send("checkout/packages", json!({})).await?.is(200)?.body["plans"].clone();
    ensure!(plans[0]["retention_days"] == 7 && plans[1]["retention_days"] == 365, "{plans}");
    Ok(())
}

#[tokio::test]
async fn published_welcome_is_that_of_the_next_account() -> Result<()> {
    let world = World::new().await?;
    let publish = world.publish_settings(0, |document| {
        document["welcome"] = json!({"credits": 7, "grants_per_day": 1000, "models": "all"});
    });
    publish.await?.is(201)?;
    ensure!(world.send("checkout/packages", json!({})).await?.is(200)?.body["welcome_credits"] == 7);
    let models = world.send("submit/models", json!({})).await?.is(200)?.body["models"].clone();
    ensure!(models.as_array().context("no models")?.iter().all(|model| model["needs_purchase"] == false), "{models}");
    Ok(())
}

#[tokio::test]
async fn settings_are_refused_with_every_field_that_is_wrong() -> Result<()> {
    let world = World::new().await?;
    let broken = world.publish_settings(0, |document| {
        document["plans"]["free"]["uploads"] = json!(0);
        document["plans"]["pro"]["retention_days"] = json!(90);
        document["fraud_rules"]["lost_disputes"] = json!(0);
    });
    broken.await?.names(&[
        "document.fraud_rules.lost_disputes",
        "document.plans.free.uploads",
        "document.plans.pro.retention_days",
    ])?;
    for unknown in [json!({"document": {"plan": 1}}), json!({"low_prices_reason": "cheap"})] {
        let mut body = json!({"expected": 0, "reason": "a", "document": service_settings::compiled()});
        body.as_object_mut().context("no object")?.extend(unknown.as_object().cloned().unwrap_or_default());
        world.send("catalogue/publish-settings", json!({ "body": body })).await?.refused(400, "invalid-request")?;
    }
    world.publish_settings(0, |_| ()).await?.is(201)?;
    world.publish_settings(0, |_| ()).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn earlier_settings_are_shown_and_the_default_is_version_0() -> Result<()> {
    let world = World::new().await?;
    world.publish_settings(0, |document| document["welcome"]["credits"] = json!(7)).await?.is(201)?;
    let show = |number: u32| {
        let path = format!("/v1/staff/settings/versions/{number}");
        world.send("catalogue/show-settings", json!({ "path": path }))
    };
    let first = show(1).await?.is(200)?.body;
    ensure!(first["document"]["welcome"]["credits"] == 7 && first["publication"]["number"] == 1, "{first}");
    let default = show(0).await?.is(200)?.body;
    ensure!(default["document"] == serde_json::to_value(service_settings::compiled())?, "{default}");
    show(2).await?.refused(404, "not-found")?;
    let listed = world.send("catalogue/settings", json!({})).await?.is(200)?.body;
    ensure!(listed["items"].as_array().map(Vec::len) == Some(1), "{listed}");
    ensure!(world.send("catalogue/list", json!({})).await?.is(200)?.body["items"] == json!([]), "of another document");
    Ok(())
}

#[tokio::test]
async fn settings_do_not_exist_for_others_but_for_the_schema() -> Result<()> {
    let world = World::new().await?;
    for role in [json!(null), json!("[support]"), json!("[finance]")] {
        let member = claims(&json!({"cognito:groups": role}));
        for event in ["settings", "show-settings", "publish-settings"] {
            world.send(&format!("catalogue/{event}"), member.clone()).await?.refused(404, "not-found")?;
        }
    }
    let schema = world.send("catalogue/settings-schema", json!({})).await?.is(200)?;
    ensure!(schema.body["title"] == "ServiceSettings" && schema.calls.is_empty(), "{schema:?}");
    Ok(())
}
