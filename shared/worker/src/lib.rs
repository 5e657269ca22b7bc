//! What `generate-image` and `generate-video` do with a message: claim the generation, ask the provider, store what it
//! made, settle. A message says which generation, and nothing else; what to do is decided from what lies in the table.
//!
//! A claim takes a lease, which is also the fence: what is waited for is written only while the generation still has the
//! lease that this attempt took. An end is written by whoever comes first, since it is final. A message that comes while
//! somebody else has the lease is dropped, not handed back, since each return counts towards the dead letters: if that
//! somebody dies, its own message comes back, or the sweep sends one.
//!
//! Each step can be cut off before it, after it, or be done twice:
//!
//! | step | died before it | died after it | done twice |
//! |---|---|---|---|
//! | write the claim | the message comes back | the lease runs out, then the message that comes back, or the sweep's, claims again | the second write is stale, finds the lease, and is dropped |
//! | ask the provider | as above | a job whose id was not stored, or files that came at once, are lost and asked, and paid by us, again | only after the lease ran out; the files have the same names |
//! | store the job's id | the job is lost, as above | the sweep sends the next message and the job is resumed | the second write is stale: its own value is known again, another's wins |
//! | send the delayed message | the sweep sends it | nothing is left to do | one of two claims, the other is dropped |
//! | write the files | a job is asked again, for free | the same names are written again | the same |
//! | end and settle | the files are written again | nothing is left to do | the second finds it ended |
//! | remove files that came too late | they go with the generation, or when the message comes back and it is gone | nothing is left to do | nothing is there |
//!
//! Only our own failures (table, bucket, secret) fail a record, so that it is delivered again. Whatever a provider
//! answers is dealt with and acknowledged: what must follow is in the table before that.

mod ask;
mod configuration;
mod follow;
mod output;
mod work;

pub use configuration::{ConfigurationError, Configured};

use std::sync::Arc;

use domain::catalogue::models::MediaKind;
use lambda_runtime::LambdaEvent;
use runtime::{Error, events, sqs};
use serde_json::Value;

/// Answers the events of the queue of this kind until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run(kind: MediaKind) -> Result<(), Error> {
    events::run(async |environment| {
        let worker = Arc::new(work::Worker::new(&environment, kind)?);
        Ok(move |event: LambdaEvent<Value>| {
            let worker = Arc::clone(&worker);
            async move { Ok(sqs::handle_batch(event, async |record| worker.work(record).await).await?) }
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use lambda_runtime::Context;
    use store::GenerationMessage;

    use super::*;

    async fn check(event: &str) {
        let mut context = Context::default();
        context.deadline = u64::MAX;
        let jobs = RefCell::new(Vec::new());
        let handle = async |record: sqs::Record<GenerationMessage>| {
            jobs.borrow_mut().push(record.body.generation.to_string());
            Ok::<_, work::WorkError>(())
        };
        let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), context);
        assert!(sqs::handle_batch(event, handle).await.unwrap().batch_item_failures.is_empty());
        assert_eq!(jobs.into_inner(), ["0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a"]);
    }

    #[tokio::test]
    async fn a_message_of_either_queue_names_a_generation() {
        check(include_str!("../../../events/generate-image/queued.json")).await;
        check(include_str!("../../../events/generate-video/queued.json")).await;
    }
}
