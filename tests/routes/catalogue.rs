//! Versions of the catalogue: what is refused, what is published, and what functions make of it.

use anyhow::{Context, Result, ensure};
use domain::{catalogue, generations::generation::GenerationStatus};
use jiff::SignedDuration;
use lifecycle::catalogue::Catalogues;
use runtime::clock;
use serde_json::{Value, json};
use store::CACHE_S;

use crate::world::{Answer, World, claims};

const VERSIONS: &str = "/v1/staff/catalogue/versions";

/// Returns the change to a request with this body and without an `Idempotency-Key`.
fn without_key(body: Value) -> Value {
    json!({"headers": {"idempotency-key": null}, "body": body})
}

impl World {
    /// Publishes the compiled default of the sketches with a change, on top of version `expected`.
    async fn publish(&self, expected: u32, change: impl FnOnce(&mut Value)) -> Result<Answer> {
        let mut document = serde_json::to_value(catalogue::compiled().offered_by(&["sketch"]))?;
        change(&mut document);
        let body = json!({"expected": expected, "reason": "a new price", "document": document});
        self.send("catalogue/publish", json!({ "body": body })).await
    }

    /// Returns the model with this id, if it is listed.
    async fn listed(&self, id: &str) -> Result<Option<Value>> {
        let models = self.send("submit/models", json!({})).await?.is(200)?.body["models"].clone();
        Ok(models.as_array().context("no models")?.iter().find(|model| model["id"] == id).cloned())
    }

    async fn quoted(&self) -> Result<(Value, Value)> {
        let quote =
            self.send("submit/quote", json!({"body": {"model": "sketch-image", "prompt": "a"}})).await?.is(200)?;
        Ok((quote.body["credits"].clone(), quote.body["catalogue"].clone()))
    }
}

#[tokio::test]
async fn published_price_is_that_of_the_next_quote_and_of_no_submitted_job() -> Result<()> {
    let world = World::new().await?;
    ensure!(world.quoted().await? == (json!(1), json!(0)));
    let submit =
        || world.send("submit/create", without_key(json!({"model": "sketch-image", "prompt": "a", "count": 2})));
    let before = submit().await?.is(202)?.body;
    let published = world.publish(0, |document| document["models"][0]["price"]["credits"] = json!(5)).await?.is(201)?;
    ensure!(published.headers["location"] == format!("{VERSIONS}/1"), "{published:?}");
    ensure!(published.body["number"] == 1 && published.body["reason"] == "a new price", "{published:?}");
    ensure!(published.body["staff"].as_str().is_some_and(|staff| !staff.is_empty()), "{published:?}");
    ensure!(world.quoted().await? == (json!(5), json!(1)));
    ensure!(world.listed("sketch-image").await?.context("not listed")?["credits"] == 5);
    let after = submit().await?.is(202)?.body;
    for (shown, reserved, version) in [(before, 2, 0), (after, 10, 1)] {
        let generation = world.generation(shown["id"].as_str().context("no id")?).await?;
        ensure!((generation.reserved.0, generation.catalogue) == (reserved, version), "{generation:?}");
    }
    Ok(())
}

#[tokio::test]
async fn hidden_or_retired_model_is_not_listed_and_its_jobs_have_their_offer() -> Result<()> {
    for state in [json!("hidden"), json!({"retired": "2026-01-01"})] {
        let world = World::new().await?;
        let body = without_key(json!({"model": "sketch-image", "prompt": "a"}));
        let submitted = world.send("submit/create", body.clone()).await?.is(202)?.body;
        world.publish(0, |document| document["models"][0]["state"] = state.clone()).await?.is(201)?;
        ensure!(world.listed("sketch-image").await?.is_none() && world.listed("sketch-video").await?.is_some());
        world.send("submit/create", body.clone()).await?.names(&["model"])?;
        world.send("submit/quote", body).await?.names(&["model"])?;
        let generation = world.generation(submitted["id"].as_str().context("no id")?).await?;
        ensure!(generation.status == GenerationStatus::Queued);
        let catalogues = Catalogues::new(vec!["sketch".to_owned()]);
        let with = catalogues.version(&world.table, generation.catalogue, clock::now()).await?;
        ensure!(generation.present_offer(&with).is_some(), "a worker finds no offer");
        let latest = catalogues.present(&world.table, clock::now()).await?;
        ensure!(generation.present_offer(&latest).is_some(), "nor in the version that retires it");
    }
    Ok(())
}

#[tokio::test]
async fn version_is_refused_with_every_field_that_is_wrong() -> Result<()> {
    let world = World::new().await?;
    let wrong = |document: &mut Value| {
        document["models"][0]["max_count"] = json!(0);
        document["models"][1]["durations_ms"] = json!([]);
        document["packages"][0]["prices"] = json!([]);
    };
    let fields = ["document.models[0].max_count", "document.models[1].durations_ms", "document.packages[0].prices"];
    world.publish(0, wrong).await?.names(&fields)?;
    let unknown = |document: &mut Value| document["models"][0]["colour"] = json!("red");
    world.publish(0, unknown).await?.names(&["document.models[0].colour"])?;
    let foreign = |document: &mut Value| {
        document["models"][0]["offers"][0]["provider"] = json!("openai");
    };
    world.publish(0, foreign).await?.names(&["document.models[0].offers[0].provider"])?;
    let body = json!({"expected": 0, "reason": " ", "document": catalogue::compiled().offered_by(&["sketch"])});
    world.send("catalogue/publish", json!({ "body": body })).await?.names(&["reason"])?;
    Ok(())
}

