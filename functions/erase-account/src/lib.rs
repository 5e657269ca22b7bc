//! The queue of erasures: deletes all data of an account and writes a receipt.
//!
//! A message names an account whose deletion was requested. The first message arrives at once: the function revokes what is
//! public or shared. After the grace period it erases everything in this order: it cancels running generations, has the AI
//! providers delete their copies, has `sweep` answer the reports whose case goes with the account, and deletes files in all
//! versions, pointers, items, guest tickets from the account's
//! address, the user in the user pool, and the account item last. Before the last step it checks that nothing remains, and
//! completes the receipt only then. A worker that held a lease when the erasure began may still write. Until those leases
//! have expired the account item stays, and every step is done again.
//!
//! Repeats: each step finds less to do. If the function stops at any point, the account is still there and due, and `sweep`
//! sends another message. Data under a legal hold stays, and with it the account item, which nobody can use.
//!
//! The event `{"replay": {}}` erases accounts again that a restored table brought back. It runs between a restore and the
//! first request. It answers with the number of erased accounts and, if the time ran out, with `next`, where the event
//! `{"replay": {"after": <next>}}` continues. It fails if an erasure fails. A repeat continues.

mod erasure;
mod error;
mod replay;

use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use runtime::{Error, clock, events, sqs};
use serde_json::{Value, json};
use store::EraseAccountMessage;

use crate::erasure::Eraser;

/// Handles events until Lambda ends the process.
///
/// # Errors
/// The function could not start. The log says how to fix it.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let eraser = Arc::new(Eraser::open(&environment)?);
        Ok(move |event: LambdaEvent<Value>| {
            let eraser = eraser.clone();
            async move {
                if let Some(replay) = event.payload.get("replay") {
                    let replay = serde_json::from_value(replay.clone())?;
                    return Ok(json!(eraser.replay(replay, &event.context).await?));
                }
                let handle = async |record: sqs::Record<EraseAccountMessage>| {
                    eraser.erase(record.body.account, clock::now()).await
                };
                Ok::<_, Error>(json!(sqs::handle_batch(event, handle).await?))
            }
        })
    })
    .await
}
