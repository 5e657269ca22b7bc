//! The statement.

use anyhow::{Result, ensure};
use runtime::clock;
use serde_json::json;
use store::Write;

use crate::world::World;

#[tokio::test]
async fn statement_needs_a_period_that_is_not_empty() -> Result<()> {
    let query = "from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z";
    let world = World::new().await?;
    world.send("account/statement", json!({"rawQueryString": query})).await?.names(&["from"])?;
    world.send("account/statement", json!({"rawQueryString": "limit=1000"})).await?.names(&["limit"])?;
    world.send("account/statement", json!({"rawQueryString": "cursor=forged"})).await?.names(&["cursor"])?;
    Ok(())
}

#[tokio::test]
async fn statement_shows_the_prompts_of_generations_until_they_are_deleted() -> Result<()> {
    let world = World::new().await?;
    let submitted = world.send("submit/create", json!({})).await?.is(202)?.body;
    let (id, prompt) = (&submitted["id"], &submitted["settings"]["prompt"]);
    let shown = async || -> Result<bool> {
        let statement = world.send("account/statement", json!({"rawQueryString": ""})).await?.is(200)?.body;
        let entries = statement["entries"].as_array().into_iter().flatten();
        let count = entries.filter(|entry| entry["cause"]["generation"] == *id).count();
        ensure!(count > 0, "{statement}");
        let mut prompts = statement["prompts"].as_array().into_iter().flatten();
        Ok(prompts.any(|view| view["generation"] == *id && view["prompt"] == *prompt))
    };
    ensure!(prompt.is_string() && shown().await?);
    let path = format!("/v1/generations/{}", id.as_str().unwrap_or_default());
    world.send("submit/cancel", json!({"path": format!("{path}/cancel")})).await?.is(200)?;
    ensure!(shown().await?);
    // Its files are not deleted yet.
    let deleted = world.generation(id.as_str().unwrap_or_default()).await?.deleted(clock::now())?;
    world.table.commit(&[Write::Generation(&deleted)]).await?;
    ensure!(!shown().await?, "the prompt of a deleted generation is shown");
    Ok(())
}

#[tokio::test]
async fn statement_ends_at_the_balance_of_the_account() -> Result<()> {
    let world = World::new().await?;
    let statement = world.send("account/statement", json!({})).await?.is(200)?.body;
    let available = world.account().await?.balance.available.0;
    ensure!(statement["closing"]["available"] == available, "{statement}");
    Ok(())
}

#[tokio::test]
async fn code_is_redeemed_once_and_gives_its_credits() -> Result<()> {
    let world = World::new().await?;
    world.send("catalogue/publish-promotion", json!({})).await?.is(201)?;
    let before = world.account().await?.balance.available.0;
    let redeem = async |code: &str, key: &str| {
        let headers = json!({"idempotency-key": key});
        world.send("account/redeem-unknown-code", json!({"headers": headers, "body": {"code": code}})).await
    };
    for replayed in [false, true] {
        let redeemed = redeem(" spring-2027", "one").await?.is(201)?;
        ensure!(redeemed.body == json!({"credits": 50, "available": before + 50}), "{redeemed:?}");
        ensure!((redeemed.headers["idempotent-replayed"] == "true") == replayed, "{redeemed:?}");
    }
    redeem("SPRING-2027", "two").await?.refused(409, "conflict")?;
    redeem("AUTUMN-2027", "three").await?.names(&["code"])?;
    redeem("no code", "four").await?.names(&["code"])?;
    ensure!(world.account().await?.balance.available.0 == before + 50);
    let listed = world.send("catalogue/promotions", json!({})).await?.is(200)?.body;
    ensure!(listed["items"][0]["redeemed"] == 1 && listed["items"][0]["limit"] == 1_000, "{listed}");
    Ok(())
}

#[tokio::test]
async fn ended_code_is_refused_as_an_unknown_one() -> Result<()> {
    let world = World::new().await?;
    let unknown = world.send("account/redeem-unknown-code", json!({})).await?;
    world.send("catalogue/publish-promotion", json!({})).await?.is(201)?;
    world.send("catalogue/publish-promotion", json!({})).await?.refused(409, "conflict")?;
    world.send("catalogue/end-unknown-promotion", json!({})).await?.is(200)?;
    let ended = world.send("account/redeem-unknown-code", json!({})).await?;
    ensure!(ended.body["errors"] == unknown.body["errors"] && ended.status == 400, "{ended:?} {unknown:?}");
    Ok(())
}

#[tokio::test]
async fn codes_cannot_be_guessed() -> Result<()> {
    let world = World::new().await?;
    world.send("catalogue/publish-promotion", json!({})).await?.is(201)?;
    // The eleventh attempt in the hour: the counter of writes in a minute allows more.
    world.aws.play("UpdateItem", json!({"Attributes": {"hits": {"N": "11"}}})).await;
    world.send("account/redeem-unknown-code", json!({})).await?.refused(429, "rate-limited")?;
    world.aws.play("UpdateItem", json!({"Attributes": {"hits": {"N": "10"}}})).await;
    world.send("account/redeem-unknown-code", json!({})).await?.is(201)?;
    Ok(())
}

#[tokio::test]
async fn promotion_that_breaks_rules_is_refused() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"body": {"code": "a b", "credits": 0, "limit": 0, "until": "2020-01-01T00:00:00Z"}});
    let refused = world.send("catalogue/publish-promotion", body).await?;
    refused.names(&["code", "credits", "limit", "until"])?;
    Ok(())
}