#[tokio::test]
async fn price_below_cost_and_margin_needs_a_reason() -> Result<()> {
    let world = World::new().await?;
    let low = |document: &mut Value| document["models"][0]["offers"][0]["cost"]["microusd"] = json!(13_000);
    let refused = world.publish(0, low).await?.refused(409, "price-below-margin")?;
    ensure!(refused.body["errors"][0]["field"] == "document.models[0].price.credits", "{refused:?}");
    let mut document = serde_json::to_value(catalogue::compiled().offered_by(&["sketch"]))?;
    low(&mut document);
    let mut body = json!({"expected": 0, "reason": "a new price", "document": document});
    body["low_prices_reason"] = json!("a week of welcome");
    let published = world.send("catalogue/publish", json!({ "body": body })).await?.is(201)?;
    ensure!(published.body["low_prices_reason"] == "a week of welcome", "{published:?}");
    Ok(())
}

#[tokio::test]
async fn lost_race_is_refused_and_a_key_gets_its_response_again() -> Result<()> {
    let world = World::new().await?;
    let keyed = json!({"headers": {"idempotency-key": "k1"}});
    let first = world.send("catalogue/publish", keyed.clone()).await?.is(201)?;
    let again = world.send("catalogue/publish", keyed).await?.is(201)?;
    ensure!(first.body == again.body && again.headers["idempotent-replayed"] == "true", "{again:?}");
    world.publish(0, |_| ()).await?.refused(409, "conflict")?;
    world.publish(1, |_| ()).await?.is(201)?;
    let versions = world.send("catalogue/list", json!({})).await?.is(200)?.body;
    let numbers: Vec<_> =
        versions["items"].as_array().context("no items")?.iter().map(|item| &item["number"]).collect();
    ensure!(numbers == [2, 1], "{versions}");
    Ok(())
}

#[tokio::test]
async fn earlier_version_is_shown_and_published_again_to_go_back() -> Result<()> {
    let world = World::new().await?;
    world.publish(0, |document| document["models"][0]["price"]["credits"] = json!(5)).await?.is(201)?;
    let show = |number: u32| world.send("catalogue/show", json!({"path": format!("{VERSIONS}/{number}")}));
    let first = show(1).await?.is(200)?.body;
    ensure!(first["document"]["models"][0]["price"]["credits"] == 5 && first["publication"]["number"] == 1, "{first}");
    let default = show(0).await?.is(200)?.body;
    ensure!(default["publication"].is_null() && default["document"]["models"].as_array().map(Vec::len) == Some(2));
    let body = json!({"expected": 1, "reason": "back", "document": default["document"]});
    world.send("catalogue/publish", json!({ "body": body })).await?.is(201)?;
    ensure!(world.quoted().await? == (json!(1), json!(2)));
    show(3).await?.refused(404, "not-found")?;
    Ok(())
}

#[tokio::test]
async fn catalogue_routes_do_not_exist_for_others_but_for_the_schema() -> Result<()> {
    let world = World::new().await?;
    let member = claims(&json!({"cognito:groups": null}));
    for event in ["list", "show", "publish", "margins"] {
        world.send(&format!("catalogue/{event}"), member.clone()).await?.refused(404, "not-found")?;
    }
    let schema = world.send("catalogue/schema", json!({})).await?.is(200)?;
    ensure!(schema.body["title"] == "Catalogue" && schema.calls.is_empty(), "{schema:?}");
    for month in ["2026-13", "2026-11-01", "x"] {
        let path = json!({"path": format!("/v1/staff/margins/{month}")});
        world.send("catalogue/margins", path).await?.refused(404, "not-found")?;
    }
    Ok(())
}

#[tokio::test]
async fn published_packages_are_sold_and_an_open_payment_keeps_its_price() -> Result<()> {
    let world = World::new().await?;
    let starter = json!({"package": "starter", "currency": "EUR", "provider": "stripe"});
    let buy = || world.send("checkout/create", without_key(starter.clone()));
    let before = buy().await?.is(201)?.body;
    world.publish(0, |document| document["packages"][0]["prices"][1]["amount"] = json!(700)).await?.is(201)?;
    ensure!(buy().await?.is(201)?.body["price"]["amount"] == 700);
    let path = format!("/v1/checkout/{}", before["id"].as_str().context("no id")?);
    ensure!(world.send("checkout/read", json!({ "path": path })).await?.is(200)?.body["price"]["amount"] == 500);
    Ok(())
}

#[tokio::test]
async fn present_version_is_read_again_after_half_a_minute_and_others_once() -> Result<()> {
    let world = World::new().await?;
    let (catalogues, now) = (Catalogues::new(vec!["sketch".to_owned()]), clock::now());
    let present = async |second: i64| catalogues.present(&world.table, now + SignedDuration::from_secs(second)).await;
    ensure!(present(0).await?.version == 0);
    world.publish(0, |_| ()).await?.is(201)?;
    world.aws.take_calls().await;
    ensure!(present(CACHE_S - 1).await?.version == 0 && world.aws.take_calls().await.is_empty());
    ensure!(present(CACHE_S).await?.version == 1);
    for _ in 0..2 {
        ensure!(catalogues.version(&world.table, 1, now).await?.version == 1);
        ensure!(catalogues.version(&world.table, 0, now).await?.version == 0);
    }
    ensure!(world.aws.take_calls().await == ["Query", "GetItem"]);
    ensure!(CACHE_S + 30 <= 60, "a client may keep the list for 30 seconds more");
    Ok(())
}
