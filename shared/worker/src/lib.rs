//! What `generate-image` and `generate-video` do with a message: claim the generation, call the provider, store the files
//! as received. `finish-generation` checks and marks them, and settles. A message names a generation and nothing else; the
//! table says what to do.
//!
//! A claim takes a lease, which is also the fence: what is waited for is written only while the generation has the lease
//! that this attempt took. An end is written by the first worker, owner or sweep that decides it, since it is final. A
//! message that arrives while another worker has the lease is dropped and not returned, since each return counts towards
//! the dead letters: if that worker crashes, its own message is delivered again, or the sweep sends one.
//!
//! A job is polled by delayed messages, which find a lease before their time. If its provider reports its end, a message that says so comes
//! in between and polls it at once; the delayed one comes later, and finds an end or a lease.
//!
//! No provider is called for a generation whose received files are recorded: a message for it is sent on to the
//! function that finishes it. No start is repeated because a file of it could not be stored. A claim of a generation
//! whose last attempt crashed looks for received files before it starts it again.
//!
//! An account may have half of the workers of a queue, also of that of `finish-generation`: a fair queue delivers the messages of
//! others first, but a worker that is busy finishes eight outputs before it takes one.
//!
//! Each step can be interrupted before it, after it, or be done twice. The second part is in `finish-generation`:
//!
//! | step | crash before it | crash after it | done twice |
//! |---|---|---|---|
//! | write the claim | the message is delivered again | the lease expires, then the next message claims again | the second write is stale, finds the lease, and is dropped |
//! | have a classifier check prompt and starting image | as above | they are checked again | they are checked twice |
//! | start at the provider | as above | a job whose id was not stored, or files that came at once and were not stored, are lost; the generation starts again, or is refunded if it was canceled | only after the lease expired; the files have the same names |
//! | count it against the budget of the day, or log why it cannot be counted | it is not counted | it was not stored: it is counted again | it is counted twice |
//! | store the job's id | the job is lost, as above | the sweep sends the next message and the job is resumed | the second write is stale: its own value is recognized, another one wins |
//! | send the delayed message | the sweep sends it | nothing is left to do | one of two claims, the other is dropped |
//! | cancel at the provider | the next message cancels | the job is polled, has ended, and is refunded | the provider answers that it has ended |
//! | store the received files | a job is polled again, for free; a start is lost, as above | those of a job are found and recorded by the next claim if none is missing, else removed, and it is polled again for all of them; those of a start are found and recorded by the next claim, and those that were not stored are left out and not charged | the same names are written again |
//! | record them | as above | the sweep sends the message to finish them | the second write is stale; files of a generation that has ended are deleted |
//! | send the message to finish them | the sweep sends it | nothing is left to do here | one of two claims, the other is dropped |
//! | while the account has its share of those that finish: send the message again, delayed | the message is delivered again | nothing is left to do here | one of two claims, the other is dropped |
//! | claim to finish | the message is delivered again | the lease expires, then the next message claims again | the second write is stale, finds the lease, and is dropped |
//! | have a classifier check the outputs | the received files are read again | they are checked again | the same |
//! | write the outputs | the received files are read again | the same names are written again | the same |
//! | no file is usable: delete the received files | they are checked again | none is there, which is unusable too | nothing is there |
//! | record that another job is to be started, or give up | as above | the sweep sends the message | the second write is stale |
//! | end and settle | the outputs are written again | the message is delivered again, and the next steps are done | the second finds that it has ended |
//! | delete the received files | the message is delivered again; of an end without output they are due in the sweep | nothing is left to do | nothing is there |
//! | send the message to delete the provider's copies | the message is delivered again | nothing is left to do here | the second finds none |
//! | delete the provider's copies | they are deleted before the generation is removed, or at the erasure | the same | nothing is there |
//! | delete files that came too late | they are deleted with the generation, or when the message is delivered again | nothing is left to do | nothing is there |
//!
//! Only failures of this service (table, bucket, queue, secret) fail a record, so that it is delivered again. Every response
//! of a provider is handled and acknowledged: what must follow is in the table before that.

mod ask;
mod breaker;
mod classifiers;
mod configuration;
mod follow;
mod received;
mod share;
mod work;

pub use classifiers::{CheckError, Classifiers, log_failed_check};
pub use configuration::{ConfigurationError, Configured};
pub use share::Share;

use std::sync::Arc;

use domain::catalogue::models::MediaKind;
use lambda_runtime::LambdaEvent;
use runtime::{Error, events, sqs};
use serde_json::Value;

/// Handles the events of the queue of this kind until Lambda ends the process.
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
    async fn message_of_either_queue_names_a_generation() {
        check(include_str!("../../../events/generate-image/queued.json")).await;
        check(include_str!("../../../events/generate-video/queued.json")).await;
    }
}
