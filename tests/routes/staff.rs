//! Reviews and access by staff.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::world::{World, claims};

#[tokio::test]
async fn staff_routes_do_not_exist_for_others() -> Result<()> {
    let world = World::new().await?;
    let member = claims(&json!({"cognito:groups": null}));
    for event in ["staff-access/open", "staff-access/profile", "staff-review/list", "staff-review/decide"] {
        world.send(event, member.clone()).await?.refused(404, "not-found")?;
    }
    Ok(())
}

#[tokio::test]
async fn decision_needs_a_note() -> Result<()> {
    let body = json!({"body": {"release": true, "note": " "}});
    World::new().await?.send("staff-review/decide", body).await?.names(&["note"])?;
    Ok(())
}

#[tokio::test]
async fn access_needs_a_reason_and_ends_within_a_day() -> Result<()> {
    let body = json!({"body": {"reference": "", "reason": " ", "minutes": 15}});
    let world = World::new().await?;
    world.send("staff-access/open", body).await?.names(&["reason", "reference"])?;
    let body = json!({"body": {"reference": "T-17", "reason": "she asked", "minutes": 100_000}});
    world.send("staff-access/open", body).await?.names(&["minutes"])?;
    Ok(())
}

#[tokio::test]
async fn each_look_is_recorded_with_what_it_shows() -> Result<()> {
    let answer = World::new().await?.send("staff-access/profile", json!({})).await?.is(200)?;
    ensure!(answer.calls.contains(&"TransactWriteItems".to_owned()), "{answer:?}");
    Ok(())
}
