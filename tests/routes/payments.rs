//! Checkouts, and the messages of payment providers.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn checkout_names_what_is_not_sold() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"package": "none", "currency": "EUR", "provider": "stripe"});
    world.send("checkout/create", json!({"body": body})).await?.names(&["package"])?;
    let body = json!({"package": "maker", "currency": "XXX", "provider": "stripe"});
    world.send("checkout/create", json!({"body": body})).await?.names(&["currency"])?;
    Ok(())
}

#[tokio::test]
async fn s7_with_tax_only_the_provider_that_computes_it_is_offered() -> Result<()> {
    for (tax, offered) in
        [("none", vec!["stripe", "paypal"]), ("exclusive", vec!["stripe"]), ("inclusive", vec!["stripe"])]
    {
        let world = World::new().await?.with_variables([("TAX", tax), ("PAYMENT_PROVIDERS", "stripe,paypal")]);
        let listed = world.send("checkout/packages", json!({})).await?.is(200)?.body;
        ensure!(listed["tax"] == tax, "{listed}");
        let ids: Vec<_> = listed["providers"].as_array().into_iter().flatten().map(|one| &one["id"]).collect();
        ensure!(ids == offered, "{tax}: {ids:?}");
        if !offered.contains(&"paypal") {
            let body = json!({"package": "maker", "currency": "EUR", "provider": "paypal"});
            world.send("checkout/create", json!({"body": body})).await?.names(&["provider"])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn checkouts_of_an_account_are_limited() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("UpdateItem", json!({"Attributes": {"hits": {"N": "1000"}}})).await;
    let refused = world.send("checkout/create", json!({})).await?.refused(429, "rate-limited")?;
    ensure!(refused.headers["retry-after"].is_string(), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn checkout_of_another_account_is_not_found() -> Result<()> {
    let world = World::new().await?;
    for event in ["checkout/read", "checkout/capture"] {
        world.send(event, world.stranger().await?).await?.refused(404, "not-found")?;
    }
    Ok(())
}

#[tokio::test]
async fn only_paypal_checkouts_are_captured() -> Result<()> {
    let path = json!({"path": "/v1/checkout/0199c8a4-2b4c-7e11-8d31-5f60718293a4/capture"});
    World::new().await?.send("checkout/capture", path).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn forged_event_reaches_no_table() -> Result<()> {
    let answer = World::new().await?.send("stripe-webhook/forged", json!({})).await?;
    ensure!(answer.status == 400 || answer.status == 401, "{answer:?}");
    ensure!(answer.calls.iter().all(|call| call == "GetSecretValue"), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn event_of_an_unknown_type_is_acknowledged_and_changes_nothing() -> Result<()> {
    let answer = World::new().await?.send("stripe-webhook/unknown-type", json!({})).await?.is(204)?;
    ensure!(!answer.calls.contains(&"TransactWriteItems".to_owned()), "{answer:?}");
    Ok(())
}
