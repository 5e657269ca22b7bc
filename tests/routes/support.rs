//! Tickets.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn ticket_is_about_something_of_the_account() -> Result<()> {
    let about = json!({"kind": "generation", "id": "0199c8a3-0000-7c1b-a4e6-90b1c2d3e4f5"});
    let body = json!({"body": {"subject": "Too dark", "text": "It is hard to see.", "about": about}});
    World::new().await?.send("support/open", body).await?.names(&["about.id"])?;
    Ok(())
}

#[tokio::test]
async fn tickets_of_an_account_are_limited() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("UpdateItem", json!({"Attributes": {"hits": {"N": "1000"}}})).await;
    let refused = world.send("support/open", json!({})).await?.refused(429, "rate-limited")?;
    ensure!(refused.headers["retry-after"].is_string(), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn ticket_needs_a_subject_and_a_text() -> Result<()> {
    let body = json!({"body": {"subject": "", "text": " "}});
    World::new().await?.send("support/open", body).await?.names(&["subject", "text"])?;
    Ok(())
}
