//! Deletion, export.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::world::{World, and, recent};

const DELETE: &str = "privacy-delete/request-without-recent-sign-in";
const EXPORT: &str = "privacy-export/request-without-recent-sign-in";

#[tokio::test]
async fn deletion_and_export_need_a_recent_sign_in() -> Result<()> {
    let world = World::new().await?;
    for event in [DELETE, EXPORT] {
        world.send(event, json!({})).await?.refused(403, "recent-sign-in-needed")?;
    }
    Ok(())
}

#[tokio::test]
async fn deletion_needs_the_address_as_confirmation() -> Result<()> {
    let world = World::new().await?;
    let wrong = and(recent(), json!({"body": {"confirmation": "bob@example.com"}}));
    world.send(DELETE, wrong).await?.names(&["confirmation"])?;
    ensure!(world.account().await?.deletion.is_none());
    Ok(())
}

#[tokio::test]
async fn requested_deletion_is_stored_and_queued() -> Result<()> {
    let world = World::new().await?;
    let answer = world.send(DELETE, recent()).await?.is(202)?;
    ensure!(world.account().await?.deletion.is_some());
    ensure!(answer.calls.contains(&"SendMessage".to_owned()), "{answer:?}");
    // No grace period is configured: the erasure has begun.
    world.send("privacy-delete/cancel", json!({})).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn one_export_is_built_at_a_time() -> Result<()> {
    World::new().await?.send(EXPORT, recent()).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn unknown_receipt_is_not_found() -> Result<()> {
    World::new().await?.send("privacy-delete/receipt", json!({})).await?.refused(404, "not-found")?;
    Ok(())
}
