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
