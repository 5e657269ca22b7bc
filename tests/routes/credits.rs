//! The statement.

use anyhow::{Result, ensure};
use serde_json::json;

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
async fn statement_ends_at_the_balance_of_the_account() -> Result<()> {
    let world = World::new().await?;
    let statement = world.send("account/statement", json!({})).await?.is(200)?.body;
    let available = world.account().await?.balance.available.0;
    ensure!(statement["closing"]["available"] == available, "{statement}");
    Ok(())
}
