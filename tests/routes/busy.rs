//! What AWS refuses for a moment: too many calls, and writes of an item that a transaction is writing.

use anyhow::{Result, ensure};
use domain::accounts::sign_up::SignUp;
use runtime::clock;
use serde_json::{Value, json};
use store::{CommitError, Write};

use crate::world::World;

async fn while_refused(operation: &str, error: Value, event: &str) -> Result<()> {
    let world = World::new().await?;
    world.aws.play(operation, error).await;
    let answer = world.send(event, json!({})).await?;
    ensure!(answer.status == 503 && answer.body["type"] == "urn:darkroom:problem:busy", "{answer:?}");
    ensure!(answer.headers["retry-after"] == "2" && answer.body["retry_after"] == 2, "{answer:?}");
    ensure!(!answer.body.to_string().contains("AWS"), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn throttled_call_is_503_with_the_time_to_wait() -> Result<()> {
    for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] {
        let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}")});
        while_refused("GetItem", error, "gallery/read").await?;
    }
    Ok(())
}

#[tokio::test]
async fn counter_that_a_transaction_is_writing_is_503() -> Result<()> {
    while_refused("UpdateItem", json!({"__type": "TransactionConflictException"}), "submit/create").await
}

#[tokio::test]
async fn throttled_transaction_is_503_with_the_time_to_wait() -> Result<()> {
    let reasons = json!([{"Code": "None"}, {"Code": "ThrottlingError", "Message": "Throughput exceeds the limit"}]);
    let error = json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons});
    while_refused("TransactWriteItems", error, "submit/create").await
}

#[tokio::test]
async fn call_that_is_throttled_on_the_way_of_a_payment_is_503() -> Result<()> {
    let error = json!({"__type": "ProvisionedThroughputExceededException"});
    while_refused("GetItem", error, "stripe-webhook/refunded").await
}

#[tokio::test]
async fn other_failures_of_a_call_stay_500() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("GetItem", json!({"__type": "ResourceNotFoundException"})).await;
    let answer = world.send("gallery/read", json!({})).await?;
    ensure!(answer.status == 500 && answer.body["type"] == "urn:darkroom:problem:internal", "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn plain_write_during_a_transaction_is_a_lost_race() -> Result<()> {
    let world = World::new().await?;
    for operation in ["PutItem", "DeleteItem"] {
        world.aws.play(operation, json!({"__type": "TransactionConflictException"})).await;
    }
    let sign_up = SignUp::new(world.account, 7, None, clock::now());
    for write in [Write::SignUp(&sign_up), Write::RemoveSignUp(&sign_up)] {
        let written = world.table.commit(&[write]).await;
        ensure!(matches!(written, Err(CommitError::Stale)), "{written:?}");
    }
    Ok(())
}

#[tokio::test]
async fn transaction_during_another_one_is_a_lost_race() -> Result<()> {
    let world = World::new().await?;
    let reasons =
        json!([{"Code": "None"}, {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]);
    let error = json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons});
    world.aws.play("TransactWriteItems", error).await;
    let (one, other) =
        (SignUp::new(world.account, 7, None, clock::now()), SignUp::new(world.account, 8, None, clock::now()));
    let written = world.table.commit(&[Write::SignUp(&one), Write::RemoveSignUp(&other)]).await;
    ensure!(matches!(written, Err(CommitError::Stale)), "{written:?}");
    let answer = world.send("submit/create", json!({})).await?;
    ensure!(answer.status == 409 && answer.body["type"] == "urn:darkroom:problem:concurrent-change", "{answer:?}");
    ensure!(answer.headers["retry-after"] == "1", "{answer:?}");
    Ok(())
}
